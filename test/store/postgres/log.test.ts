import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Session } from '../../../src/domain/session.ts';
import { LOG_START, type LogPosition, type LogReading } from '../../../src/revocation/log.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import {
  begin,
  ofKind,
  raiseCommand,
  revokeCommand,
  times,
  userScope,
} from '../../../src/store/conformance/commands.ts';
import { assertBegins, assertChained, DISCARD_MARGIN_MS, follow } from '../../../src/store/conformance/observe.ts';
import { revocationsJson, scopeValues } from '../../../src/store/postgres/commands.ts';
import { type OutcomeRow, rulesText, toEntries } from '../../../src/store/postgres/rows.ts';
import { STATEMENTS } from '../../../src/store/postgres/statements.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import { freshDatabase, type TestDatabase } from '../../servers/database.ts';
import { until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

/** SQLSTATE lock_not_available. */
const LOCK_TIMEOUT = '55P03';

describeOn('postgres', () => {
  describe('the log', () => {
    let database: TestDatabase;
    let store: PostgresStore;

    beforeEach(async () => {
      database = await migratedDatabase();
      store = await openStore(database.url);
    });

    afterEach(async () => {
      await store.close();
      await database.drop();
    });

    it('comes whole and in order where 64 writers are slow to commit, and idle transactions stay open', async () => {
      const elsewhere = await freshDatabase();
      const idle = await Promise.all([idleTransaction(elsewhere.url), idleTransaction(database.url)]);
      const sessions = await Promise.all(times(192, (index) => begin(store, { userId: `user-${index % 96}` })));
      const writers = await Promise.all(times(64, () => connected(database.url)));
      const entries = follow(store);
      const tags = await Promise.all(
        writers.map(async (writer, index) => {
          const own: string[] = [];
          for (let round = 0; round < 3; round += 1) {
            own.push(...(await append(writer, statementFor(sessions[64 * round + index] as Session))));
          }
          return own;
        }),
      );
      await until('all has arrived', async () => entries.length >= tags.flat().length);
      assertBegins(entries);
      assertChained(entries);
      assert.deepEqual(entries.map(({ tag }) => tag).sort(), tags.flat().sort());
      for (const client of idle) assert.equal((await client.query('SELECT 1')).rowCount, 1);
      await Promise.all([...writers, ...idle].map((client) => client.end()));
      await elsewhere.drop();
    });

    it('goes on without a gap from a position, or says that it is compacted, while it is trimmed', async () => {
      // What was appended longer ago than this is past its discard time.
      const keptMs = 300;
      const ahead = { ms: DEFAULT_RULES.accessTokenTtlMs + DISCARD_MARGIN_MS - keptMs };
      const sweeper = await openStore(database.url, { clock: ahead });
      const heads: LogPosition[] = [LOG_START];
      const readings: Reading[] = [];
      const over = new AbortController();
      const repeat = async (act: () => Promise<void>) => {
        while (!over.signal.aborted) await act();
      };
      const load = Promise.all([
        repeat(async () => {
          await sweeper.sweep(1000);
          await pause(100);
        }),
        ...times(8, (index) => repeat(async () => void heads.push(await revokeOne(store, `user-${index}`)))),
        ...times(4, (index) => repeat(async () => void readings.push(await readFrom(store, heads, index % 2 === 0)))),
      ]);
      const seen = (kind: LogReading['kind']) => readings.filter((reading) => reading.kind === kind).length;
      const enough = () => Math.min(seen('continues'), seen('compacted'), heads.length) > 400;
      try {
        await Promise.race([load, until('much was read', async () => enough())]);
      } finally {
        over.abort();
      }
      await load;
      const tags = new Map(heads.map(({ position, tag }) => [position, tag]));
      assert.equal(tags.size, heads.length);
      for (const reading of readings) assertTrue(reading, tags);
      await sweeper.close();
    });
  });
});

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** It has a snapshot and a number, and does nothing. */
async function idleTransaction(url: string): Promise<pg.Client> {
  const client = await connected(url);
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT pg_current_xact_id()');
  return client;
}

interface Asked {
  readonly text: string;
  readonly values: unknown[];
}

/** A revocation of the session, or of all that its user has. */
function statementFor(session: Session): Asked {
  const rules = rulesText(DEFAULT_RULES, 0, session.generations[3]);
  if (Math.random() < 0.5) {
    return { text: STATEMENTS.revoke.text, values: [rules, revocationsJson([revokeCommand(session)])] };
  }
  const scope = scopeValues(userScope(session.userId));
  const { reason } = raiseCommand();
  return { text: STATEMENTS.raise.text, values: [rules, ...scope, reason, null, null, '', null, null, null] };
}

/** Gives the tags of what it appended and committed. */
async function append(client: pg.Client, asked: Asked): Promise<readonly string[]> {
  for (;;) {
    await client.query('BEGIN');
    try {
      const { rows } = await client.query<{ outcome: OutcomeRow }>(asked.text, asked.values);
      await pause(30 * Math.random());
      await client.query('COMMIT');
      return toEntries(rows[0]?.outcome.entries ?? null).map(({ tag }) => tag);
    } catch (error) {
      // Each waits for all that are before it, on a busy machine too long.
      if (!(error instanceof pg.DatabaseError && error.code === LOCK_TIMEOUT)) throw error;
      await client.query('ROLLBACK');
    }
  }
}

async function revokeOne(store: PostgresStore, userId: string): Promise<LogPosition> {
  const { head } = ofKind(await store.revoke(revokeCommand(await begin(store, { userId }))), 'done');
  return head ?? assert.fail('it was live');
}

interface Reading extends LogReading {
  readonly from: LogPosition;
  readonly count: number;
  /** The highest position that was acknowledged before. */
  readonly acknowledged: number;
}

/** From any position that was acknowledged, or from one of the newest. */
async function readFrom(store: PostgresStore, heads: readonly LogPosition[], isNew: boolean): Promise<Reading> {
  const choices = isNew ? heads.slice(-100) : heads;
  const from = choices[Math.floor(Math.random() * choices.length)] ?? LOG_START;
  const count = 1 + Math.floor(Math.random() * 200);
  const acknowledged = Math.max(...heads.map(({ position }) => position));
  return { ...(await store.after(from, count)), from, count, acknowledged };
}

/** By what was acknowledged in the end. */
function assertTrue(reading: Reading, tags: ReadonlyMap<number, string>): void {
  const { kind, entries, from, count, acknowledged } = reading;
  assertChained(entries);
  for (const { position, tag } of entries) assert.equal(tags.get(position), tag);
  const [first] = entries;
  if (kind === 'compacted') {
    assert(first !== undefined && first.position > from.position + 1);
    assert.equal(first.previousTag, tags.get(first.position - 1));
  } else {
    assert.equal(kind, 'continues');
    if (first !== undefined) assert.deepEqual([first.position, first.previousTag], [from.position + 1, from.tag]);
  }
  assert(entries.length <= count);
  if (entries.length < count) assert((entries.at(-1) ?? from).position >= acknowledged);
}

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { STORE_DEADLINE_MS } from '../../src/domain/limits.ts';
import type { CreateCommand } from '../../src/domain/store.ts';
import { SessionError } from '../../src/error.ts';
import type { LogEntry } from '../../src/revocation/log.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import {
  createCommand,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  USER,
} from '../../src/store/conformance/commands.ts';
import type { EmbeddedStore } from '../../src/store/embedded/store.ts';
import { BUSY, type Engine, type Tables } from '../../src/store/embedded/tables.ts';
import { WriteQueue } from '../../src/store/embedded/write_queue.ts';
import { createMemoryEngine } from '../../src/store/memory/tables.ts';
import { type Database, openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

describe('Writes of one turn on SQLite', () => {
  let folder = '';
  let store: EmbeddedStore;
  let other: Database;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'queue-'));
    store = await openSqliteStore(join(folder, 'sessions.db'), DEFAULT_RULES, { ms: 0 });
    other = await openDatabase(join(folder, 'sessions.db'));
  });
  afterEach(() => {
    store.close();
    other.close();
    rmSync(folder, { recursive: true });
  });

  /** In the write-ahead log: the last frame of each says how large the file is then (sqlite.org/fileformat2.html, section 4.1). */
  const commits = () => {
    const log = readFileSync(join(folder, 'sessions.db-wal'));
    const frameSize = 24 + log.readUInt32BE(8);
    let count = 0;
    for (let at = 32; at < log.length; at += frameSize) count += log.readUInt32BE(at + 4) === 0 ? 0 : 1;
    return count;
  };

  const begin = async () => ofKind(await store.create(createCommand()), 'created').record.session;

  const find = ({ session: { tenantId, sessionId } }: CreateCommand) =>
    store.read({ tenantIds: [tenantId], sessionId, touch: false });

  /** Makes every write fail of the session with this id. */
  const breakSession = (sessionId: string) =>
    other.exec(`CREATE TRIGGER broken BEFORE INSERT ON nest_auth_sessions WHEN new.session_id = '${sessionId}'
      BEGIN SELECT raise(ABORT, 'broken'); END`);

  it('share commits, and each is on disk when it is answered', async () => {
    await begin();
    const before = commits();
    const stored = other.prepare('SELECT session_id FROM nest_auth_sessions WHERE session_id = ?');
    const isStored = ({ session }: CreateCommand) => stored.get(session.sessionId) !== undefined;
    const commands = Array.from({ length: 50 }, () => createCommand());
    const creates = commands.map((command) => store.create(command).then(() => isStored(command)));
    assert(!commands.some(isStored));
    assert(!(await Promise.all(creates)).includes(false));
    // One, where the steps take no longer than a transaction may.
    assert(commits() - before < 25);
  });

  it('run in the order in which they came: each sees what those before it did to its session', async () => {
    const session = await begin();
    const [refreshed, replayed, revoked, late, again] = await Promise.all([
      store.refresh(refreshCommand(session)),
      store.refresh(refreshCommand(session)),
      store.revoke(revokeCommand(session)),
      store.refresh(refreshCommand(session)),
      store.revoke(revokeCommand(session)),
    ]);
    assert.equal(refreshed.kind, 'rotated');
    const { credential } = ofKind(replayed, 'replayed').record.session;
    assert.equal(credential.generation, 2);
    assert(revoked.kind === 'done' && revoked.revoked);
    assert.equal(late.kind, 'revoked');
    assert(again.kind === 'done' && !again.revoked);
  });

  it('see the minimum that one of them raised, and are logged in their order before any is answered', async () => {
    const [session, spared] = [await begin(), await begin()];
    const entries: LogEntry[] = [];
    store.follow((added) => entries.push(...added));
    const [first, , refreshed, created] = await Promise.all([
      store.revoke(revokeCommand(spared)).then(() => entries.length),
      store.raise(raiseCommand(USER)),
      store.refresh(refreshCommand(session)),
      store.create(createCommand()),
    ]);
    assert.equal(first, 2);
    assert.deepEqual(
      entries.map(({ revocation }) => revocation.scope.kind),
      ['session', 'user'],
    );
    assert.equal(refreshed.kind, 'revoked');
    const { session: later } = ofKind(created, 'created').record;
    assert.equal(ofKind(await store.read({ ...refTo(later), touch: false }), 'found').record.status.state, 'active');
  });

  it('fail alone: nothing is left of one that throws, and the others are done once', async () => {
    const commands = Array.from({ length: 5 }, () => createCommand());
    breakSession((commands[2] as CreateCommand).session.sessionId);
    const revoked = await begin();
    const entries: LogEntry[] = [];
    store.follow((added) => entries.push(...added));
    const revocation = store.revoke(revokeCommand(revoked));
    const settled = await Promise.allSettled(commands.map((command) => store.create(command)));
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    const [failed] = settled.filter((result) => result.status === 'rejected');
    assert(failed?.reason instanceof SessionError && failed.reason.code === 'STORE_UNAVAILABLE');
    const done = await revocation;
    assert(done.kind === 'done' && done.revoked);
    assert.equal(entries.length, 1);
    const found = await Promise.all(commands.map(find));
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['found', 'found', 'unknown', 'found', 'found'],
    );
  });

  it('are all told where the commit fails, and none of them is there', async () => {
    // A constraint that is looked at when the transaction commits.
    other.exec(`CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER orphan AFTER INSERT ON nest_auth_sessions BEGIN INSERT INTO child VALUES (1); END`);
    const commands = Array.from({ length: 3 }, () => createCommand());
    for (const result of await Promise.allSettled(commands.map((command) => store.create(command)))) {
      assert(result.status === 'rejected');
      assert(result.reason instanceof SessionError && result.reason.code === 'STORE_UNAVAILABLE');
      assert.match(result.reason.message, /may or may not have happened/);
    }
    other.exec('DROP TRIGGER orphan');
    for (const command of commands) assert.equal((await find(command)).kind, 'unknown');
    assert.equal((await store.create(createCommand())).kind, 'created');
  });

  it('keep no read waiting, which sees only what is committed, and are not kept waiting by one either', async () => {
    const session = await begin();
    const done = new AbortController();
    const revoking = store.revoke(revokeCommand(session)).finally(() => done.abort());
    const read = async () => ofKind(await store.read({ ...refTo(session), touch: false }), 'found').record.status.state;
    assert.equal(await read(), 'active');
    // No turn of the event loop ends meanwhile.
    while (!done.signal.aborted) await read();
    assert.equal(await read(), 'revoked');
    await revoking;
  });

  it('are refused where the store is closed first, and were not done', async () => {
    const command = createCommand();
    const creating = store.create(command);
    store.close();
    await assert.rejects(creating, { code: 'STORE_UNAVAILABLE', message: /being closed/ });
    await nextTurn();
    store = await openSqliteStore(join(folder, 'sessions.db'), DEFAULT_RULES, { ms: 0 });
    assert.equal((await find(command)).kind, 'unknown');
  });
});

describe('A queue of writes', () => {
  /** Commits what it is told to, in memory. */
  const engineOf = (change: Partial<Engine>): Engine => ({ ...createMemoryEngine(0), sharesCommits: true, ...change });
  const noted = () => undefined;

  /** How many steps each transaction had. */
  async function sizesOf(steps: readonly ((tables: Tables) => void)[]): Promise<number[]> {
    const memory = createMemoryEngine(0);
    const sizes: number[] = [];
    let run = 0;
    const counting = engineOf({
      write: (step) => {
        const before = run;
        const done = memory.write(step);
        sizes.push(run - before);
        return done;
      },
    });
    const queue = new WriteQueue(counting, noted);
    await Promise.all(
      steps.map((step) =>
        queue.run((tables) => {
          run += 1;
          step(tables);
        }),
      ),
    );
    return sizes;
  }

  it('puts no more than 256 steps into a transaction', async () => {
    assert.deepEqual(await sizesOf(new Array(600).fill(noted)), [256, 256, 88]);
  });

  it('begins no further step in a transaction that has lasted for 10 ms', async () => {
    const slow = () => {
      const untilMs = performance.now() + 15;
      while (performance.now() < untilMs);
    };
    assert.deepEqual(await sizesOf([slow, slow, slow]), [1, 1, 1]);
  });

  it('refuses what the steps before it keep from running until its deadline', async () => {
    const queue = new WriteQueue(engineOf({}), noted);
    const stuck = queue.run(() => {
      const untilMs = performance.now() + STORE_DEADLINE_MS + 20;
      while (performance.now() < untilMs);
    });
    const late = queue.run(() => assert.fail('it ran'));
    await stuck;
    await assert.rejects(late, { code: 'STORE_UNAVAILABLE' });
  });

  it('tells all at once where no transaction can begin, and goes on with what comes after', async () => {
    let begins = 0;
    let isBroken = true;
    const memory = createMemoryEngine(0);
    const write: Engine['write'] = (step) => {
      begins += 1;
      if (isBroken) throw new Error('it is damaged');
      return memory.write(step);
    };
    const queue = new WriteQueue(engineOf({ write }), noted);
    const settled = await Promise.allSettled([queue.run(noted), queue.run(noted)]);
    assert.deepEqual(
      settled.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : 'done')),
      ['it is damaged', 'it is damaged'],
    );
    assert.equal(begins, 1);
    isBroken = false;
    assert.equal(await queue.run(() => 'done'), 'done');
  });

  it('goes on with what comes after a lock was given up', async () => {
    let isLocked = true;
    const memory = createMemoryEngine(0);
    const queue = new WriteQueue(engineOf({ write: (step) => (isLocked ? BUSY : memory.write(step)) }), noted);
    await assert.rejects(queue.run(noted), { code: 'STORE_UNAVAILABLE' });
    isLocked = false;
    assert.equal(await queue.run(() => 'done'), 'done');
  });
});

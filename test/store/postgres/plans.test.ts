import assert from 'node:assert/strict';
import pg from 'pg';
import type { Session } from '../../../src/domain/session.ts';
import {
  begin,
  createCommand,
  listQuery,
  MINUTE,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stamp,
  updateCommand,
  userScope,
} from '../../../src/store/conformance/commands.ts';
import {
  createsJson,
  createValues,
  readsJson,
  refreshesJson,
  refValues,
  rotationJson,
} from '../../../src/store/postgres/commands.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import { listStatement } from '../../../src/store/postgres/list.ts';
import type { Statement } from '../../../src/store/postgres/pool.ts';
import { rulesText } from '../../../src/store/postgres/rows.ts';
import { STATEMENTS } from '../../../src/store/postgres/statements.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

const ROWS = 200_000;

/** Tables that hold a few rows whatever the number of sessions; an index would gain nothing. */
const SMALL = ['nest_auth_lifetimes', 'nest_auth_meta', 'nest_auth_keys', 'nest_auth_leases'];

describeOn('postgres', () => {
  describe(`plans, with ${ROWS} sessions`, function () {
    this.timeout(300_000);
    let database: TestDatabase;
    let store: PostgresStore;
    const clock = { ms: 0 };

    before(async () => {
      database = await migratedDatabase();
      store = await openStore(database.url, { clock });
      await fill(database, await begin(store));
    });

    after(async () => {
      await store.close();
      await database.drop();
    });

    it('read no table whole, by what the server counts', async () => {
      const before = await sequentialScans(database);
      // A connection may plan anew for the values of its first steps; later ones run as planned for any.
      const fresh = await openStore(`${database.url}?application_name=fresh`, { clock, poolSize: 2 });
      for (let round = 0; round < 8; round += 1) await everyStep(fresh, round);
      await closeAndCount(database, fresh, 'fresh');
      assert.deepEqual(await sequentialScans(database), before);
    });

    it('find every row by an index, by what the server explains', async () => {
      const plans = await explained(database.url, await everyStatement(store));
      for (const index of [
        'sessions_pkey',
        'sessions_unrevoked',
        'sessions_by_purge_time',
        'epochs_pkey',
        'requests_pkey',
      ]) {
        assert(
          plans.some((plan) => plan.includes(`nest_auth_${index} on`)),
          index,
        );
      }
      for (const plan of plans) {
        for (const [scan] of plan.matchAll(/Seq Scan on nest_auth_\w+/g)) {
          assert(
            SMALL.some((table) => scan.endsWith(table)),
            plan,
          );
        }
      }
    });

    it('write no index where a session is merely used', async () => {
      const sessions: Session[] = [];
      for (let index = 0; index < 300; index += 1) {
        sessions.push(await begin(store, { userId: `used-${index}`, tokenMode: index % 2 === 0 ? 'pair' : 'opaque' }));
      }
      const before = await updates(database);
      const user = await openStore(`${database.url}?application_name=user`, { clock });
      clock.ms += 2 * MINUTE;
      for (const session of sessions) {
        if (session.tokenMode === 'pair') await user.refresh(refreshCommand(session));
        else await user.read({ ...refTo(session), touch: true });
      }
      await closeAndCount(database, user, 'user');
      const { all, hot } = await updates(database);
      assert.equal(all - before.all, sessions.length);
      // Now and then somebody's snapshot keeps a page from being tidied in time.
      assert(hot - before.hot >= 0.9 * sessions.length, `${hot - before.hot} were HOT`);
    });
  });
});

async function fill(database: TestDatabase, like: Session): Promise<void> {
  // Its analysis holds a snapshot for as long as it takes, and pages are not tidied meanwhile.
  await database.query('ALTER TABLE nest_auth_sessions SET (autovacuum_enabled = false)');
  await database.query(
    `INSERT INTO nest_auth_sessions
     SELECT (r).* FROM nest_auth_sessions s, generate_series(1, ${ROWS}) n, LATERAL (
       SELECT jsonb_populate_record(s, jsonb_build_object(
         'session_id', gen_random_uuid(), 'user_id', 'user-' || n / 4, 'client_id', 'client-' || n % 50
       )) AS r
     ) made WHERE s.session_id = $1`,
    [like.sessionId],
  );
  await database.query(
    `INSERT INTO nest_auth_epochs
     SELECT 'user', 'acme', 'user-' || n, 1, NULL, now(), 'admin', now() + interval '1 year' FROM generate_series(1, 20000) n`,
  );
  await database.query(
    `INSERT INTO nest_auth_requests
     SELECT 'key-' || n, 'hash', '', 0, '{}', now() + interval '1 day' FROM generate_series(1, 20000) n`,
  );
  await database.query(
    `INSERT INTO nest_auth_revocations
     SELECT n, md5(n::text), md5((n - 1)::text), 'user', 'acme', 'user-' || n, 1, '', now() + interval '1 hour', 'admin', now()
     FROM generate_series(1, 20000) n`,
  );
  await database.query('ANALYZE');
}

async function everyStep(store: PostgresStore, round: number): Promise<void> {
  const userId = `user-${10 + round}`;
  const request = stamp(`r-${round}`);
  const session = await begin(store, { userId });
  await store.create(createCommand({ userId }, { request, replaceDeviceSessions: true }));
  await store.create(createCommand({ userId }, { request, replaceDeviceSessions: true }));
  const other = await begin(store, { userId: `${userId}-b` });
  await store.refresh(refreshCommand(other));
  await store.read({ ...refTo(other), touch: true });
  await store.list(listQuery({ userId }));
  await store.list(listQuery({ userId, states: ['active'] }));
  await store.update(updateCommand(other, { deviceName: 'Renamed', supersedeAccessTokens: true }));
  await store.rotate(rotateCommand(other));
  await store.revoke(revokeCommand(session, { request: stamp(`v-${round}`) }));
  await store.raise(raiseCommand(userScope(userId)));
  await store.raise(raiseCommand(userScope(userId), { deviceId: 'phone-1' }));
  await store.count(raiseCommand(userScope(userId)));
  await store.sweep(50);
}

/** Each step once, with values that find something. */
async function everyStatement(store: PostgresStore): Promise<readonly Asked[]> {
  const session = await begin(store, { userId: 'user-30' });
  const other = await begin(store, { userId: 'user-30' });
  const rules = rulesText(DEFAULT_RULES, 0, session.generations[3]);
  const ref = refValues(refTo(session));
  const { nonce, generation } = session.credential;
  const created = createCommand({ userId: 'user-31' });
  const revocation = {
    session_id: other.sessionId,
    request_key: 'r',
    request_hash: 'hash',
    reason: 'admin',
  };
  const device = ['', '', '', ''];
  const asked: readonly (readonly [Statement, readonly unknown[]])[] = [
    [
      STATEMENTS.create,
      [rules, ...createValues({ ...created, replaceDeviceSessions: true, request: { key: 'key-1', hash: 'hash' } })],
    ],
    [STATEMENTS.refresh, [rules, session.sessionId, null, null, nonce, generation, 1, '', '', ...device, null]],
    [STATEMENTS.read, [rules, ...ref, true]],
    [STATEMENTS.createEach, [rules, createsJson([createCommand({ userId: 'user-33' }, { request: stamp('each') })])]],
    [STATEMENTS.refreshEach, [rules, refreshesJson([refreshCommand(other)])]],
    [STATEMENTS.readEach, [rules, readsJson([{ ...refTo(session), touch: true }])]],
    [STATEMENTS.update, [rules, ...ref, 'merge', '{}', null, null, null, null, true]],
    [STATEMENTS.rotate, [rules, ...ref, rotationJson(rotateCommand(session)), 'key-2', 'hash']],
    [STATEMENTS.revoke, [rules, JSON.stringify([revocation])]],
    [STATEMENTS.raise, [rules, 'user', 'acme', 'user-30', 'admin', null, null, 'phone-1', null, 'key-3', 'hash']],
    [STATEMENTS.raise, [rules, 'user', 'acme', 'user-30', 'admin', null, null, '', null, null, null]],
    [STATEMENTS.sweep, [rules, 50]],
    [STATEMENTS.logFrom, [100, 10]],
  ];
  return [
    ...asked.map(([{ text }, values]) => ({ text, values })),
    listStatement(listQuery({ userId: 'user-32' }), rules),
    listStatement(listQuery({ userId: 'user-32', states: ['active'] }), rules),
  ];
}

interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The plans of these statements, and of those within the functions that they call. */
async function explained(url: string, statements: readonly Asked[]): Promise<readonly string[]> {
  const client = new pg.Client(url);
  const plans: string[] = [];
  client.on('notice', ({ message = '' }) => message.startsWith('duration:') && plans.push(message));
  await client.connect();
  await client.query(`LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
    SET client_min_messages = log`);
  try {
    for (const { text, values } of statements) await client.query(text, [...values]);
  } finally {
    await client.end();
  }
  return plans;
}

/** Per table how often it was read whole; of those that grow. */
async function sequentialScans(database: TestDatabase): Promise<Readonly<Record<string, number>>> {
  await database.query('SELECT pg_stat_clear_snapshot()');
  const rows = await database.query<{ relname: string; seq_scan: string }>(
    `SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname LIKE 'nest_auth_%' ORDER BY relname`,
  );
  const large = rows.filter(({ relname }) => !SMALL.includes(relname) && !relname.startsWith('nest_auth_migrations'));
  return Object.fromEntries(large.map(({ relname, seq_scan: scans }) => [relname, Number(scans)]));
}

/** Backends tell what they counted when they end, at the latest. */
async function closeAndCount(database: TestDatabase, store: PostgresStore, applicationName: string): Promise<void> {
  await store.close();
  await until(`the backends of ${applicationName} have ended`, async () => {
    const rows = await database.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [applicationName]);
    return rows.length === 0;
  });
}

/** Updates of sessions so far, in all and without index entries. */
async function updates(database: TestDatabase): Promise<{ all: number; hot: number }> {
  await database.query('SELECT pg_stat_clear_snapshot()');
  const [row] = await database.query<{ all: string; hot: string }>(
    `SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'nest_auth_sessions'`,
  );
  return { all: Number(row?.all), hot: Number(row?.hot) };
}

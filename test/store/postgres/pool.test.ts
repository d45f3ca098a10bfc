import assert from 'node:assert/strict';
import pg from 'pg';
import { SessionError } from '../../../src/error.ts';
import {
  begin,
  recordOf,
  refreshCommand,
  revokeCommand,
  stateOf,
  times,
} from '../../../src/store/conformance/commands.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { PostgresServer } from '../../servers/postgres.ts';
import { until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

const UNAVAILABLE = { name: 'SessionError', code: 'STORE_UNAVAILABLE' };

describeOn('postgres', () => {
  describe('connections', () => {
    let database: TestDatabase;
    let store: PostgresStore;

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    beforeEach(async () => {
      store = await openStore(`${database.url}?application_name=tested`, { poolSize: 4 });
    });

    afterEach(() => store.close());

    const cutAll = () =>
      database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tested'`);

    it('are made anew where they were cut while idle', async () => {
      const session = await begin(store);
      await Promise.all(times(4, () => stateOf(store, session)));
      await cutAll();
      await until('the store answers again', async () => (await stateOf(store, session)) === 'active');
    });

    it('fail what they were busy with where they are cut, and nothing else', async () => {
      const session = await begin(store);
      const holder = await locked(database, session.sessionId);
      const waiting = store.refresh(refreshCommand(session));
      await until('the refresh waits', async () => (await waitingFor(database, holder)) === 1);
      await Promise.all([assert.rejects(waiting, UNAVAILABLE), cutAll()]);
      await holder.end();
      await until('the store answers again', async () => (await stateOf(store, session)) === 'active');
      assert.equal((await recordOf(store, session)).session.credential.generation, 1);
    });

    it('wait no longer than the deadline for a lock, and change nothing then', async () => {
      const session = await begin(store);
      const holder = await locked(database, session.sessionId);
      await assert.rejects(store.refresh(refreshCommand(session)), UNAVAILABLE);
      await holder.end();
      assert.equal((await recordOf(store, session)).session.credential.generation, 1);
    });

    it('wait no longer than the deadline where all are busy', async () => {
      const session = await begin(store);
      const holder = await locked(database, session.sessionId);
      const outcomes = await Promise.allSettled(times(20, () => store.refresh(refreshCommand(session))));
      for (const outcome of outcomes) {
        assert(outcome.status === 'rejected' && outcome.reason instanceof SessionError);
        assert.equal(outcome.reason.code, 'STORE_UNAVAILABLE');
      }
      await holder.end();
      assert.equal(await stateOf(store, session), 'active');
    });

    it('never pass on what the database says of a value', async () => {
      const secret = 'hunter2';
      const session = await begin(store);
      await database.query('ALTER TABLE nest_auth_sessions ADD CONSTRAINT refused CHECK (device_name <> $$hunter2$$)');
      const device = { ...session.device, name: secret };
      await assert.rejects(store.refresh(refreshCommand(session, { device })), (error) => {
        assert(error instanceof SessionError && error.cause instanceof Error);
        assert.match(error.cause.message, /^SQLSTATE 23514.*constraint refused/);
        assert(!JSON.stringify([error.message, error.stack, error.cause.message, error.cause.stack]).includes(secret));
        return true;
      });
      await database.query('ALTER TABLE nest_auth_sessions DROP CONSTRAINT refused');
    });
  });

  describe('connections to a primary and its standby', function () {
    this.timeout(120_000);
    let primary: PostgresServer;
    let standby: PostgresServer;
    let database: TestDatabase;

    before(async () => {
      primary = await PostgresServer.create();
      database = await migratedDatabase(primary.url);
      standby = await primary.standby();
    });

    after(async () => {
      await database.close();
      await standby.remove();
      await primary.remove();
    });

    it('are made to the host that takes writes, wherever it stands in the list', async () => {
      const store = await openStore(bothHosts(database, standby, primary));
      assert.equal(await stateOf(store, await begin(store)), 'active');
      await store.close();
    });

    it('do not take a commit for done that the synchronous standby has not confirmed', async () => {
      const store = await openStore(`${database.url}?application_name=tested`);
      const session = await begin(store);
      await primary.awaitStandbys(standby.name);
      await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
      standby.freeze();
      const refused = assert.rejects(store.revoke(revokeCommand(session)), {
        name: 'SessionError',
        code: 'NOT_REPLICATED',
      });
      const waiting = `FROM pg_stat_activity WHERE application_name = 'tested' AND wait_event = 'SyncRep'`;
      await until('the commit waits', async () => (await primary.query(`SELECT ${waiting}`)).length === 1);
      // The server then says that it is done, with a warning.
      await primary.query(`SELECT pg_cancel_backend(pid) ${waiting}`);
      await refused;
      standby.thaw();
      await primary.awaitStandbys('');
      await store.close();
    });

    it('do not say that what a batch left undone has happened', async () => {
      const limit = { max: 1, policy: 'evict-oldest' as const };
      const store = await openStore(`${database.url}?application_name=tested`, { rules: { ...DEFAULT_RULES, limit } });
      const oldest = await begin(store, { userId: 'bob' });
      await primary.awaitStandbys(standby.name);
      await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
      standby.freeze();
      const asked = ['bob', 'carol'].map((userId) => assert.rejects(begin(store, { userId }), /may have happened/));
      const waiting = `FROM pg_stat_activity WHERE application_name = 'tested' AND wait_event = 'SyncRep'`;
      await until('the commit waits', async () => (await primary.query(`SELECT ${waiting}`)).length === 1);
      await primary.query(`SELECT pg_cancel_backend(pid) ${waiting}`);
      await Promise.all(asked);
      assert.equal(await stateOf(store, oldest), 'active');
      standby.thaw();
      await primary.awaitStandbys('');
      await store.close();
    });

    it('are given up where the server turns out to take no writes', async () => {
      const store = await openStore(database.url);
      const session = await begin(store);
      await primary.query('ALTER SYSTEM SET default_transaction_read_only = on');
      await primary.query('SELECT pg_reload_conf()');
      await until('the server takes no writes', async () => {
        const [row] = await primary.query<{ value: string }>(
          `SELECT current_setting('transaction_read_only') AS value`,
        );
        return row?.value === 'on';
      });
      await assert.rejects(store.refresh(refreshCommand(session)), UNAVAILABLE);
      await primary.query('ALTER SYSTEM RESET default_transaction_read_only');
      await primary.query('SELECT pg_reload_conf()');
      await until(
        'the store answers again',
        async () => (await store.refresh(refreshCommand(session))).kind === 'rotated',
      );
      await store.close();
    });
  });
});

/** The database by the addresses of both servers, the standby's first. */
function bothHosts(database: TestDatabase, first: PostgresServer, second: PostgresServer): string {
  const { username, password } = new URL(database.url);
  return `postgres://${username}:${password}@127.0.0.1:${first.port},127.0.0.1:${second.port}/${database.name}`;
}

/** A connection that holds the session's row until it ends. */
async function locked(database: TestDatabase, sessionId: string): Promise<pg.Client> {
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM nest_auth_sessions WHERE session_id = $1 FOR UPDATE', [sessionId]);
  return client;
}

/** How many backends wait for a lock that the connection holds. */
async function waitingFor(database: TestDatabase, holder: pg.Client): Promise<number> {
  const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const waiting = await database.query('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [
    rows[0]?.pid,
  ]);
  return waiting.length;
}

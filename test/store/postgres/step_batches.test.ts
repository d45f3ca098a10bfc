import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SessionError } from '../../../src/error.ts';
import {
  begin,
  createCommand,
  MINUTE,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  stamp,
  stateOf,
  times,
  userScope,
} from '../../../src/store/conformance/commands.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import { StepBatches } from '../../../src/store/postgres/step_batches.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

const COUNT = 200;

describe('batches of steps', () => {
  /** Batches as they were run, each over when it is told. */
  function recorded(size: number, lanes: number) {
    const begun: { commands: readonly string[]; end: (error?: Error) => void }[] = [];
    const batches = new StepBatches<string, string>({
      run: (commands) =>
        new Promise((resolve, reject) => {
          const outcomes = commands.map((command) => (command.startsWith('left') ? null : `done ${command}`));
          begun.push({ commands, end: (error) => (error === undefined ? resolve(outcomes) : reject(error)) });
        }),
      runAlone: (command) =>
        command.endsWith('bad') ? Promise.reject(new Error('no')) : Promise.resolve(`alone ${command}`),
      names: (command) => [command.slice(0, 4)],
      size,
      lanes,
    });
    return { begun, batches };
  }

  const turn = () => sleep(1);
  /** What the server says where it has rolled back. */
  const rolledBack = () => Object.assign(new pg.DatabaseError('no', 0, 'error'), { code: '55P03' });

  it('are of a bounded size, in order, and no more at once than there are lanes', async () => {
    const { begun, batches } = recorded(2, 2);
    const done = Promise.all(times(5, (index) => batches.do(`c-${index}`)));
    await turn();
    assert.deepEqual(
      begun.map(({ commands }) => commands),
      [['c-0', 'c-1']],
    );
    const late = batches.do('late');
    await turn();
    assert.deepEqual(
      begun.map(({ commands }) => commands),
      [
        ['c-0', 'c-1'],
        ['c-2', 'c-3'],
      ],
    );
    for (let index = 0; index < 3; index += 1) {
      begun[index]?.end();
      await turn();
    }
    assert.deepEqual(begun[2]?.commands, ['c-4', 'late']);
    assert.deepEqual(
      await done,
      times(5, (index) => `done c-${index}`),
    );
    assert.equal(await late, 'done late');
  });

  it('hold no two commands of one name', async () => {
    const { begun, batches } = recorded(10, 1);
    const done = Promise.all(['same 1', 'same 2', 'other'].map((command) => batches.do(command)));
    await turn();
    assert.deepEqual(begun[0]?.commands, ['same 1', 'other']);
    begun[0]?.end();
    await turn();
    assert.deepEqual(begun[1]?.commands, ['same 2']);
    begun[1]?.end();
    await done;
  });

  it('leave a command alone, and run each alone where the server rolled them back', async () => {
    const { begun, batches } = recorded(10, 1);
    const left = Promise.all([batches.do('left'), batches.do('done')]);
    await turn();
    begun[0]?.end();
    assert.deepEqual(await left, ['alone left', 'done done']);
    const tried = Promise.allSettled(['a', 'b bad', 'c'].map((command) => batches.do(command)));
    await turn();
    begun[1]?.end(rolledBack());
    assert.deepEqual(
      (await tried).map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as SessionError).code)),
      ['alone a', 'STORE_UNAVAILABLE', 'alone c'],
    );
  });

  it('tell every caller where it is not known what became of them', async () => {
    const { begun, batches } = recorded(10, 1);
    const tried = Promise.allSettled(['a', 'b'].map((command) => batches.do(command)));
    await turn();
    begun[0]?.end(new Error('Connection terminated unexpectedly'));
    for (const one of await tried) {
      assert(
        one.status === 'rejected' && one.reason instanceof SessionError && one.reason.code === 'STORE_UNAVAILABLE',
      );
    }
  });

  it('answer by the deadline what waits behind a step that hangs, and never run it', async function () {
    this.timeout(30_000);
    const { begun, batches } = recorded(1, 1);
    const hanging = batches.do('hang').catch((error: unknown) => error);
    await turn();
    const first = batches.do('wait').catch((error: unknown) => error);
    const crowd = times(40_000, (index) => batches.do(`${index}`).catch(() => null));
    const waiting = await first;
    const lateMs = performance.now();
    await Promise.all(crowd);
    assert(performance.now() - lateMs < 1000, 'as many as wait in an outage do not hold the process up');
    assert(waiting instanceof SessionError && /nothing was changed/.test(waiting.message));
    assert(/may or may not/.test(((await hanging) as SessionError).message));
    begun[0]?.end();
    await turn();
    assert.equal(begun.length, 1);
  });
});

describeOn('postgres', () => {
  describe('steps at once', () => {
    let database: TestDatabase;
    let store: PostgresStore;
    const clock = { ms: 0 };

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    beforeEach(async () => {
      await database.empty();
      clock.ms = 0;
      store = await openStore(database.url, { clock });
    });

    afterEach(() => store.close());

    /** How many transactions wrote the rows of these sessions. */
    async function commits(): Promise<number> {
      const [row] = await database.query<{ commits: number }>(
        'SELECT count(DISTINCT xmin::text)::integer AS commits FROM nest_auth_sessions',
      );
      return row?.commits ?? 0;
    }

    /** Runs `run` while another client holds what `sql` locks. */
    async function whileHeld<T>(sql: string, values: unknown[], run: () => Promise<T>): Promise<T> {
      const holder = new pg.Client(database.url);
      await holder.connect();
      try {
        await holder.query('BEGIN');
        await holder.query(sql, values);
        return await run();
      } finally {
        await holder.end();
      }
    }

    it('are merged into few commits, each answered for itself', async () => {
      const sessions = await Promise.all(times(COUNT, (index) => begin(store, { userId: `user-${index}` })));
      assert.deepEqual(
        sessions.map(({ userId }) => userId),
        times(COUNT, (index) => `user-${index}`),
      );
      assert((await commits()) < COUNT / 8, `${await commits()} commits of creates`);
      const refreshed = await Promise.all(sessions.map((session) => store.refresh(refreshCommand(session))));
      assert((await commits()) < COUNT / 8, `${await commits()} commits of refreshes`);
      for (const [index, outcome] of refreshed.entries()) {
        assert(outcome.kind === 'rotated' && outcome.record.session.sessionId === sessions[index]?.sessionId);
      }
      const read = await Promise.all(sessions.map((session) => store.read({ ...refTo(session), touch: false })));
      for (const [index, outcome] of read.entries()) {
        assert(outcome.kind === 'found' && outcome.record.session.sessionId === sessions[index]?.sessionId);
      }
    });

    it('of one session or one request are done once', async () => {
      const session = await begin(store);
      const refreshed = await Promise.all(times(20, () => store.refresh(refreshCommand(session))));
      const kinds = (of: readonly { readonly kind: string }[], kind: string) =>
        of.filter((one) => one.kind === kind).length;
      assert.deepEqual([kinds(refreshed, 'rotated'), kinds(refreshed, 'replayed')], [1, 19]);
      const command = createCommand({ userId: 'bob' }, { request: stamp('r1') });
      const created = await Promise.all(times(20, () => store.create(command)));
      assert.deepEqual([kinds(created, 'created'), kinds(created, 'repeated')], [1, 19]);
    });

    it('slide idle timeouts and evict as single ones do', async () => {
      await store.close();
      const rules = { ...DEFAULT_RULES, limit: { max: 1, policy: 'evict-oldest' as const } };
      store = await openStore(database.url, { clock, rules });
      const users = times(20, (index) => `user-${index}`);
      const first = await Promise.all(users.map((userId) => begin(store, { userId })));
      clock.ms += 2 * MINUTE;
      const read = await Promise.all(first.map((session) => store.read({ ...refTo(session), touch: true })));
      for (const outcome of read) {
        assert(outcome.kind === 'found' && outcome.record.session.lastActiveTimeMs === outcome.nowMs);
      }
      const again = await Promise.all(users.map((userId) => store.create(createCommand({ userId }))));
      for (const [index, outcome] of again.entries()) {
        assert(outcome.kind === 'created');
        assert.deepEqual(outcome.endedSessionIds, [first[index]?.sessionId]);
      }
    });

    it('keep none waiting for a row that another holds', async () => {
      const sessions = await Promise.all(times(24, (index) => begin(store, { userId: `user-${index}` })));
      const [stuck, ...others] = sessions;
      assert(stuck !== undefined);
      const lock = 'SELECT FROM nest_auth_sessions WHERE session_id = $1 FOR UPDATE';
      await whileHeld(lock, [stuck.sessionId], async () => {
        const waiting = store.refresh(refreshCommand(stuck)).then(
          () => 'done',
          () => 'failed',
        );
        const outcomes = await Promise.all(others.map((session) => store.refresh(refreshCommand(session))));
        assert(outcomes.every(({ kind }) => kind === 'rotated'));
        // What waits is rolled back in the end, and each is done alone.
        assert((await commits()) < 12, `${await commits()} commits`);
        // Beyond the time for which a lock is waited for.
        assert.equal(await waiting, 'failed');
      });
      assert.equal((await store.refresh(refreshCommand(stuck))).kind, 'rotated');
    });

    it('keep none waiting for a user whom another holds', async () => {
      const lock = `SELECT pg_advisory_xact_lock(nest_auth_lock_key('user', 'acme', 'stuck'))`;
      await whileHeld(lock, [], async () => {
        const waiting = store.create(createCommand({ userId: 'stuck' })).then(
          () => 'done',
          () => 'failed',
        );
        const creates = times(24, (index) => store.create(createCommand({ userId: `user-${index}` })));
        assert((await Promise.all(creates)).every(({ kind }) => kind === 'created'));
        assert((await commits()) < 12, `${await commits()} commits`);
        assert.equal(await waiting, 'failed');
      });
      assert.equal((await store.create(createCommand({ userId: 'stuck' }))).kind, 'created');
    });

    it('keep no read waiting for a lifetime that another announces', async () => {
      const pair = await begin(store);
      const opaque = await begin(store, { tokenMode: 'opaque' });
      await database.query('UPDATE nest_auth_lifetimes SET in_force_until = now()');
      await whileHeld('SELECT FROM nest_auth_lifetimes FOR UPDATE', [], async () => {
        const waiting = store.read({ ...refTo(opaque), touch: false }).then(
          () => 'done',
          () => 'failed',
        );
        const askedAtMs = performance.now();
        const states = await Promise.all(times(24, () => stateOf(store, pair)));
        assert(states.every((state) => state === 'active'));
        // Sooner than a lock is given up.
        assert(performance.now() - askedAtMs < 1000);
        assert.equal(await waiting, 'failed');
      });
      assert.equal(await stateOf(store, opaque), 'active');
      const announced = `SELECT FROM nest_auth_lifetimes WHERE kind = 'access_token' AND in_force_until > now() + interval '1 h'`;
      assert.equal((await database.query(announced)).length, 1);
    });

    it('keep each other from nothing where the server refuses one of them', async () => {
      const bad = createCommand({ userId: 'bad', acr: '\0' });
      const outcomes = await Promise.allSettled([
        ...times(5, (index) => store.create(createCommand({ userId: `user-${index}` }))),
        store.create(bad),
        ...times(5, (index) => store.create(createCommand({ userId: `user-${5 + index}` }))),
      ]);
      assert.deepEqual(
        outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [index] : [])),
        [5],
      );
    });

    it('beside revokes and log-outs end in no deadlock, and bring nothing back', async () => {
      const sessions = await Promise.all(times(60, (index) => begin(store, { userId: `user-${index % 20}` })));
      const other = await openStore(database.url, { clock });
      const work = sessions.flatMap((session, index) => [
        () => (index % 2 === 0 ? store : other).refresh(refreshCommand(session)),
        () => other.create(createCommand({ userId: `user-${index % 20}` }, { replaceDeviceSessions: true })),
        () => (index % 2 === 0 ? other : store).revoke(revokeCommand(session)),
        () => store.read({ ...refTo(session), touch: true }),
        ...(index % 10 === 0 ? [() => other.raise(raiseCommand(userScope(session.userId)))] : []),
      ]);
      await Promise.all(work.map((step) => step()));
      for (const session of sessions) assert.equal(await stateOf(store, session), 'revoked');
      await other.close();
    });

    it('are all answered where the store is closed', async () => {
      const asked = times(200, (index) => store.create(createCommand({ userId: `user-${index}` })));
      const [settled] = await Promise.all([Promise.allSettled(asked), store.close()]);
      for (const one of settled) {
        if (one.status === 'rejected')
          assert(one.reason instanceof SessionError && one.reason.code === 'STORE_UNAVAILABLE');
      }
      store = await openStore(database.url, { clock });
    });
  });
});

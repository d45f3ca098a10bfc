import assert from 'node:assert/strict';
import pg from 'pg';
import { begin, revokeCommand, stamp, stateOf, times } from '../../../src/store/conformance/commands.ts';
import { assertChained, wholeLog } from '../../../src/store/conformance/observe.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

describeOn('postgres', () => {
  describe('revokes at once', () => {
    let database: TestDatabase;
    let store: PostgresStore;

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    beforeEach(async () => {
      await database.empty();
      store = await openStore(database.url);
    });

    afterEach(() => store.close());

    it('are merged into few commits, each answered for itself', async () => {
      const sessions = await Promise.all(times(200, (index) => begin(store, { userId: `user-${index}` })));
      const outcomes = await Promise.all(sessions.map((session) => store.revoke(revokeCommand(session))));
      const [row] = await database.query<{ commits: number }>(
        'SELECT count(DISTINCT xmin::text)::integer AS commits FROM nest_auth_revocations',
      );
      assert(row !== undefined && row.commits < 20, `${row?.commits} commits`);
      const heads = outcomes.map((outcome) =>
        outcome.kind === 'done' && outcome.revoked ? outcome.head?.position : -1,
      );
      assert.deepEqual(
        heads.toSorted((a, b) => Number(a) - Number(b)),
        times(200, (index) => index + 1),
      );
      const entries = await wholeLog(store, 200);
      assertChained(entries);
      for (const [index, session] of sessions.entries()) {
        const { scope } = entries[Number(heads[index]) - 1]?.revocation ?? assert.fail();
        assert(scope.kind === 'session' && scope.sessionId === session.sessionId);
      }
    });

    it('of one session end it once, and of one request are done once', async () => {
      const [first, second] = [await begin(store), await begin(store, { userId: 'bob' })];
      const request = stamp('r1');
      const outcomes = await Promise.all([
        ...times(10, () => store.revoke(revokeCommand(first))),
        ...times(10, () => store.revoke(revokeCommand(second, { request }))),
      ]);
      const count = (of: typeof outcomes, name: 'revoked' | 'repeated') =>
        of.filter((outcome) => outcome.kind === 'done' && outcome[name]).length;
      assert.deepEqual([count(outcomes.slice(0, 10), 'revoked'), count(outcomes.slice(0, 10), 'repeated')], [1, 0]);
      assert.deepEqual([count(outcomes.slice(10), 'revoked'), count(outcomes.slice(10), 'repeated')], [10, 9]);
      assert.equal((await wholeLog(store, 2)).length, 2);
    });

    it('keep each other from nothing where one of them can not be done', async () => {
      const sessions = await Promise.all(times(12, (index) => begin(store, { userId: `user-${index}` })));
      const [stuck, ...others] = sessions;
      assert(stuck !== undefined);
      const holder = new pg.Client(database.url);
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM nest_auth_sessions WHERE session_id = $1 FOR UPDATE', [stuck.sessionId]);
      // The first goes alone; what comes while it is under way is one batch.
      const outcomes = await Promise.allSettled([
        store.revoke(revokeCommand(others[0] ?? assert.fail())),
        ...[stuck, ...others.slice(1)].map((session) => store.revoke(revokeCommand(session))),
      ]);
      await holder.end();
      assert.deepEqual(
        outcomes.map(({ status }) => status).filter((status) => status === 'rejected'),
        ['rejected'],
      );
      assert.equal(outcomes[1]?.status, 'rejected');
      for (const session of others) assert.equal(await stateOf(store, session), 'revoked');
      assert.equal(await stateOf(store, stuck), 'active');
    });
  });
});

import assert from 'node:assert/strict';
import type { Session } from '../../../src/domain/session.ts';
import type { LogEntry } from '../../../src/revocation/log.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import {
  begin,
  GLOBAL,
  ofKind,
  raiseCommand,
  recordOf,
  refTo,
  revokeCommand,
  stateOf,
  times,
  updateCommand,
  userScope,
} from '../../../src/store/conformance/commands.ts';
import { assertBegins, assertChained, DISCARD_MARGIN_MS, wholeLog } from '../../../src/store/conformance/observe.ts';
import type { PostgresParts, PostgresStore } from '../../../src/store/postgres/store.ts';
import { freshDatabase, type TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore, partsOf } from './database.ts';

describeOn('postgres', () => {
  describe('healing', () => {
    let former: TestDatabase;
    let promoted: TestDatabase;
    /** Of the server that is lost, with its tail. */
    let lost: PostgresStore;
    /** Of the server that goes on without. */
    let store: PostgresStore;
    let instances: readonly PostgresParts[];

    beforeEach(async () => {
      former = await migratedDatabase();
    });

    afterEach(async () => {
      await Promise.all([lost.close(), store.close(), ...instances.map(({ pool }) => pool.close())]);
      await Promise.all([former.drop(), promoted.drop()]);
    });

    /** From here on nothing reaches the standby: a copy of the database as `prepare` left it. */
    async function part<T>(prepare: (store: PostgresStore) => Promise<T>, clock = { ms: 0 }): Promise<T> {
      const both = await openStore(former.url);
      const prepared = await prepare(both);
      await both.close();
      await former.close();
      promoted = await freshDatabase({ template: former.name });
      [lost, store] = await Promise.all([openStore(former.url, { clock }), openStore(promoted.url)]);
      instances = await Promise.all(times(2, () => partsOf(promoted.url)));
      return prepared;
    }

    /** What both instances held comes back by both at once, and once more. */
    async function heal(entries: readonly LogEntry[]): Promise<void> {
      await Promise.all(instances.map(({ source }, index) => source.heal(0, entries.slice(index))));
      await instances[0]?.source.heal(0, entries);
    }

    const beginAll = (store: PostgresStore, users: readonly string[]) => {
      return Promise.all(
        users.map((userId) => begin(store, { userId, tenantId: userId.slice(0, 4), clientId: userId })),
      );
    };
    const revokeOne = async (store: PostgresStore, session: Session) => {
      assert(ofKind(await store.revoke(revokeCommand(session)), 'done').revoked);
    };

    it('does again what the lost entries say, each once', async () => {
      const users = ['acme-a', 'acme-b', 'acme-c', 'acme-c', 'acme-d', 'corp-e', 'corp-f', 'acme-g'];
      const [before, sessions] = await part(async (both) => {
        const [early] = await beginAll(both, ['acme-z']);
        await revokeOne(both, early as Session);
        return [early as Session, await beginAll(both, users)] as const;
      });
      const [ended, superseded, spared, other] = sessions as [Session, Session, Session, Session];
      await revokeOne(lost, ended);
      await lost.update(updateCommand(superseded, { supersedeAccessTokens: true }));
      await lost.update(updateCommand(superseded, { supersedeAccessTokens: true }));
      await lost.raise(raiseCommand(userScope('acme-c'), { exceptSessionId: spared.sessionId, reason: 'security' }));
      await lost.raise(raiseCommand({ kind: 'client', tenantId: 'acme', clientId: 'acme-d' }));
      await lost.raise(raiseCommand({ kind: 'tenant', tenantId: 'corp' }));
      await lost.raise(raiseCommand(userScope('acme-c'), { exceptSessionId: spared.sessionId }));
      const [unknown] = await beginAll(lost, ['acme-h']);
      await revokeOne(lost, unknown as Session);
      const entries = await wholeLog(lost, 9);

      const { nowMs } = ofKind(await store.read({ ...refTo(other), touch: false }), 'found');
      await heal(entries);
      const healed = await wholeLog(store, 9);
      assertBegins(healed);
      assertChained(healed);
      assert.deepEqual(revocationsOf(healed), revocationsOf(entries));
      for (const { revocation } of healed.slice(1)) {
        assert((revocation.discardTimeMs ?? 0) >= nowMs + DEFAULT_RULES.accessTokenTtlMs + DISCARD_MARGIN_MS);
      }
      for (const session of [before, ...sessions]) {
        assert.deepEqual(await recordOf(store, session), await recordOf(lost, session), session.userId);
      }
      const states = await Promise.all(sessions.map((session) => stateOf(store, session)));
      const [over, live] = ['revoked', 'active'];
      assert.deepEqual(states, [over, live, live, over, over, over, over, live]);
      assert.equal(await stateOf(store, unknown as Session), 'unknown');
    });

    it('ends everything again', async () => {
      const sessions = await part((both) => beginAll(both, ['acme-a', 'corp-b']));
      await lost.raise(raiseCommand(GLOBAL));
      await heal(await wholeLog(lost, 1));
      for (const session of sessions) assert.equal(await stateOf(store, session), 'revoked');
    });

    it('takes nothing back of what was done since, where the lost positions are taken', async () => {
      const [first, second, spared] = await part((both) => beginAll(both, ['acme-a', 'acme-b', 'acme-c']));
      assert(first !== undefined && second !== undefined && spared !== undefined);
      await revokeOne(lost, first);
      await lost.raise(raiseCommand(userScope('acme-b')));
      await lost.raise(raiseCommand(userScope('acme-c'), { exceptSessionId: spared.sessionId }));
      await store.raise(raiseCommand(userScope('acme-b')));
      await store.revoke(revokeCommand(first, { reason: 'security' }));
      await store.raise(raiseCommand(userScope('acme-c')));
      const [later] = await beginAll(store, ['acme-b']);
      const revoked = await recordOf(store, first);

      const entries = await wholeLog(lost, 3);
      const since = [...(await wholeLog(store, 3))];
      assert.deepEqual(
        since.map(({ position }) => position),
        entries.map(({ position }) => position),
      );
      await heal(entries);
      const healed = await wholeLog(store, 6);
      assertChained(healed);
      assert.deepEqual(revocationsOf(healed), revocationsOf([...since, ...entries]));
      assert.deepEqual(await recordOf(store, first), revoked);
      assert.equal(await stateOf(store, spared), 'revoked');
      assert.equal(await stateOf(store, later as Session), 'active');
    });

    it('brings no session back that was ended since, though it was spared by a later clock', async () => {
      const [spared] = await part((both) => beginAll(both, ['acme-a']), { ms: 20_000 });
      assert(spared !== undefined);
      await lost.raise(raiseCommand(userScope('acme-a'), { exceptSessionId: spared.sessionId }));
      await store.raise(raiseCommand(userScope('acme-a')));
      await heal(await wholeLog(lost, 1));
      assert.equal(await stateOf(store, spared), 'revoked');
    });

    it('ends what began meanwhile under a minimum that was lost', async () => {
      const [early] = await part((both) => beginAll(both, ['acme-a']));
      await lost.raise(raiseCommand(userScope('acme-a')));
      const [between] = await beginAll(store, ['acme-a']);
      await heal(await wholeLog(lost, 1));
      const [later] = await beginAll(store, ['acme-a']);
      const states = await Promise.all([early, between, later].map((each) => stateOf(store, each as Session)));
      assert.deepEqual(states, ['revoked', 'revoked', 'active']);
    });
  });
});

/** In any order: two instances may come with them in turn. */
function revocationsOf(entries: readonly LogEntry[]): readonly unknown[] {
  return entries
    .map(({ tag, revocation: { scope, reason, revokeTimeMs } }) => ({ tag, scope, reason, revokeTimeMs }))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import {
  begin,
  GLOBAL,
  ofKind,
  raiseCommand,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  times,
} from '../../src/store/conformance/commands.ts';
import { arrive, assertChained, follow, withoutCopies } from '../../src/store/conformance/observe.ts';
import { closeClient, openClient, untilReady } from '../../src/store/redis/client.ts';
import { type Keys, keysOf, partitionOf } from '../../src/store/redis/keys.ts';
import { openRedisStore, type RedisStore } from '../../src/store/redis/store.ts';
import { RedisStandalone } from '../servers/redis.ts';
import { describeOn } from '../servers/stores.ts';
import { locationOf, newPrefix, optionsOf } from './redis/harness.ts';

async function isUnavailable(work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof SessionError && error.code === 'STORE_UNAVAILABLE');
}

/** A server of its own, which a test may disturb. */
describeOn('redis', () => {
  let server: RedisStandalone;
  let client: Redis;
  let store: RedisStore;
  let keys: Keys;
  let keyPrefix = '';
  const open = (prefix: string, partitions = 16) => {
    const rules = { ...DEFAULT_RULES, limit: { max: 0, policy: 'reject' } as const };
    return openRedisStore(locationOf(server.url), optionsOf(prefix, partitions), rules, { ms: 0 });
  };

  before(async () => {
    server = await RedisStandalone.create();
    client = openClient(locationOf(server.url), { username: '', password: '' }) as Redis;
    await untilReady(client, performance.now() + 5_000);
  });
  after(async () => {
    closeClient(client);
    await server.remove();
  });
  beforeEach(async () => {
    keyPrefix = newPrefix();
    keys = keysOf(keyPrefix, 16);
    store = await open(keyPrefix);
  });
  afterEach(() => store.close());

  /** While `work` runs a step that needs this key, which does not exist yet, fails. */
  async function without<T>(key: string, work: () => Promise<T>): Promise<T> {
    assert.equal(await client.set(key, 'of another type', 'NX'), 'OK');
    try {
      return await work();
    } finally {
      await client.del(key);
    }
  }

  const prefixOf = (partition: number) => keys.partitions[partition]?.state.slice(0, -1) ?? '';

  /** An anonymous session, and a user in another partition. */
  async function login() {
    const anonymous = await begin(store, { userId: '' });
    const from = partitionOf(anonymous.sessionId, 16);
    for (let user = 0; ; user += 1) {
      const command = rotateCommand(anonymous, { userId: `user-${user}`, request: stamp('r1') });
      const to = partitionOf(command.newSessionId, 16);
      const userId = `user-${user}`;
      // Without a limit only the last step of the login needs the user's index.
      if (to !== from) return { anonymous, userId, command, index: `${prefixOf(to)}u:4:acme${userId}` };
    }
  }

  describe('a login that goes on in another partition', () => {
    it('is finished by its request id where it was left half-done, and never are both sessions alive', async () => {
      const { anonymous, userId, command, index } = await login();
      await without(index, async () => isUnavailable(store.rotate(command)));
      assert.equal(await stateOf(store, anonymous), 'revoked');
      // Another attempt comes with an id and a nonce of its own; the first ones hold.
      const again = rotateCommand(anonymous, { userId, request: stamp('r1') });
      const done = ofKind(await store.rotate(again), 'rotated');
      const { session } = done.record;
      assert.equal(session.sessionId, command.newSessionId);
      assert.equal(session.credential.nonce, command.nonce);
      assert.deepEqual(done.endedSessionIds, [anonymous.sessionId]);
      const repeat = ofKind(await store.rotate(rotateCommand(anonymous, { userId, request: stamp('r1') })), 'repeated');
      assert.deepEqual([repeat.record, repeat.head], [done.record, done.head]);
      assert.equal(session.authTimeMs <= session.createTimeMs, true);
    });

    it('is superseded where what it would begin was ended meanwhile', async () => {
      for (const scope of ['user', 'tenant'] as const) {
        const { anonymous, userId, command, index } = await login();
        await without(index, async () => isUnavailable(store.rotate(command)));
        const whose = scope === 'user' ? { kind: scope, tenantId: 'acme', userId } : { kind: scope, tenantId: 'acme' };
        await store.raise(raiseCommand(whose));
        const again = rotateCommand(anonymous, { userId, request: stamp('r1') });
        assert.deepEqual(await store.rotate(again), { kind: 'superseded' });
      }
    });

    it('without a request id has ended the anonymous session, and begun none', async () => {
      const { anonymous, command, index } = await login();
      await without(index, async () => isUnavailable(store.rotate({ ...command, request: null })));
      assert.equal(await stateOf(store, anonymous), 'revoked');
      assert.deepEqual(await store.rotate({ ...command, request: null }), { kind: 'ended' });
    });
  });

  describe('a raise over all partitions', () => {
    it('refuses the id for another request that comes beside it', async () => {
      const commands = ['one', 'another'].map((content) => raiseCommand(GLOBAL, { request: stamp('r0', content) }));
      const kinds = (await Promise.all(commands.map((command) => store.raise(command)))).map(({ kind }) => kind);
      assert.deepEqual(kinds.sort(), ['done', 'request_reused']);
    });

    it('is not acknowledged before all have it, and finished by its request id with the same minimum', async () => {
      const sessions = await Promise.all(times(40, (index) => begin(store, { userId: `user-${index}` })));
      const entries = follow(store);
      const command = raiseCommand(GLOBAL, { request: stamp('r1') });
      await without(`${prefixOf(7)}l`, async () => isUnavailable(store.raise(command)));
      const later = await Promise.all(times(10, (index) => begin(store, { userId: `user-${index}` })));
      const done = ofKind(await store.raise(command), 'done');
      for (const session of sessions) assert.equal(await stateOf(store, session), 'revoked');
      for (const session of later) {
        const written = partitionOf(session.sessionId, 16) !== 7;
        if (written) assert.equal(await stateOf(store, session), 'active');
      }
      await arrive(store, () => entries.length === 16);
      assert.equal(withoutCopies(entries).length, 1);
      assertChained(entries);
      assert.deepEqual(ofKind(await store.raise(command), 'done'), { ...done, repeated: true });
      assert.equal(entries.length, 16);
    });

    it('is more than every partition has, also where one alone had it before', async () => {
      await without(`${prefixOf(3)}l`, async () => isUnavailable(store.raise(raiseCommand(GLOBAL))));
      const sessions = await Promise.all(times(40, (index) => begin(store, { userId: `user-${index}` })));
      ofKind(await store.raise(raiseCommand(GLOBAL)), 'done');
      for (const session of sessions) assert.equal(await stateOf(store, session), 'revoked');
    });
  });

  describe('a log that lost its tail', () => {
    it('is followed anew from its low end: nothing that comes after it is skipped', async () => {
      const other = await open(keyPrefix);
      try {
        const entries = follow(other);
        const [first, lost, next] = [await begin(store), await begin(store), await begin(store)];
        await store.revoke(revokeCommand(first));
        const partition = keys.partitions[partitionOf(first.sessionId, 16)];
        assert(partition !== undefined);
        const kept = await client.hmget(partition.state, 'seq', 'tag');
        await store.revoke(revokeCommand(lost));
        await arrive(other, () => entries.length === 2);
        // As a failover to a replica that lags behind would leave it.
        await client.hset(partition.state, 'seq', kept[0] ?? '', 'tag', kept[1] ?? '');
        await client.del(`${partition.log}~`);
        await client.xdel(partition.log, `${entries[1]?.position}-0`);
        await client.xsetid(partition.log, `${kept[0]}-0`);
        await store.revoke(revokeCommand(next));
        const nextEntry = () => {
          return entries.findLast(({ revocation: { scope } }) => {
            return scope.kind === 'session' && scope.sessionId === next.sessionId;
          });
        };
        await arrive(other, () => nextEntry() !== undefined);
        assert.equal(nextEntry()?.position, 2);
        assert.equal(nextEntry()?.previousTag, kept[1]);
      } finally {
        other.close();
      }
    });
  });
});

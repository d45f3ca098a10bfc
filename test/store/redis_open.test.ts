import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import {
  begin,
  createCommand,
  GLOBAL,
  ofKind,
  listQuery,
  raiseCommand,
  recordOf,
  refreshCommand,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  times,
  updateCommand,
  USER,
} from '../../src/store/conformance/commands.ts';
import { arrive, follow } from '../../src/store/conformance/observe.ts';
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

  describe('scripts that the server forgets', () => {
    it('are sent again: no call fails', async () => {
      const stop = new AbortController();
      const flush = async () => {
        while (!stop.signal.aborted) await client.script('FLUSH');
      };
      const flushing = flush();
      const session = await begin(store);
      await Promise.all(
        times(40, async (index) => {
          const { userId } = await begin(store, { userId: `user-${index}` });
          const own = await begin(store, { userId });
          assert.equal(await stateOf(store, own), 'active');
          await store.revoke(revokeCommand(own));
          assert.equal(await stateOf(store, own), 'revoked');
        }),
      );
      stop.abort();
      await flushing;
      assert.equal((await recordOf(store, session)).status.state, 'active');
    });
  });

  describe('opening a store', () => {
    it('tells the number of partitions that the store has', async () => {
      await assert.rejects(open(keyPrefix, 8), /16 partitions.*REDIS_PARTITIONS=16/);
    });

    it('refuses a server that may evict', async () => {
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      try {
        await assert.rejects(open(newPrefix()), /allkeys-lru.*noeviction/);
      } finally {
        await client.config('SET', 'maxmemory-policy', 'noeviction');
      }
    });

    it('refuses a server without scripts', async () => {
      await client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-eval', '-evalsha');
      const url = server.url.replace('redis://', 'redis://limited:secret@');
      const opening = openRedisStore(locationOf(url), optionsOf(newPrefix()), DEFAULT_RULES, { ms: 0 });
      await assert.rejects(opening, /allow EVAL and EVALSHA/);
    });

    it('needs no more than these commands, keys and channels', async () => {
      const commands =
        'hello auth client select info role wait eval evalsha hget hmget hset hsetnx hvals hincrby get set mget del exists ' +
        'time zadd zrem zcount zrange zrangebyscore zrandmember pexpireat xadd xrange xtrim publish subscribe';
      const prefix = newPrefix();
      const allowed = commands.split(' ').map((command) => `+${command}`);
      await client.call('ACL', 'SETUSER', 'least', 'on', '>secret', `~${prefix}*`, `&${prefix}*`, '-@all', ...allowed);
      const url = server.url.replace('redis://', 'redis://least:secret@');
      const rules = { ...DEFAULT_RULES, limit: { max: 2, policy: 'evict-oldest' } as const };
      const own = await openRedisStore(locationOf(url), optionsOf(prefix), rules, { ms: 0 });
      try {
        const entries = follow(own);
        const [, second, third] = [await begin(own), await begin(own), await begin(own)];
        ofKind(await own.rotate(rotateCommand(await begin(own, { userId: '' }), { userId: 'ann' })), 'rotated');
        ofKind(await own.refresh(refreshCommand(third)), 'rotated');
        ofKind(await own.refresh(refreshCommand(third, { generation: 9 })), 'rotated');
        ofKind(await own.update(updateCommand(third, { data: { kind: 'merge', json: '{"a":1}' } })), 'updated');
        assert.equal(await stateOf(own, second), 'revoked');
        for (const scope of [USER, GLOBAL])
          ofKind(await own.raise(raiseCommand(scope, { request: stamp('r1') })), 'done');
        assert.equal((await own.list(listQuery())).length, 4);
        ofKind(await own.count(raiseCommand(GLOBAL)), 'counted');
        await own.sweep(10);
        assert.deepEqual([await own.keys(), await own.holdLease('work', 1000)], [[], true]);
        await arrive(own, () => entries.length > 16 && own.freshen() < 5_000);
      } finally {
        own.close();
      }
    });

    it('tells where no server is, or the password is wrong, in one line that repeats no secret', async () => {
      for (const url of ['redis://127.0.0.1:1', server.url.replace('redis://', 'redis://nobody:hush@')]) {
        const opening = openRedisStore(locationOf(url), optionsOf(newPrefix()), DEFAULT_RULES, { ms: 0 });
        await assert.rejects(opening, (error) => {
          assert(error instanceof Error);
          assert.match(error.message, /STORE_URL/);
          assert(!error.message.includes('\n') && !error.message.includes('hush'), error.message);
          return true;
        });
      }
    });
  });

  describe('a server that was emptied', () => {
    it('is another store: what was opened refuses to go on', async () => {
      const session = await begin(store);
      await client.flushall();
      await isUnavailable(store.create(createCommand()));
      await isUnavailable(stateOf(store, session));
    });
  });

  describe('a store that lost a partition', () => {
    it('is not opened again: its revocations are gone', async () => {
      const { state, log, guard } = keys.partitions[3] ?? assert.fail();
      await client.del(state, log, guard);
      await assert.rejects(open(keyPrefix), /lost a part of the store/);
      assert((await open(newPrefix())).storeId !== store.storeId);
    });
  });

  describe('a lease', () => {
    it("is one instance's at a time, who keeps it by asking again, and is lost when its time is over", async () => {
      const clock = { ms: 0 };
      const other = await openRedisStore(locationOf(server.url), optionsOf(keyPrefix), DEFAULT_RULES, clock);
      try {
        for (let round = 0; round < 2; round += 1) assert.equal(await store.holdLease('work', 60_000), true);
        assert.equal(await other.holdLease('work', 60_000), false);
        assert.equal(await other.holdLease('other work', 60_000), true);
        clock.ms += 61_000;
        const racers = times(10, (index) => (index % 2 === 0 ? other : store).holdLease('third work', 60_000));
        assert((await Promise.all(racers)).filter((held) => held).length === 5);
        assert.equal(await other.holdLease('work', 60_000), true);
        assert.equal(await store.holdLease('work', 60_000), false);
      } finally {
        other.close();
      }
    });
  });

  describe('the index of a user', () => {
    it('neither outnumbers nor outlives the sessions that it names', async () => {
      const sessions = [];
      for (let count = 0; count < 100; count += 1) sessions.push(await begin(store));
      const [first] = sessions;
      const partition = keys.partitions[partitionOf(first?.sessionId ?? '', 16)];
      const prefix = partition?.state.slice(0, -1);
      const index = `${prefix}u:4:acmeann`;
      assert.equal(await client.zcard(index), 100);
      const ttl = Math.max(
        ...(await Promise.all(sessions.map(({ sessionId }) => client.pttl(`${prefix}s:${sessionId}`)))),
      );
      assert(Math.abs((await client.pttl(index)) - ttl) < 5_000);
      for (const { sessionId } of sessions) await client.del(`${prefix}s:${sessionId}`);
      for (let count = 0; count < 50; count += 1) await begin(store);
      assert((await client.zcard(index)) <= 60, `${await client.zcard(index)}`);
    });
  });
});

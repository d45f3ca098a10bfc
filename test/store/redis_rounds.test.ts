import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Redis } from 'ioredis';
import type { Session } from '../../src/domain/session.ts';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { begin, ofKind, revokeCommand, stateOf, times } from '../../src/store/conformance/commands.ts';
import { arrive, assertChained, follow } from '../../src/store/conformance/observe.ts';
import { closeClient, openClient, untilReady } from '../../src/store/redis/client.ts';
import { keysOf, partitionOf } from '../../src/store/redis/keys.ts';
import { SCRIPTS } from '../../src/store/redis/scripts.ts';
import { openRedisStore, type RedisStore } from '../../src/store/redis/store.ts';
import { until } from '../servers/process.ts';
import { RedisStandalone } from '../servers/redis.ts';
import { describeOn } from '../servers/stores.ts';
import { locationOf, newPrefix, optionsOf } from './redis/harness.ts';

/** What is asked in one turn of the event loop goes out together, and is confirmed by one fence. */
describeOn('redis', () => {
  let server: RedisStandalone;
  let client: Redis;
  let store: RedisStore;
  let keyPrefix = '';
  const open = () => openRedisStore(locationOf(server.url), optionsOf(keyPrefix), DEFAULT_RULES, { ms: 0 });

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
    store = await open();
  });
  afterEach(() => store.close());

  const manySessions = (count: number) =>
    Promise.all(times(count, (index) => begin(store, { userId: `user-${index}` })));
  const partitionIn = ({ sessionId }: Session) => partitionOf(sessionId, 16);
  const stateKey = (partition: number) => keysOf(keyPrefix, 16).partitions[partition]?.state ?? '';

  /** By partition: how often it was fenced. */
  async function fences(): Promise<number[]> {
    return Promise.all(times(16, async (partition) => Number(await client.hget(stateKey(partition), 'fence'))));
  }

  async function callsOf(command: string): Promise<number> {
    const stats = await client.info('commandstats');
    return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
  }

  it('reads of many partitions share one fence', async () => {
    const sessions = await manySessions(40);
    const before = await fences();
    for (const state of await Promise.all(sessions.map((session) => stateOf(store, session)))) {
      assert.equal(state, 'active');
    }
    const added = (await fences()).reduce((sum, count, partition) => sum + count - (before[partition] ?? 0), 0);
    // They may have met a connection that was still being made.
    assert(added >= 1 && added <= 4, `${added}`);
  });

  it('where the one that was to be fenced is broken, the others are fenced each, and answered', async () => {
    const sessions = await manySessions(40);
    const broken = partitionIn(sessions[0] as Session);
    const others = sessions.filter((session) => partitionIn(session) !== broken);
    await client.rename(stateKey(broken), `${stateKey(broken)}away`);
    await client.set(stateKey(broken), 'of another type');
    const before = await Promise.all(others.map((session) => client.hget(stateKey(partitionIn(session)), 'fence')));
    const reads = others.map((session) => stateOf(store, session));
    const failing = assert.rejects(stateOf(store, sessions[0] as Session), (error) => {
      return error instanceof SessionError && error.code === 'STORE_UNAVAILABLE';
    });
    assert.deepEqual(new Set(await Promise.all(reads)), new Set(['active']));
    await failing;
    const after = await Promise.all(others.map((session) => client.hget(stateKey(partitionIn(session)), 'fence')));
    assert(after.every((count, index) => Number(count) > Number(before[index])));
  });

  it('of writes to one session in one turn the first wins, whatever else is on the way', async () => {
    const sessions = await manySessions(20);
    const outcomes = await Promise.all(
      sessions.flatMap((session) => times(3, () => store.revoke(revokeCommand(session)))),
    );
    const revoked = outcomes.map((outcome) => ofKind(outcome, 'done').revoked);
    assert.deepEqual(
      revoked,
      sessions.flatMap(() => [true, false, false]),
    );
  });

  it('what an instance has appended itself and not been answered it reads, before a repeat is answered', async () => {
    let isLosing = false;
    const { port, hostname } = new URL(server.url);
    const proxy = createServer((near) => {
      const far = connect(Number(port), hostname);
      let isCut = false;
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        socket.on('error', () => {});
        socket.on('close', () => other.destroy());
      }
      near.on('data', (bytes) => {
        if (isLosing && bytes.includes(SCRIPTS.revoke.sha)) {
          [isLosing, isCut] = [false, true];
          far.on('data', () => near.destroy());
        }
        far.write(bytes);
      });
      far.on('data', (bytes) => isCut || near.write(bytes));
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    const url = `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const cut = await openRedisStore(locationOf(url), optionsOf(newPrefix()), DEFAULT_RULES, { ms: 0 });
    const entries = follow(cut);
    try {
      // A look at the heads may come just then, though not each time.
      for (const session of await Promise.all(times(8, (index) => begin(cut, { userId: `user-${index}` })))) {
        // The script is known to the server by its digest.
        await cut.revoke(revokeCommand(await begin(cut)));
        const before = entries.length;
        isLosing = true;
        await assert.rejects(cut.revoke(revokeCommand(session)), { code: 'STORE_UNAVAILABLE' });
        const repeat = () => cut.revoke(revokeCommand(session)).catch(() => null);
        await until('the repeat is answered', async () => (await repeat()) !== null);
        assert.equal(entries.length, before + 1);
      }
    } finally {
      cut.close();
      proxy.close();
    }
  });

  it('what waits when the store is closed is told', async () => {
    const sessions = await manySessions(5);
    const waiting = sessions.flatMap((session) => [
      store.revoke(revokeCommand(session)),
      begin(store, { userId: session.userId }),
    ]);
    store.close();
    for (const settled of await Promise.allSettled(waiting)) {
      assert(settled.status === 'rejected' && settled.reason instanceof SessionError);
      assert.equal(settled.reason.code, 'STORE_UNAVAILABLE');
    }
  });

  it('what an instance has appended itself it does not read again, and another one does', async () => {
    const other = await open();
    try {
      const [own, others] = [follow(store), follow(other)];
      const sessions = await manySessions(40);
      other.close();
      await client.config('RESETSTAT');
      for (const session of sessions) await store.revoke(revokeCommand(session));
      assert.equal(own.length, 40);
      // A look at the heads may come between a step and its answer.
      assert((await callsOf('xrange')) < 20);
      assert.equal(others.length, 0);
      const third = await open();
      const seen = follow(third);
      await arrive(third, () => seen.length === 40);
      await store.revoke(revokeCommand(await begin(store)));
      await arrive(third, () => seen.length === 41);
      assertChained(seen);
      third.close();
    } finally {
      other.close();
    }
  });
});

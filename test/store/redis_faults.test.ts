import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { STORE_DEADLINE_MS } from '../../src/domain/limits.ts';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import {
  begin,
  ofKind,
  raiseCommand,
  recordOf,
  revokeCommand,
  stateOf,
  times,
  updateCommand,
  userScope,
} from '../../src/store/conformance/commands.ts';
import { arrive, follow, wholeLog } from '../../src/store/conformance/observe.ts';
import { closeClient, openClient, untilReady } from '../../src/store/redis/client.ts';
import { keysOf } from '../../src/store/redis/keys.ts';
import { openRedisStore, type RedisStore } from '../../src/store/redis/store.ts';
import { until } from '../servers/process.ts';
import type { RedisNode } from '../servers/redis.ts';
import { RedisCluster } from '../servers/redis_cluster.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';
import { locationOf, optionsOf } from './redis/harness.ts';
import { Load } from './redis/load.ts';

/** How soon after the promotion of another master every step goes through again. */
const RECOVERY_MS = 15_000;

interface Deployment {
  readonly url: string;
  /** The master of some of the store's partitions. */
  master(load: Load): Promise<RedisNode>;
  failoverFrom(former: RedisNode, load: Load): Promise<RedisNode>;
  settled(): Promise<void>;
  remove(): Promise<void>;
}

/** What happens to the master, and what is done about it once another was promoted. */
const FAULTS: Readonly<Record<string, readonly [(node: RedisNode) => unknown, (node: RedisNode) => unknown]>> = {
  'is killed': [(node) => node.kill(), (node) => node.start()],
  'hangs, and comes back': [(node) => node.freeze(), (node) => node.thaw()],
};

function describeFaults(deploy: () => Promise<Deployment>): void {
  for (const [title, [disturb, mend]] of Object.entries(FAULTS)) {
    it(`recovers by itself where a master ${title}: no revocation is undone, and nothing hangs`, async function () {
      this.timeout(180_000);
      const server = await deploy();
      try {
        await endure(server, disturb, mend);
      } finally {
        await server.remove();
      }
    });
  }
}

async function endure(
  server: Deployment,
  disturb: (node: RedisNode) => unknown,
  mend: (node: RedisNode) => unknown,
): Promise<void> {
  const load = await Load.start(server.url);
  try {
    await load.go(200);
    const former = await server.master(load);
    await disturb(former);
    await server.failoverFrom(former, load);
    const promotedMs = performance.now();
    // At once, so that the deposed master finds calls that were sent to it before.
    await mend(former);
    while (load.cameThroughMs < promotedMs) {
      assert(performance.now() < promotedMs + RECOVERY_MS, 'no recovery in time');
      await pause(20);
    }
    await load.go(200);
    await server.settled();
    await load.go(100);
  } finally {
    await load.stop();
  }
}

const CODES = ['STORE_UNAVAILABLE', 'NOT_REPLICATED'];

/** Fails unless the step is refused in time. */
async function assertRefused(work: Promise<unknown>, codes: readonly string[] = CODES): Promise<void> {
  const beganMs = performance.now();
  await assert.rejects(work, (error) => error instanceof SessionError && codes.includes(error.code));
  assert(performance.now() - beganMs < 2 * STORE_DEADLINE_MS, 'it takes too long');
}

describeOn('redis-sentinel', () => {
  it('acknowledges no revocation, and answers no strong read, that no replica confirms', async function () {
    this.timeout(180_000);
    const server = await RedisSentinel.create();
    const open = (waitReplicas: number | null) => {
      const options = { ...optionsOf('sa:'), waitReplicas };
      return openRedisStore(locationOf(server.url), options, DEFAULT_RULES, { ms: 0 });
    };
    const [store, one, none, three] = [await open(null), await open(1), await open(0), await open(3)];
    try {
      const [first, second, third, fourth] = await Promise.all(times(4, () => begin(store)));
      assert(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
      await assertRefused(three.revoke(revokeCommand(first)), ['NOT_REPLICATED']);
      const [slow, hung] = await server.replicas();
      slow?.freeze();
      // Half of two is enough.
      assert.equal(ofKind(await store.revoke(revokeCommand(second)), 'done').revoked, true);
      assert.equal(ofKind(await one.revoke(revokeCommand(third)), 'done').revoked, true);
      hung?.freeze();
      await assertRefused(one.revoke(revokeCommand(fourth)), ['NOT_REPLICATED']);
      await assertRefused(store.revoke(revokeCommand(fourth)), ['NOT_REPLICATED']);
      await assertRefused(stateOf(store, third), ['NOT_REPLICATED']);
      assert.equal(await stateOf(none, third), 'revoked');
      slow?.thaw();
      hung?.thaw();
      await server.settled();
      for (const session of [second, third, fourth]) {
        await store.revoke(revokeCommand(session));
        assert.equal(await stateOf(store, session), 'revoked');
      }
    } finally {
      for (const each of [store, one, none, three]) each.close();
      await server.remove();
    }
  });

  describeFaults(async () => {
    const server = await RedisSentinel.create();
    return {
      url: server.url,
      master: () => server.master(),
      failoverFrom: (former) => server.failoverFrom(former),
      settled: () => server.settled(),
      remove: () => server.remove(),
    };
  });
});

describeOn('redis-sentinel', () => {
  it('gets every connection back after a failover, whatever each was doing when a sentinel told of it', async function () {
    this.timeout(180_000);
    const server = await RedisSentinel.create();
    const location = locationOf(server.url);
    const clients = times(12, () => openClient(location, { username: '', password: '' }));
    try {
      await Promise.all(clients.map((client) => untilReady(client, performance.now() + 10_000)));
      const former = await server.master();
      await former.kill();
      await server.failoverFrom(former);
      for (const client of clients) {
        await until('it is a connection to the new master', async () => {
          const [role] = (await client.call('ROLE')) as readonly unknown[];
          return role === 'master';
        });
      }
    } finally {
      for (const client of clients) closeClient(client);
      await server.remove();
    }
  });

  it('puts back what was lost with a master that no replica had followed', async function () {
    this.timeout(180_000);
    const server = await RedisSentinel.create();
    // Acknowledged by the master alone: what a store promises that waits for replicas cannot be lost like this.
    const options = { ...optionsOf('sa:'), waitReplicas: 0 };
    const opened: RedisStore[] = [];
    const open = async () => {
      const store = await openRedisStore(locationOf(server.url), options, DEFAULT_RULES, { ms: 0 });
      opened.push(store);
      return store;
    };
    const [store, other] = [await open(), await open()];
    try {
      const entries = follow(other);
      const [first, second, third, live] = [
        await begin(store),
        await begin(store, { userId: 'bob' }),
        await begin(store, { userId: 'eve' }),
        await begin(store, { userId: 'kim' }),
      ];
      await server.settled();
      const former = await server.master();
      await former.command('WAIT', 2, 5000);
      await former.command('ACL', 'SETUSER', 'default', '-psync', '-sync');
      await former.command('CLIENT', 'KILL', 'TYPE', 'replica');
      await store.revoke(revokeCommand(first));
      await store.raise(raiseCommand(userScope('bob')));
      const version = ofKind(await store.update(updateCommand(third, { supersedeAccessTokens: true })), 'updated');
      await arrive(other, () => entries.length === 3);
      await former.kill();
      await server.failoverFrom(former);
      await until('what was lost is back', async () => {
        return (await stateOf(store, first)) === 'revoked' && (await stateOf(other, second)) === 'revoked';
      });
      await until('the version is back', async () => {
        return (await recordOf(store, third)).session.minVersion === version.record.session.minVersion;
      });
      assert.equal(await stateOf(store, live), 'active');
      const again = await wholeLog(await open(), 3);
      assert.deepEqual(new Set(again.map(({ tag }) => tag)), new Set(entries.map(({ tag }) => tag)));
    } finally {
      for (const each of opened) each.close();
      await server.remove();
    }
  });
});

describeOn('redis-cluster', () => {
  it('goes on while slots are moved: no call fails', async function () {
    this.timeout(180_000);
    const server = await RedisCluster.create();
    const load = await Load.start(server.url);
    try {
      await load.go(200);
      for (const { slot, state } of keysOf(load.keyPrefix, 16).partitions.slice(0, 3)) {
        const from = await server.masterOf(state);
        const to = (await server.masters()).find((node) => node !== from);
        assert(to !== undefined);
        await moveSlot(await server.masters(), slot, from, to);
        await load.go(50);
        assert.equal(await server.masterOf(state), to);
      }
      assert.equal(load.refusals, 0);
    } finally {
      await load.stop();
      await server.remove();
    }
  });

  describeFaults(async () => {
    const server = await RedisCluster.create();
    const keyOf = ({ keyPrefix }: Load) => keysOf(keyPrefix, 16).partitions[0]?.state ?? '';
    return {
      url: server.url,
      master: (load) => server.masterOf(keyOf(load)),
      failoverFrom: (former, load) => server.failoverFrom(former, keyOf(load)),
      settled: () => server.settled(),
      remove: () => server.remove(),
    };
  });
});

/** As `redis-cli --cluster reshard` does it (Redis Cluster specification, "Cluster live reconfiguration"). */
async function moveSlot(masters: readonly RedisNode[], slot: number, from: RedisNode, to: RedisNode): Promise<void> {
  const [fromId, toId] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')];
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
  for (;;) {
    const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[];
    if (keys.length === 0) break;
    await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
    // Calls meet a slot of which one half is here and one there.
    await pause(5);
  }
  for (const node of [to, from, ...masters]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
}

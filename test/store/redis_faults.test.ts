import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { keysOf } from '../../src/store/redis/keys.ts';
import type { RedisNode } from '../servers/redis.ts';
import { RedisCluster } from '../servers/redis_cluster.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';
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

describeOn('redis-sentinel', () => {
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

describeOn('redis-cluster', () => {
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

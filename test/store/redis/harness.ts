import { Redis } from 'ioredis';
import { Fault } from '../../../src/config_value.ts';
import { redisUrl } from '../../../src/config_redis.ts';
import type { ConformanceHarness } from '../../../src/store/conformance.ts';
import { openClient, type RedisLocation } from '../../../src/store/redis/client.ts';
import { openRedisStore, type RedisStoreOptions } from '../../../src/store/redis/store.ts';

/** The servers to test on, by their names. */
export const SERVERS: readonly (readonly [name: string, url: string])[] = (
  [
    ['Redis', process.env.TEST_REDIS_URL],
    ['Redis with Sentinel', process.env.TEST_REDIS_SENTINEL_URL],
    ['Redis Cluster', process.env.TEST_REDIS_CLUSTER_URL],
  ] as const
).flatMap(([name, url]) => (url === undefined || url === '' ? [] : [[name, url] as const]));

export const NO_CREDENTIALS = { username: '', password: '' };

export function locationOf(url: string): RedisLocation {
  const location = redisUrl(url);
  if (location instanceof Fault) throw new Error(`the test's URL ${location.text}`);
  return location;
}

export function optionsOf(keyPrefix: string, partitions = 16): RedisStoreOptions {
  return { keyPrefix, partitions, waitReplicas: null, sentinel: NO_CREDENTIALS };
}

export function redisHarness(
  url: string,
  { partitions, keyPrefix }: { partitions: number; keyPrefix: () => string },
): ConformanceHarness {
  const location = locationOf(url);
  return {
    persistent: true,
    shared: true,
    // Redis forgets requests and epochs by itself, when their time has come: nobody sweeps or counts them.
    expires: true,
    fresh: async () => {
      const prefix = keyPrefix();
      return {
        open: (rules, clock) => openRedisStore(location, optionsOf(prefix, partitions), rules, clock),
        remove: () => removeKeys(location, prefix),
      };
    },
  };
}

/** Removes all keys of a prefix. */
export async function removeKeys(location: RedisLocation, keyPrefix: string): Promise<void> {
  const client = openClient(location, NO_CREDENTIALS);
  try {
    if (client.status !== 'ready') await new Promise((resolve) => client.once('ready', resolve));
    for (const node of client instanceof Redis ? [client] : client.nodes('master')) {
      for await (const keys of node.scanStream({ match: `${keyPrefix}*`, count: 1000 })) {
        for (const key of keys as string[]) await node.unlink(key);
      }
    }
  } finally {
    client.disconnect();
  }
}

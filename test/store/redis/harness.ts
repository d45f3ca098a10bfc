import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { redisUrl } from '../../../src/config_redis.ts';
import { Fault } from '../../../src/config_value.ts';
import type { ConformanceHarness } from '../../../src/store/conformance.ts';
import { closeClient, openClient, untilReady } from '../../../src/store/redis/client.ts';
import type { RedisLocation, RedisOptions } from '../../../src/store/redis/location.ts';
import { openRedisStore } from '../../../src/store/redis/store.ts';

const NO_CREDENTIALS = { username: '', password: '' };

export function locationOf(url: string): RedisLocation {
  const location = redisUrl(url);
  if (location instanceof Fault) throw new Error(`the test's URL ${location.text}`);
  return location;
}

export function optionsOf(keyPrefix: string, partitions = 16): RedisOptions {
  return { keyPrefix, partitions, waitReplicas: null, sentinel: NO_CREDENTIALS };
}

/** No other test has it. */
export function newPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}:`;
}

export function redisHarness(url: () => string, partitions: number): ConformanceHarness {
  return {
    persistent: true,
    shared: true,
    // Redis forgets requests and epochs by itself, when their time has come: nobody sweeps or counts them.
    expires: true,
    fresh: async () => {
      const location = locationOf(url());
      const prefix = newPrefix();
      return {
        open: (rules, clock) => openRedisStore(location, optionsOf(prefix, partitions), rules, clock),
        remove: () => removeKeys(location, prefix),
      };
    },
  };
}

/** Removes all keys of a prefix. */
async function removeKeys(location: RedisLocation, keyPrefix: string): Promise<void> {
  const client = openClient(location, NO_CREDENTIALS);
  try {
    await untilReady(client, performance.now() + 5_000);
    for (const node of client instanceof Redis ? [client] : client.nodes('master')) {
      if (node.status !== 'ready') await untilReady(node, performance.now() + 5_000);
      for await (const keys of node.scanStream({ match: `${keyPrefix}*`, count: 1000 })) {
        await Promise.all((keys as string[]).map((key) => node.unlink(key)));
      }
    }
  } finally {
    closeClient(client);
  }
}

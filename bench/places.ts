import { Client } from 'pg';
import { findPrograms } from '../test/servers/programs.ts';
import { PostgresServer } from '../test/servers/postgres.ts';
import { RedisStandalone } from '../test/servers/redis.ts';
import type { Result } from './measure.ts';

/** Where a store is. */
export interface Place {
  /** `sqlite:` alone stands for a database that is yet to be named. */
  readonly url: string;
  remove(): Promise<unknown> | void;
}

export type StoreName = 'memory' | 'sqlite' | 'postgres' | 'redis';

/** A server of its own where the store has one. */
export const PLACES: { readonly [S in StoreName]: () => Promise<Place> | Place } = {
  memory: () => ({ url: 'memory:', remove: () => {} }),
  sqlite: () => ({ url: 'sqlite:', remove: () => {} }),
  postgres: createPostgres,
  redis: () => RedisStandalone.create(),
};

/** Unlike those of tests, one whose commits are on its disk when they are acknowledged. */
async function createPostgres(): Promise<Place> {
  const server = await PostgresServer.create();
  const client = new Client({ connectionString: server.url });
  await client.connect();
  for (const setting of ['fsync', 'full_page_writes']) await client.query(`ALTER SYSTEM SET ${setting} = on`);
  await client.query('SELECT pg_reload_conf()');
  await client.end();
  return server;
}

/** Those that there are programs for. */
export function installedStores(): StoreName[] {
  return (['memory', 'sqlite', 'postgres', 'redis'] as const).filter((store) => {
    const isInstalled = (store !== 'postgres' && store !== 'redis') || findPrograms(store) !== null;
    if (!isInstalled) console.error(`${store} is not installed here, and not measured`);
    return isInstalled;
  });
}

/** Measures on each store, one after the other. */
export async function onStores(
  measure: (store: StoreName, storeUrl: string) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const store of installedStores()) {
    const place = await PLACES[store]();
    try {
      results.push(...(await measure(store, place.url)));
    } finally {
      await place.remove();
    }
  }
  return results;
}

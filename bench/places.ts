import { PostgresServer } from '../test/servers/postgres.ts';
import { RedisStandalone } from '../test/servers/redis.ts';

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
  postgres: () => PostgresServer.create(),
  redis: () => RedisStandalone.create(),
};

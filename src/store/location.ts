import type { PostgresLocation } from './postgres/location.ts';
import type { RedisLocation } from './redis/location.ts';

/** Where sessions live. */
export type StoreLocation =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | ({ readonly kind: 'postgres' } & PostgresLocation)
  | RedisLocation;

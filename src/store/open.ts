import type { KeyStore, Lease, SessionStore } from '../domain/store.ts';
import type { ClockOffset, StoreRules } from '../domain/store_rules.ts';
import type { RevocationLog } from '../revocation/log.ts';
import type { StoreLocation } from './location.ts';
import { openMemoryStore } from './memory/store.ts';
import type { PostgresOptions } from './postgres/location.ts';
import { openPostgresStore } from './postgres/open.ts';
import type { RedisOptions } from './redis/location.ts';
import { openRedisStore } from './redis/store.ts';
import { openSqliteStore } from './sqlite/store.ts';

/** What a backend implements to be served from. */
export interface Store extends SessionStore, KeyStore, RevocationLog, Lease {
  close(): Promise<void> | void;
}

export interface StoreOptions {
  readonly rules: StoreRules;
  readonly postgres: PostgresOptions;
  readonly redis: RedisOptions;
  /** Whether to bring a server's schema up to date first; a file's always is. */
  readonly migrateOnStart: boolean;
}

/** Opens the store at a place; rejects with one line for the operator where it can not be used. */
export function openStore(location: StoreLocation, options: StoreOptions, clock: ClockOffset): Promise<Store> {
  const { rules, postgres, redis, migrateOnStart } = options;
  switch (location.kind) {
    case 'memory':
      return openMemoryStore(rules, clock);
    case 'sqlite':
      return openSqliteStore(location.path, rules, clock);
    case 'postgres':
      return openPostgresStore(location, postgres, migrateOnStart, rules, clock);
    case 'redis':
    case 'redis-sentinel':
    case 'redis-cluster':
      return openRedisStore(location, redis, rules, clock);
  }
}

import { storeLocation } from '../../../src/config_store.ts';
import type { ClockOffset, StoreRules } from '../../../src/domain/store_rules.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import type { PostgresLocation, PostgresOptions } from '../../../src/store/postgres/location.ts';
import { preparePostgres } from '../../../src/store/postgres/migrate.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import { freshDatabase, type TestDatabase } from '../../servers/database.ts';

const OPTIONS: PostgresOptions = { poolSize: 10, preparedStatements: true };

export function locationOf(url: string): PostgresLocation {
  const location = storeLocation(url);
  if (!('kind' in location) || location.kind !== 'postgres') throw new Error('not the URL of a Postgres database');
  return location;
}

/** Opens the store of a database whose schema is up to date. */
export function openStore(
  url: string,
  { rules = DEFAULT_RULES, clock = { ms: 0 }, ...options }: Partial<PostgresOptions & OpenRules> = {},
): Promise<PostgresStore> {
  return openPostgresStore(locationOf(url), { ...OPTIONS, ...options }, false, rules, clock);
}

interface OpenRules {
  readonly rules: StoreRules;
  readonly clock: ClockOffset;
}

/** A new database with the schema of this program. */
export async function migratedDatabase(server?: string): Promise<TestDatabase> {
  const database = await freshDatabase(server === undefined ? {} : { server });
  await preparePostgres(locationOf(database.url), true);
  return database;
}

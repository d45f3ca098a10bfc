import { randomUUID } from 'node:crypto';
import { storeLocation } from '../../../src/config_store.ts';
import type { ClockOffset, StoreRules } from '../../../src/domain/store_rules.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import type { PostgresLocation, PostgresOptions } from '../../../src/store/postgres/location.ts';
import { logSourceOf } from '../../../src/store/postgres/log_source.ts';
import { preparePostgres } from '../../../src/store/postgres/migrate.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { PostgresPool } from '../../../src/store/postgres/pool.ts';
import { rulesTextOf } from '../../../src/store/postgres/rows.ts';
import type { PostgresParts, PostgresStore } from '../../../src/store/postgres/store.ts';
import { freshDatabase, type TestDatabase } from '../../servers/database.ts';
import { PostgresServer, queryOnce } from '../../servers/postgres.ts';
import { until } from '../../servers/process.ts';

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

/** What that store is made of, for a test that exchanges a part; its pool is closed by the store, or by the test. */
export async function partsOf(url: string, options: Partial<PostgresOptions> = {}): Promise<PostgresParts> {
  const meta = await queryOnce<{ name: string; value: string }>(url, 'SELECT name, value FROM nest_auth_meta');
  const valueOf = (name: string) => meta.find((row) => row.name === name)?.value ?? '';
  const pool = new PostgresPool(locationOf(url), { ...OPTIONS, ...options });
  const rulesText = rulesTextOf(DEFAULT_RULES, { ms: 0 }, Number(valueOf('birth_time')));
  const instanceId = randomUUID();
  return {
    pool,
    source: logSourceOf(pool, rulesText, instanceId),
    rulesText,
    storeId: valueOf('store_id'),
    instanceId,
  };
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

/** A primary whose commits wait for its standby, and a database there whose URL names both. */
export async function synchronousPair() {
  const primary = await PostgresServer.create();
  const database = await migratedDatabase(primary.url);
  const standby = await primary.standby();
  await primary.awaitStandbys(standby.name);
  await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
  const { username, password } = new URL(database.url);
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
  return { primary, standby, database, url: `postgres://${username}:${password}@${hosts}/${database.name}` };
}

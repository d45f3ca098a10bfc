import { randomUUID } from 'node:crypto';
import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import { explainFault } from './faults.ts';
import type { PostgresLocation, PostgresOptions } from './location.ts';
import { logSourceOf } from './log_source.ts';
import { preparePostgres } from './migrate.ts';
import { PostgresPool } from './pool.ts';
import { rulesTextOf } from './rows.ts';
import { STATEMENTS } from './statements.ts';
import { PostgresStore } from './store.ts';

/**
 * Opens the database, whose schema must be that of this program, and keeps sessions in it.
 *
 * @param migrate whether to bring the schema up to date first
 * @throws {Error} with one line for the operator where the database can not be used
 */
export async function openPostgresStore(
  location: PostgresLocation,
  options: PostgresOptions,
  migrate: boolean,
  rules: StoreRules,
  clock: ClockOffset,
): Promise<PostgresStore> {
  await preparePostgres(location, migrate);
  const pool = new PostgresPool(location, options);
  try {
    const rows = await pool.tryRun<{ name: string; value: string }>(STATEMENTS.meta, []);
    const meta = new Map(rows.map(({ name, value }) => [name, value]));
    const rulesText = rulesTextOf(rules, clock, Number(meta.get('birth_time')));
    await pool.tryRun(STATEMENTS.usable, [rulesText()]);
    const instanceId = randomUUID();
    const source = logSourceOf(pool, rulesText, instanceId);
    return new PostgresStore({ pool, source, rulesText, storeId: meta.get('store_id') ?? '', instanceId });
  } catch (error) {
    await pool.close();
    throw explainFault(location, error);
  }
}

import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import { explainFault } from './faults.ts';
import type { PostgresLocation, PostgresOptions } from './location.ts';
import { preparePostgres } from './migrate.ts';
import { PostgresPool } from './pool.ts';
import { rulesText } from './rows.ts';
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
    await pool.tryRun(STATEMENTS.usable, [rulesText(rules, clock.ms, 0)]);
    const meta = new Map(rows.map(({ name, value }) => [name, value]));
    return new PostgresStore(pool, rules, clock, meta.get('store_id') ?? '', Number(meta.get('birth_time')));
  } catch (error) {
    await pool.close();
    throw explainFault(location, error);
  }
}

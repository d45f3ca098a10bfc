import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

/** Functions of the database: each step of the Postgres store is one of them. The compiler copies no SQL: it is found from the root. */
const FUNCTIONS = new URL('migrations/20261120230000_serve_postgres/', import.meta.resolve('#root/package.json'));

export async function up(knex: Knex): Promise<void> {
  const isPostgres = !isSqlite(knex);
  await knex.schema.createTable('nest_auth_leases', (table) => {
    table.text('name').notNullable().primary();
    table.text('holder').notNullable();
    table.specificType('expire_time', isPostgres ? 'timestamptz' : 'integer').notNullable();
  });
  if (!isPostgres) return;
  // Room in every page for the next version of its rows, which then needs no index entry (a HOT update).
  await knex.raw('ALTER TABLE nest_auth_sessions SET (fillfactor = 80)');
  await knex.raw(`ALTER TABLE nest_auth_sessions ALTER refresh_spent_times TYPE bigint[]
    USING translate(refresh_spent_times, '[]', '{}')::bigint[]`);
  // Only an operator's dry run would read it, which the index by user serves well enough.
  await knex.raw('DROP INDEX nest_auth_sessions_by_client');
  // 32 bits without a sign.
  await knex.raw('ALTER TABLE nest_auth_sessions ALTER refresh_key_id TYPE bigint');
  for (const sql of await functionFiles()) await knex.raw(escaped(sql));
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('nest_auth_leases');
  if (isSqlite(knex)) return;
  await knex.raw(`DO $$
    DECLARE
      v_function regprocedure;
    BEGIN
      FOR v_function IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = current_schema() AND starts_with(p.proname, 'nest_auth_')
      LOOP
        EXECUTE 'DROP FUNCTION ' || v_function;
      END LOOP;
    END $$`);
  await knex.raw('DROP TYPE nest_auth_outcome, nest_auth_ending, nest_auth_status, nest_auth_rules');
  await knex.raw(`ALTER TABLE nest_auth_sessions ALTER refresh_spent_times TYPE text
    USING translate(refresh_spent_times::text, '{}', '[]')`);
  await knex.raw('CREATE INDEX nest_auth_sessions_by_client ON nest_auth_sessions (tenant_id, client_id)');
  await knex.raw('ALTER TABLE nest_auth_sessions RESET (fillfactor)');
}

/** In the order of their names. */
async function functionFiles(): Promise<string[]> {
  const names = (await readdir(FUNCTIONS)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map((name) => readFile(new URL(name, FUNCTIONS), 'utf8')));
}

/** knex takes a question mark for a place to put a value. */
function escaped(sql: string): string {
  return sql.replaceAll('?', '\\?');
}

function isSqlite(knex: Knex): boolean {
  return (knex.client as Knex.Client).dialect === 'sqlite3';
}

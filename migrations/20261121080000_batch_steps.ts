import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

const MIGRATIONS = new URL('migrations/', import.meta.resolve('#root/package.json'));
/** Steps of the Postgres store that do many commands at once. The compiler copies no SQL: it is found from the root. */
const FUNCTIONS = new URL('20261121080000_batch_steps/', MIGRATIONS);

/** Each function that was replaced, and the file that made it. */
const REPLACED = {
  nest_auth_create: '20261120230000_serve_postgres/06_create.sql',
  nest_auth_refresh: '20261121050000_match_tenants/03_refresh.sql',
  nest_auth_revoke: '20261121050000_match_tenants/06_revoke.sql',
  nest_auth_revoked: '20261120230000_serve_postgres/11_revoke.sql',
} as const;

const ADDED = [
  'nest_auth_read_each',
  'nest_auth_refresh_each',
  'nest_auth_refresh_locked',
  'nest_auth_try_share_scopes',
  'nest_auth_create_each',
  'nest_auth_create_locked',
  'nest_auth_try_lock_create',
  'nest_auth_verdicts',
];

export async function up(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  for (const name of (await readdir(FUNCTIONS)).sort()) {
    await knex.raw(escaped(await readFile(new URL(name, FUNCTIONS), 'utf8')));
  }
}

/** A function that is replaced loses its settings. */
export async function down(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  await knex.raw(`DROP FUNCTION ${[...ADDED, ...Object.keys(REPLACED)].join(', ')}`);
  await knex.raw('DROP TYPE nest_auth_verdict');
  for (const [name, file] of Object.entries(REPLACED)) {
    await knex.raw(escaped(definitionOf(name, await readFile(new URL(file, MIGRATIONS), 'utf8'))));
  }
  for (const file of [
    '20261120230000_serve_postgres/14_settings.sql',
    '20261121050000_match_tenants/07_settings.sql',
  ]) {
    await knex.raw(escaped(await readFile(new URL(file, MIGRATIONS), 'utf8')));
  }
}

/** The statement of a file that makes the function. */
function definitionOf(name: string, sql: string): string {
  const start = sql.indexOf(`CREATE FUNCTION ${name}(`);
  const end = sql.indexOf('\n$$;', start);
  if (start === -1 || end === -1) throw new Error(`no definition of ${name}`);
  return sql.slice(start, end + '\n$$;'.length);
}

/** knex takes a question mark for a place to put a value. */
function escaped(sql: string): string {
  return sql.replaceAll('?', '\\?');
}

function isSqlite(knex: Knex): boolean {
  return (knex.client as Knex.Client).dialect === 'sqlite3';
}

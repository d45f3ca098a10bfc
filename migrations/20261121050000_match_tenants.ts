import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

const MIGRATIONS = new URL('migrations/', import.meta.resolve('#root/package.json'));
/** Steps of the Postgres store. The compiler copies no SQL: it is found from the root. */
const FUNCTIONS = new URL('20261121050000_match_tenants/', MIGRATIONS);
/** Where the functions that these replace were made. */
const BEFORE = new URL('20261120230000_serve_postgres/', MIGRATIONS);

/** Each replaced function, and the file that made it. */
const REPLACED = {
  nest_auth_is_named: '02_status.sql',
  nest_auth_found: '08_read.sql',
  nest_auth_read: '08_read.sql',
  nest_auth_refresh: '07_refresh.sql',
  nest_auth_update: '09_update.sql',
  nest_auth_rotate: '10_rotate.sql',
  nest_auth_revoke: '11_revoke.sql',
} as const;

export async function up(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  for (const name of (await readdir(FUNCTIONS)).sort()) {
    await knex.raw(escaped(await readFile(new URL(name, FUNCTIONS), 'utf8')));
  }
}

export async function down(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  await knex.raw(`DROP FUNCTION ${Object.keys(REPLACED).join(', ')}`);
  for (const [name, file] of Object.entries(REPLACED)) {
    await knex.raw(escaped(definitionOf(name, await readFile(new URL(file, BEFORE), 'utf8'))));
  }
  await knex.raw(escaped(await readFile(new URL('14_settings.sql', BEFORE), 'utf8')));
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

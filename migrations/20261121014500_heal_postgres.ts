import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

/** A step of the Postgres store; the other stores lose nothing, or have their own. The compiler copies no SQL: it is found from the root. */
const FUNCTIONS = new URL('migrations/20261121014500_heal_postgres/', import.meta.resolve('#root/package.json'));

export async function up(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  for (const name of (await readdir(FUNCTIONS)).sort()) {
    await knex.raw(escaped(await readFile(new URL(name, FUNCTIONS), 'utf8')));
  }
}

export async function down(knex: Knex): Promise<void> {
  if (isSqlite(knex)) return;
  await knex.raw(`DROP FUNCTION nest_auth_heal, nest_auth_heal_session, nest_auth_heal_epoch, nest_auth_append_again`);
}

/** knex takes a question mark for a place to put a value. */
function escaped(sql: string): string {
  return sql.replaceAll('?', '\\?');
}

function isSqlite(knex: Knex): boolean {
  return (knex.client as Knex.Client).dialect === 'sqlite3';
}

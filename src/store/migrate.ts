import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';

/** Names of migrations, oldest first. */
export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Recorded in the database, but unknown to this program: a newer version made them. */
  readonly ahead: readonly string[];
}

const TABLE = 'nest_auth_migrations';
/** Compiled, the folder lies beside `src` again. */
const FOLDER = new URL('../../migrations/', import.meta.url);
/** Any constant will do, as long as all instances that may migrate one database agree on it. */
const POSTGRES_LOCK = 7_235_961_870;

/** Applies all that is pending, in one transaction, and returns what that was. */
export function migrateUp(knex: Knex): Promise<readonly string[]> {
  return underLock(knex, async (transaction) => {
    const { applied, pending } = await usableStatus(transaction);
    if (pending.length === 0) return [];
    if (applied.length === 0) await refuseForeignTable(transaction);
    await transaction.migrate.latest(configuration());
    return pending;
  });
}

/** Reverts the newest migration, with all that its tables hold, and returns its name; nothing where none is applied. */
export function migrateDown(knex: Knex): Promise<readonly string[]> {
  return underLock(knex, async (transaction) => {
    const { applied } = await usableStatus(transaction);
    if (applied.length === 0) return [];
    await transaction.migrate.down(configuration());
    return applied.slice(-1);
  });
}

/** Reads only; in a database that was never migrated all is pending. */
export async function migrationStatus(knex: Knex): Promise<MigrationStatus> {
  const known = await migrationNames();
  const recorded = await recordedNames(knex);
  return {
    applied: known.filter((name) => recorded.includes(name)),
    pending: known.filter((name) => !recorded.includes(name)),
    ahead: recorded.filter((name) => !known.includes(name)),
  };
}

/**
 * All within one transaction: the bookkeeping tables come and go with the rest, knex's own lock row is never
 * committed as taken, and a process that dies frees the lock with its connection. SQLite takes its write lock
 * as the transaction begins.
 */
function underLock<T>(knex: Knex, step: (transaction: Knex.Transaction) => Promise<T>): Promise<T> {
  return knex.transaction(async (transaction) => {
    if (!isSqlite(transaction)) await transaction.raw('select pg_advisory_xact_lock(?)', [POSTGRES_LOCK]);
    return step(transaction);
  });
}

async function usableStatus(knex: Knex): Promise<MigrationStatus> {
  const status = await migrationStatus(knex);
  if (status.ahead.length === 0) return status;
  throw new Error(
    `the schema of the database ${await databaseName(knex)} is ahead of this program, which does not know ` +
      `${status.ahead.join(', ')}: run the version that made it, or revert it with that version first`,
  );
}

/** A library of a similar name makes a table of the same name with other columns. */
export async function refuseForeignTable(knex: Knex): Promise<void> {
  if (!(await hasTable(knex, 'nest_auth_sessions'))) return;
  throw new Error(
    `the table nest_auth_sessions in the database ${await databaseName(knex)} was not made by this program: ` +
      'rename it, or name another database or schema in STORE_URL; nothing was changed',
  );
}

async function recordedNames(knex: Knex): Promise<string[]> {
  if (!(await hasTable(knex, TABLE))) return [];
  const rows = await knex<{ id: number; name: string }>(TABLE).select('name').orderBy('id');
  return rows.map((row) => row.name);
}

/** Also one that the user may not read: knex asks Postgres for those alone that the user may. */
async function hasTable(knex: Knex, name: string): Promise<boolean> {
  if (isSqlite(knex)) return knex.schema.hasTable(name);
  const found = knex.raw(`to_regclass(quote_ident(current_schema()) || '.' || ?) is not null as found`, [name]);
  const rows: { found: boolean }[] = await knex.select(found);
  return rows[0]?.found === true;
}

async function databaseName(knex: Knex): Promise<string> {
  const rows: { name: string }[] = isSqlite(knex)
    ? await knex.select('file as name').from(knex.raw('pragma_database_list')).where('name', 'main')
    : await knex.select(knex.raw(`current_database() || ' (schema ' || current_schema() || ')' as name`));
  return rows[0]?.name ?? '';
}

function isSqlite(knex: Knex): boolean {
  return (knex.client as Knex.Client).dialect === 'sqlite3';
}

function configuration(): Knex.MigratorConfig {
  return { tableName: TABLE, migrationSource: { getMigrations: migrationNames, getMigrationName, getMigration } };
}

/** A name has no extension, so that source and compiled files are recorded alike. */
async function migrationNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files
    .filter((file) => /^\d{14}_\w+\.[jt]s$/.test(file))
    .map((file) => file.slice(0, -3))
    .sort();
}

function getMigrationName(name: unknown): string {
  return String(name);
}

async function getMigration(name: unknown): Promise<Knex.Migration> {
  const extension = import.meta.url.slice(-3);
  return (await import(new URL(String(name) + extension, FOLDER).href)) as Knex.Migration;
}

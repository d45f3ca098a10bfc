import { createRequire } from 'node:module';
import knexModule, { type Knex } from 'knex';
import { migrateUp } from '../migrate.ts';
import { connect, type Database, explainFault, retryWhileBusy } from './database.ts';

/** What knex asks a dialect to run, and where the answer goes. */
interface Query {
  readonly sql: string;
  readonly bindings?: readonly unknown[];
  response?: unknown;
  context?: { readonly lastID: number | bigint; readonly changes: number };
}

interface Dialect extends Knex.Client {
  readonly connectionSettings: { readonly filename: string };
  _formatBindings(bindings: readonly unknown[] | undefined): unknown[];
}

interface DialectClass extends Omit<typeof Knex.Client, 'prototype'> {
  new (config: Knex.Config): Dialect;
  readonly prototype: Dialect;
}

const BetterSqlite3: DialectClass = createRequire(import.meta.url)('knex/lib/dialects/better-sqlite3');

/** knex's own dialect, on the driver that `connect` chooses. */
class SqliteClient extends BetterSqlite3 {
  _driver(): object {
    return {};
  }

  override acquireRawConnection(): Promise<Database> {
    return connect(this.connectionSettings.filename);
  }

  _query(connection: Database, query: Query): Promise<Query> {
    const bindings = this._formatBindings(query.bindings);
    return retryWhileBusy(() => run(connection, query, bindings));
  }
}

function run(connection: Database, query: Query, bindings: readonly unknown[]): Query {
  // A transaction that begins with reading can not always be raised to writing: take the lock at once.
  const statement = connection.prepare(query.sql === 'BEGIN;' ? 'BEGIN IMMEDIATE' : query.sql);
  if (statement.columns().length > 0) {
    query.response = statement.all(...bindings);
  } else {
    const { changes, lastInsertRowid } = statement.run(...bindings);
    query.response = [];
    query.context = { lastID: lastInsertRowid, changes };
  }
  return query;
}

/** knex on the database file, for its schema alone. The caller destroys it. */
export function openSqliteKnex(path: string): Knex {
  const silent = () => undefined;
  return knexModule.knex({
    client: SqliteClient,
    connection: { filename: path },
    useNullAsDefault: true,
    pool: { min: 0, max: 1 },
    // Whatever it would print is thrown as well.
    log: { debug: silent, warn: silent, error: silent, deprecate: silent },
  });
}

/** Runs a step on the file's schema and closes the file again; faults of the file are explained. */
export async function withSqliteKnex<T>(path: string, step: (knex: Knex) => Promise<T>): Promise<T> {
  const knex = openSqliteKnex(path);
  try {
    return await step(knex);
  } catch (error) {
    throw explainFault(path, error);
  } finally {
    await knex.destroy();
  }
}

/**
 * Brings the file's schema up to this program's and returns what was applied. Of several processes that start at
 * once one migrates and the others wait for it; one that is killed leaves the file as it was.
 */
export function migrateSqlite(path: string): Promise<readonly string[]> {
  return withSqliteKnex(path, migrateUp);
}

import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import { SessionError } from '../../error.ts';
import { EmbeddedStore } from '../embedded/store.ts';
import { BUSY, type Engine } from '../embedded/tables.ts';
import { type Database, isBusy, openDatabase } from './database.ts';
import { migrateSqlite } from './migrate.ts';
import { SqliteTables } from './tables.ts';

/** Opens the database file, brings its schema up to date, and keeps sessions in it. */
export async function openSqliteStore(path: string, rules: StoreRules, clock: ClockOffset): Promise<EmbeddedStore> {
  await migrateSqlite(path);
  const database = await openDatabase(path);
  try {
    return await EmbeddedStore.open(createSqliteEngine(database), rules, clock);
  } catch (error) {
    database.close();
    throw error;
  }
}

function createSqliteEngine(database: Database): Engine {
  const tables = new SqliteTables(database);
  const begin = database.prepare('BEGIN');
  const beginWriting = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const dataVersion = database.prepare('PRAGMA data_version');
  let seenVersion: unknown;

  const inTransaction = <T>(step: (tables: SqliteTables) => T): T => {
    try {
      const result = step(tables);
      commit.run();
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    storeId: meta(database, 'store_id'),
    birthTimeMs: Number(meta(database, 'birth_time')),
    read: (step) =>
      translated(() => {
        begin.run();
        return inTransaction(step);
      }),
    sharesCommits: true,
    write: (step) =>
      translated(() => {
        if (!takesLock(beginWriting)) return BUSY;
        return inTransaction(step);
      }),
    // Changes with every commit of another connection, and with none of this one's.
    changedElsewhere: () =>
      translated(() => {
        const { data_version: version } = dataVersion.get() as { data_version: number };
        const changed = version !== seenVersion;
        seenVersion = version;
        return changed;
      }),
    close: () => database.close(),
  };
}

/** Begins to write; false where another connection does, in which case nothing has begun. */
function takesLock(beginWriting: ReturnType<Database['prepare']>): boolean {
  try {
    beginWriting.run();
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** Runs what may fail in the driver, whose errors are never shown to a caller. */
function translated<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw isDriverError(error) ? unavailable(error) : error;
  }
}

function meta(database: Database, name: string): string {
  const row = database.prepare('SELECT value FROM nest_auth_meta WHERE name = ?').get(name);
  return (row as { value: string }).value;
}

function isDriverError(error: unknown): boolean {
  // An `errcode` comes with most of them, but not with those of `all` and `iterate` on Node 20's package.
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

function unavailable(cause: unknown): SessionError {
  return new SessionError(
    'STORE_UNAVAILABLE',
    'the store did not answer; what was asked may or may not have happened',
    { cause },
  );
}

import type { ClockOffset, StoreRules } from '../../domain/store.ts';
import { SessionError } from '../../error.ts';
import { EmbeddedStore } from '../embedded/store.ts';
import type { Engine } from '../embedded/tables.ts';
import { type Database, openDatabase } from './database.ts';
import { migrateSqlite } from './migrate.ts';
import { SqliteTables } from './tables.ts';

/** Opens the database file, brings its schema up to date, and keeps sessions in it. */
export async function openSqliteStore(path: string, rules: StoreRules, clock: ClockOffset): Promise<EmbeddedStore> {
  await migrateSqlite(path);
  const database = await openDatabase(path);
  try {
    return new EmbeddedStore(createSqliteEngine(database), rules, clock);
  } catch (error) {
    database.close();
    throw error;
  }
}

function createSqliteEngine(database: Database): Engine {
  const tables = new SqliteTables(database);
  const [begin, beginWriting, commit] = ['BEGIN', 'BEGIN IMMEDIATE', 'COMMIT'].map((sql) => database.prepare(sql));
  const dataVersion = database.prepare('PRAGMA data_version');
  let seenVersion: unknown;

  const transaction = <T>(opening: typeof begin, step: (tables: SqliteTables) => T): T => {
    try {
      opening?.run();
      const result = step(tables);
      commit?.run();
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw isDriverError(error) ? unavailable(error) : error;
    }
  };
  return {
    storeId: meta(database, 'store_id'),
    birthTimeMs: Number(meta(database, 'birth_time')),
    read: (step) => transaction(begin, step),
    write: (step) => transaction(beginWriting, step),
    // Changes with every commit of another connection, and with none of this one's.
    changedElsewhere: () => {
      const version = (dataVersion.get() as { data_version: number }).data_version;
      const changed = version !== seenVersion;
      seenVersion = version;
      return changed;
    },
    close: () => database.close(),
  };
}

function meta(database: Database, name: string): string {
  const row = database.prepare('SELECT value FROM nest_auth_meta WHERE name = ?').get(name);
  return (row as { value: string }).value;
}

function isDriverError(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error;
}

function unavailable(cause: unknown): SessionError {
  return new SessionError('STORE_UNAVAILABLE', 'the store did not answer; what was asked may or may not have happened', {
    cause,
  });
}

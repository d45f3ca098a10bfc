import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/** A connection: the part that node:sqlite and @photostructure/sqlite have in common. */
export type Database = Pick<DatabaseSyncInstance, 'close' | 'exec' | 'isOpen' | 'isTransaction' | 'prepare'>;

interface Driver {
  readonly DatabaseSync: new (path: string) => Database;
}

/** How long to wait for a lock that another process or connection holds while it opens or migrates. */
const LOCK_PATIENCE_MS = 30_000;
const LOCK_RETRY_MS = 10;

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/** SQLite takes a file that is shorter than its smallest page for an empty one and writes over it. */
const SMALLEST_DATABASE = 512;

/** What is wrong and what to do about it, by SQLite's primary result code. */
const FAULTS: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: `another program kept it locked for ${LOCK_PATIENCE_MS / 1000} s: end that program`,
  8: 'it is read-only: make the file and its folder writable for the user that runs this program',
  10: 'reading or writing it failed: check the disk and its file system',
  11: 'it is damaged: restore it from a backup, or move it away',
  13: 'the disk is full: make room',
  14: 'it can not be opened: check that it is a regular file, and whose it is',
  [SQLITE_NOTADB]: 'it is not an SQLite database: move it away, or name another file in STORE_URL',
};

/**
 * Opens the database file for the store, made where it is missing (mode 0600, its folder 0700): WAL, every commit
 * on disk before it is acknowledged. A fault is an Error that says what, where and what to do.
 */
export async function openDatabase(path: string): Promise<Database> {
  const database = await connect(path);
  try {
    await retryWhileBusy(() => {
      useWal(database, path);
      // The first read may meet another process that recovers the log, which refuses it once.
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
    });
    return database;
  } catch (error) {
    database.close();
    throw explainFault(path, error);
  }
}

/**
 * A connection that changes nothing in an existing file, not even its journal mode. It never waits for a lock by
 * itself, since the holder may be in this process: use `retryWhileBusy`.
 */
export async function connect(path: string): Promise<Database> {
  const file = resolve(path);
  prepareFile(file);
  const { DatabaseSync } = builtInDriver() ?? (await import('@photostructure/sqlite'));
  let database: Database | undefined;
  try {
    const opened = new DatabaseSync(file);
    database = opened;
    // Reading the schema's version is what first looks into the file.
    await retryWhileBusy(() =>
      opened.exec('PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA schema_version'),
    );
    return opened;
  } catch (error) {
    database?.close();
    throw explainFault(path, error);
  }
}

/** Repeats what a lock refused; a statement that SQLite refuses as busy has changed nothing. */
export async function retryWhileBusy<T>(step: () => T): Promise<T> {
  const giveUpAt = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
    }
    await sleep(LOCK_RETRY_MS);
  }
}

/** Two processes that switch a new file at once can refuse each other, whatever the busy timeout is. */
function useWal(database: Database, path: string): void {
  const row: unknown = database.prepare('PRAGMA journal_mode = WAL').get();
  if (typeof row === 'object' && row !== null && 'journal_mode' in row && row.journal_mode === 'wal') return;
  throw new Error(`the file system of the database ${path} has no write-ahead logging: use a local disk`);
}

function builtInDriver(): Driver | undefined {
  // oxlint-disable-next-line typescript/unbound-method -- put back, never called
  const { emitWarning } = process;
  // Loading it makes Node 22 warn that it is experimental; nothing else can warn in this one call.
  process.emitWarning = () => undefined;
  try {
    const sqlite: unknown = process.getBuiltinModule?.('node:sqlite');
    return isDriver(sqlite) ? sqlite : undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Node before 22.16 has the module, but not all that is used of it: neither `setReturnArrays` nor `isTransaction`. */
function isDriver(sqlite: unknown): sqlite is Driver {
  if (typeof sqlite !== 'object' || sqlite === null || !('StatementSync' in sqlite)) return false;
  const { StatementSync } = sqlite;
  return typeof StatementSync === 'function' && 'setReturnArrays' in StatementSync.prototype;
}

function prepareFile(file: string): void {
  const folder = dirname(file);
  orSay(`can not make the folder ${folder}`, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  orSay(`can not make the database ${file}`, () => makeFile(file));
  orSay(`can not write the database ${file}`, () => {
    accessSync(file, constants.R_OK | constants.W_OK);
    accessSync(folder, constants.W_OK | constants.X_OK);
  });
  const { size } = statSync(file);
  if (size > 0 && size < SMALLEST_DATABASE) throw new Error(faultText(file, SQLITE_NOTADB));
}

/** Never opens an existing file: closing it again would drop the locks of this process's other connections. */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function orSay(what: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    const code = systemCode(error);
    const isFile = code === 'EEXIST' || code === 'ENOTDIR';
    const advice = isFile
      ? 'a part of that path is a file: move it away'
      : 'make it writable for the user that runs this program';
    throw new Error(`${what} (${code}): ${advice}, or name another path in STORE_URL`, { cause: error });
  }
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}

/** Whether a lock that another connection holds refused a statement, which has then changed nothing. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  // What `all` and `iterate` of Node 20's package throw has a text alone.
  return error.message === 'database is locked' ? SQLITE_BUSY : undefined;
}

/** Says what is wrong with the file and what to do, where SQLite's code tells; else the error as it is. */
export function explainFault(path: string, error: unknown): unknown {
  const code = primaryCode(error);
  if (code === undefined || FAULTS[code] === undefined) return error;
  return new Error(faultText(resolve(path), code), { cause: error });
}

function faultText(file: string, code: number): string {
  return `can not use the database ${file}: ${FAULTS[code]}`;
}

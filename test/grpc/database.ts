import { randomBytes } from 'node:crypto';
import { type Database, openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { SqliteTables } from '../../src/store/sqlite/tables.ts';
import { readConfig } from '../../src/config.ts';
import { ConsistencyTokens } from '../../src/domain/consistency_token.ts';
import { LOG_START } from '../../src/revocation/log.ts';
import type { RevocationScope } from '../../src/revocation/revocation.ts';
import { readMasterKeyFile } from '../../src/token/master_key.ts';
import type { Env, TestServer } from '../harness.ts';

/** A connection of another program to the server's database. */
export async function withDatabase<T>(path: string, step: (database: Database) => Promise<T> | T): Promise<T> {
  const database = await openDatabase(path);
  try {
    return await step(database);
  } finally {
    database.close();
  }
}

/** While `step` runs no session can be read or written. */
export function withoutSessions<T>(path: string, step: () => Promise<T>): Promise<T> {
  return withDatabase(path, async (database) => {
    database.exec('ALTER TABLE nest_auth_sessions RENAME TO hidden_sessions');
    try {
      return await step();
    } finally {
      database.exec('ALTER TABLE hidden_sessions RENAME TO nest_auth_sessions');
    }
  });
}

/** Every row of every table, as text. */
export function dump(path: string): Promise<string> {
  return withDatabase(path, (database) => {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    const rows = tables.map((table) => {
      const { name } = table as { name: string };
      return [name, database.prepare(`SELECT * FROM ${name}`).all()];
    });
    return JSON.stringify(rows);
  });
}

/** As if the session had been purged. */
export function deleteSession(path: string, sessionId: string): Promise<void> {
  return withDatabase(path, (database) => {
    database.prepare('DELETE FROM nest_auth_sessions WHERE session_id = ?').run(sessionId);
  });
}

/** What another instance on the same database sweeps now; how many sessions that was. */
export async function sweep({ databasePath, clock }: TestServer, env: Env = {}): Promise<number> {
  const store = await openSqliteStore(databasePath, readConfig(env).rules, clock);
  try {
    let sessions = 0;
    for (let more = true; more; ) {
      const result = await store.sweep(200);
      sessions += result.sessions;
      more = result.more;
    }
    return sessions;
  } finally {
    store.close();
  }
}

/** Writes to the log as another process on the database would. */
export function appendRevocations(
  path: string,
  scopes: readonly RevocationScope[],
  discardTimeMs: number,
): Promise<void> {
  return withDatabase(path, (database) => {
    database.exec('BEGIN IMMEDIATE');
    const tables = new SqliteTables(database);
    let { position, tag } = tables.logHead();
    for (const scope of scopes) {
      const previousTag = tag;
      position += 1;
      tag = randomBytes(8).toString('hex');
      const revocation = { scope, discardTimeMs, reason: 'logout', revokeTimeMs: Date.now() } as const;
      tables.appendLog({ partition: 0, position, tag, previousTag, revocation });
    }
    database.exec('COMMIT');
  });
}

/** A token of the entry that the log gets next: a call that brings it waits until `append` has written that. */
export function nextEntry({ databasePath }: TestServer): Promise<{ token: Buffer; append: () => Promise<void> }> {
  return withDatabase(databasePath, (database) => {
    const store = database.prepare("SELECT value AS id FROM nest_auth_meta WHERE name = 'store_id'").get();
    const log = database
      .prepare('SELECT position, tag FROM nest_auth_revocations ORDER BY position DESC LIMIT 1')
      .get();
    const head = (log as { position: number; tag: string } | undefined) ?? LOG_START;
    const tokens = new ConsistencyTokens(readMasterKeyFile(`${databasePath}.master-key`), (store as { id: string }).id);
    const [position, tag] = [head.position + 1, '0123456789abcdef'];
    const row = [position, tag, head.tag, 'user', '', 'nobody', 1, '', Date.now() + 3_600_000, 'admin', Date.now()];
    const append = () => withDatabase(databasePath, (writing) => void writing.prepare(APPEND).run(...row));
    return { token: tokens.format({ partition: 0, position, tag }, ''), append };
  });
}

const APPEND = `INSERT INTO nest_auth_revocations
  (position, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id, discard_time, reason, revoke_time)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

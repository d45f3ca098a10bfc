import type { Session } from '../../domain/session.ts';
import type { ListQuery } from '../../domain/store.ts';
import { LOG_START, type LogEntry, type LogPosition } from '../../revocation/log.ts';
import type { StoredKey } from '../../token/keys.ts';
import type {
  EpochKey,
  EpochRecord,
  LeaseRecord,
  LifetimeKind,
  RequestRecord,
  StoredSession,
  Tables,
} from '../embedded/tables.ts';
import type { Database } from './database.ts';
import { scopeCells, type Cell, number, type Row, text, toLogEntry, toStoredKey } from '../rows.ts';
import { CONTENT_COLUMNS, SESSION_COLUMNS, sessionCells, sessionOf, toEpochRecord, toRequestRecord } from './rows.ts';

/** Whose minimum binds a session: its user's, or its own where it is anonymous. */
const USER_SUBJECT = "CASE user_id WHEN '' THEN session_id ELSE user_id END";

const COLUMNS = SESSION_COLUMNS.join(', ');

const SQL = {
  session: sessionSql(),
  insertSession: `INSERT INTO nest_auth_sessions (${COLUMNS})
    VALUES (${SESSION_COLUMNS.map(() => '?').join(', ')})`,
  updateSession: `UPDATE nest_auth_sessions SET ${CONTENT_COLUMNS.map((column) => `${column} = ?`).join(', ')}
    WHERE session_id = ?`,
  revokeSession: `UPDATE nest_auth_sessions SET revoke_time = ?, revocation_reason = ?, purge_time = ?
    WHERE session_id = ?`,
  setUserGeneration: 'UPDATE nest_auth_sessions SET user_generation = ? WHERE session_id = ?',
  touchSession: 'UPDATE nest_auth_sessions SET last_active_time = ? WHERE session_id = ?',
  setPurgeTime: 'UPDATE nest_auth_sessions SET purge_time = ? WHERE session_id = ?',
  deleteSession: 'DELETE FROM nest_auth_sessions WHERE session_id = ?',
  unrevokedOfUser: `SELECT ${COLUMNS} FROM nest_auth_sessions
    WHERE tenant_id = ? AND user_id = ? AND user_generation >= ? AND revoke_time IS NULL`,
  countLive: countLiveSql(''),
  countLiveOfTenant: countLiveSql('tenant_id = :tenantId AND'),
  countLiveOfClient: countLiveSql('tenant_id = :tenantId AND client_id = :clientId AND'),
  listOfUser: `SELECT ${COLUMNS} FROM nest_auth_sessions
    WHERE tenant_id = ? AND user_id = ? AND (create_time, session_id) < (?, ?)
    ORDER BY create_time DESC, session_id DESC`,
  listUnrevokedOfUser: `SELECT ${COLUMNS} FROM nest_auth_sessions
    WHERE tenant_id = ? AND user_id = ? AND (create_time, session_id) < (?, ?)
      AND user_generation >= ? AND revoke_time IS NULL
    ORDER BY create_time DESC, session_id DESC`,
  sessionsDue: `SELECT ${COLUMNS} FROM nest_auth_sessions WHERE purge_time <= ? ORDER BY purge_time LIMIT ?`,

  epoch: 'SELECT * FROM nest_auth_epochs WHERE scope = ? AND tenant_id = ? AND subject = ?',
  putEpoch: `INSERT OR REPLACE INTO nest_auth_epochs
    (scope, tenant_id, subject, min_generation, deny_create_until, raise_time, reason, keep_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  deleteEpochsDue: `DELETE FROM nest_auth_epochs WHERE rowid IN
    (SELECT rowid FROM nest_auth_epochs WHERE keep_until <= ? LIMIT ?)`,

  request: 'SELECT * FROM nest_auth_requests WHERE request_key = ?',
  putRequest: `INSERT OR REPLACE INTO nest_auth_requests
    (request_key, request_hash, session_id, refresh_generation, result, expire_time) VALUES (?, ?, ?, ?, ?, ?)`,
  deleteRequestsDue: `DELETE FROM nest_auth_requests WHERE rowid IN
    (SELECT rowid FROM nest_auth_requests WHERE expire_time <= ? LIMIT ?)`,

  logHead: 'SELECT position, tag FROM nest_auth_revocations ORDER BY position DESC LIMIT 1',
  appendLog: `INSERT INTO nest_auth_revocations
    (position, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id, discard_time, reason, revoke_time)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  logAfter: 'SELECT * FROM nest_auth_revocations WHERE position > ? ORDER BY position LIMIT ?',
  trimLog: 'DELETE FROM nest_auth_revocations WHERE position <= ?',

  longestLifetime: 'SELECT max(lifetime_ms) AS longest FROM nest_auth_lifetimes WHERE kind = ? AND in_force_until > ?',
  lifetime: 'SELECT in_force_until FROM nest_auth_lifetimes WHERE kind = ? AND lifetime_ms = ?',
  putLifetime: 'INSERT OR REPLACE INTO nest_auth_lifetimes (kind, lifetime_ms, in_force_until) VALUES (?, ?, ?)',

  keys: 'SELECT * FROM nest_auth_keys ORDER BY key_use, sequence',
  insertKey: `INSERT OR IGNORE INTO nest_auth_keys
    (key_use, sequence, key_id, algorithm, public_jwk, sealed, active_time) VALUES (?, ?, ?, ?, ?, ?, ?)`,

  lease: 'SELECT holder, expire_time FROM nest_auth_leases WHERE name = ?',
  putLease: 'INSERT OR REPLACE INTO nest_auth_leases (name, holder, expire_time) VALUES (?, ?, ?)',
} as const;

/** The session, and whether it is below a minimum. */
function sessionSql(): string {
  const isBelow = (scope: string, tenant: string, subject: string) =>
    `EXISTS (SELECT 1 FROM nest_auth_epochs
      WHERE scope = '${scope}' AND tenant_id = ${tenant} AND subject = ${subject} AND min_generation > ${scope}_generation)`;
  return `SELECT ${COLUMNS}, ${isBelow('user', 's.tenant_id', USER_SUBJECT)} OR ${isBelow('client', 's.tenant_id', 's.client_id')}
      OR ${isBelow('tenant', 's.tenant_id', "''")} OR ${isBelow('global', "''", "''")}
    FROM nest_auth_sessions AS s WHERE session_id = ?`;
}

/** Counts the sessions that are within their limits and below no minimum of their scopes. */
function countLiveSql(condition: string): string {
  const minimum = (scope: string, tenant: string, subject: string) =>
    `coalesce((SELECT min_generation FROM nest_auth_epochs
      WHERE scope = '${scope}' AND tenant_id = ${tenant} AND subject = ${subject}), :birthTimeMs)`;
  return `SELECT count(*) AS live FROM nest_auth_sessions AS s WHERE ${condition} revoke_time IS NULL
    AND absolute_expire_time > :nowMs AND (idle_timeout_ms = 0 OR last_active_time + idle_timeout_ms > :nowMs)
    AND user_generation >= ${minimum('user', 's.tenant_id', USER_SUBJECT)}
    AND client_generation >= ${minimum('client', 's.tenant_id', 's.client_id')}
    AND tenant_generation >= ${minimum('tenant', 's.tenant_id', "''")}
    AND global_generation >= ${minimum('global', "''", "''")}`;
}

/** Their rows come as arrays. */
const SESSION_QUERIES = ['session', 'unrevokedOfUser', 'listOfUser', 'listUnrevokedOfUser', 'sessionsDue'] as const;

/** Later than any session, for the first page of a list. */
const END_OF_TIME: Cell[] = [Number.MAX_SAFE_INTEGER, ''];

/** The tables of one database file, by statements that are prepared once. */
export class SqliteTables implements Tables {
  readonly #statements: { readonly [K in keyof typeof SQL]: ReturnType<Database['prepare']> };

  constructor(database: Database) {
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)] as const);
    this.#statements = Object.fromEntries(prepared) as never;
    for (const name of SESSION_QUERIES) this.#statements[name].setReturnArrays(true);
  }

  session(sessionId: string): StoredSession | undefined {
    const cells = this.#statements.session.get(sessionId) as Cell[] | undefined;
    return cells === undefined ? undefined : { session: sessionOf(cells), meetsMinima: cells.at(-1) === 0 };
  }

  insertSession(session: Session, purgeTimeMs: number): void {
    const cells = sessionCells(session, purgeTimeMs);
    this.#run('insertSession', ...SESSION_COLUMNS.map((column) => cells[column]));
  }

  updateSession(session: Session): void {
    const cells = sessionCells(session, 0);
    this.#run('updateSession', ...CONTENT_COLUMNS.map((column) => cells[column]), session.sessionId);
  }

  revokeSession(sessionId: string, revocation: NonNullable<Session['revocation']>, purgeTimeMs: number): void {
    this.#run('revokeSession', revocation.timeMs, revocation.reason, purgeTimeMs, sessionId);
  }

  setUserGeneration(sessionId: string, generation: number): void {
    this.#run('setUserGeneration', generation, sessionId);
  }

  touchSession(sessionId: string, lastActiveTimeMs: number): void {
    this.#run('touchSession', lastActiveTimeMs, sessionId);
  }

  setPurgeTime(sessionId: string, purgeTimeMs: number): void {
    this.#run('setPurgeTime', purgeTimeMs, sessionId);
  }

  deleteSession(sessionId: string): void {
    this.#run('deleteSession', sessionId);
  }

  unrevokedOfUser(tenantId: string, userId: string, minGeneration: number): Session[] {
    return this.#sessions('unrevokedOfUser', tenantId, userId, minGeneration);
  }

  countLive(tenantId: string | null, clientId: string | null, nowMs: number, birthTimeMs: number): number {
    const times = { nowMs, birthTimeMs };
    const count = (name: keyof typeof SQL, named: Record<string, Cell>) =>
      number(this.#statements[name].get(named) as Row, 'live');
    if (tenantId === null) return count('countLive', times);
    if (clientId === null) return count('countLiveOfTenant', { ...times, tenantId });
    return count('countLiveOfClient', { ...times, tenantId, clientId });
  }

  *listOfUser(query: Omit<ListQuery, 'states' | 'limit'>, minGeneration: number | null): Iterable<Session> {
    const { tenantId, userId, clientId, deviceId, after } = query;
    const position = after === null ? END_OF_TIME : [after.createTimeMs, after.sessionId];
    const cells = [tenantId, userId, ...position];
    const rows =
      minGeneration === null
        ? this.#statements.listOfUser.iterate(...cells)
        : this.#statements.listUnrevokedOfUser.iterate(...cells, minGeneration);
    for (const row of rows) {
      const session = sessionOf(row as Cell[]);
      if (clientId !== '' && session.clientId !== clientId) continue;
      if (deviceId === '' || session.device.deviceId === deviceId) yield session;
    }
  }

  sessionsDue(nowMs: number, limit: number): Session[] {
    return this.#sessions('sessionsDue', nowMs, limit);
  }

  epoch({ scope, tenantId, subject }: EpochKey): EpochRecord | undefined {
    const row = this.#get('epoch', scope, tenantId, subject);
    return row === undefined ? undefined : toEpochRecord(row);
  }

  putEpoch({ scope, tenantId, subject }: EpochKey, { epoch, denyCreateUntilMs, keepUntilMs }: EpochRecord): void {
    const { minGeneration = null, raiseTimeMs = null, reason = null } = epoch ?? {};
    this.#run('putEpoch', scope, tenantId, subject, minGeneration, denyCreateUntilMs, raiseTimeMs, reason, keepUntilMs);
  }

  deleteEpochsDue(nowMs: number, limit: number): number {
    return this.#run('deleteEpochsDue', nowMs, limit);
  }

  request(key: string): RequestRecord | undefined {
    const row = this.#get('request', key);
    return row === undefined ? undefined : toRequestRecord(row);
  }

  putRequest(key: string, { requestHash, sessionId, generation, result, expireTimeMs }: RequestRecord): void {
    this.#run('putRequest', key, requestHash, sessionId, generation, JSON.stringify(result), expireTimeMs);
  }

  deleteRequestsDue(nowMs: number, limit: number): number {
    return this.#run('deleteRequestsDue', nowMs, limit);
  }

  logHead(): LogPosition {
    const row = this.#get('logHead');
    return row === undefined ? LOG_START : { partition: 0, position: number(row, 'position'), tag: text(row, 'tag') };
  }

  appendLog({ position, tag, previousTag, revocation }: LogEntry): void {
    const { scope, discardTimeMs, reason, revokeTimeMs } = revocation;
    const { tenantId, subject, minimum, except } = scopeCells(scope);
    const chain = [position, tag, previousTag];
    this.#run(
      'appendLog',
      ...chain,
      scope.kind,
      tenantId,
      subject,
      minimum,
      except,
      discardTimeMs,
      reason,
      revokeTimeMs,
    );
  }

  logAfter(position: number, limit: number): LogEntry[] {
    return this.#all('logAfter', position, limit).map(toLogEntry);
  }

  trimLog(position: number): void {
    this.#run('trimLog', position);
  }

  longestLifetimeMs(kind: LifetimeKind, nowMs: number): number {
    const row = this.#get('longestLifetime', kind, nowMs);
    return row?.['longest'] == null ? 0 : number(row, 'longest');
  }

  lifetimeInForceUntilMs(kind: LifetimeKind, lifetimeMs: number): number {
    const row = this.#get('lifetime', kind, lifetimeMs);
    return row === undefined ? 0 : number(row, 'in_force_until');
  }

  putLifetime(kind: LifetimeKind, lifetimeMs: number, inForceUntilMs: number): void {
    this.#run('putLifetime', kind, lifetimeMs, inForceUntilMs);
  }

  keys(): StoredKey[] {
    return this.#all('keys').map(toStoredKey);
  }

  insertKeyIfAbsent({ use, sequence, keyId, algorithm, publicJwk, sealed, activeTimeMs }: StoredKey): void {
    this.#run('insertKey', use, sequence, keyId, algorithm, publicJwk, sealed, activeTimeMs);
  }

  lease(name: string): LeaseRecord | undefined {
    const row = this.#get('lease', name);
    return row === undefined ? undefined : { holder: text(row, 'holder'), expireTimeMs: number(row, 'expire_time') };
  }

  putLease(name: string, { holder, expireTimeMs }: LeaseRecord): void {
    this.#run('putLease', name, holder, expireTimeMs);
  }

  #get(name: keyof typeof SQL, ...cells: Cell[]): Row | undefined {
    return this.#statements[name].get(...cells) as Row | undefined;
  }

  #all(name: keyof typeof SQL, ...cells: Cell[]): Row[] {
    return this.#statements[name].all(...cells) as Row[];
  }

  #sessions(name: (typeof SESSION_QUERIES)[number], ...cells: Cell[]): Session[] {
    return (this.#statements[name].all(...cells) as Cell[][]).map(sessionOf);
  }

  #run(name: keyof typeof SQL, ...cells: Cell[]): number {
    return this.#statements[name].run(...cells).changes;
  }
}

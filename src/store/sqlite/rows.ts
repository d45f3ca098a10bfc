import type { EpochRecord, RequestRecord } from '../embedded/tables.ts';
import type { Actor, Session, TokenMode } from '../../domain/session.ts';
import type { RevocationReason } from '../../revocation/revocation.ts';
import { type Cell, json, number, type Row, text } from '../rows.ts';

/** The columns that no step changes after the insert; the others can be in an index of their own. */
const FIXED_COLUMNS = [
  'session_id',
  'tenant_id',
  'user_id',
  'client_id',
  'token_mode',
  'create_time',
  'idle_timeout_ms',
  'absolute_timeout_ms',
  'absolute_expire_time',
  'auth_time',
  'acr',
  'amr',
  'actor',
  'audiences',
  'refresh_nonce',
  'client_generation',
  'tenant_generation',
  'global_generation',
] as const;

/** What updates and refreshes change; no index holds any of these. */
export const CONTENT_COLUMNS = [
  'last_active_time',
  'device_id',
  'device_name',
  'user_agent',
  'ip_address',
  'claims',
  'data',
  'version',
  'min_version',
  'refresh_generation',
  'refresh_key_id',
  'refresh_spent_times',
  'refresh_request_id',
  'refresh_request_hash',
] as const;

const INDEXED_COLUMNS = ['user_generation', 'revoke_time', 'revocation_reason', 'purge_time'] as const;

export const SESSION_COLUMNS = [...FIXED_COLUMNS, ...CONTENT_COLUMNS, ...INDEXED_COLUMNS] as const;

type SessionColumn = (typeof SESSION_COLUMNS)[number];

const AT = Object.fromEntries(SESSION_COLUMNS.map((column, index) => [column, index])) as Record<SessionColumn, number>;

/** The cells of a session by column. */
export function sessionCells(session: Session, purgeTimeMs: number): Record<SessionColumn, Cell> {
  const { device, credential, generations, revocation, actor } = session;
  return {
    session_id: session.sessionId,
    tenant_id: session.tenantId,
    user_id: session.userId,
    client_id: session.clientId,
    token_mode: session.tokenMode,
    create_time: session.createTimeMs,
    last_active_time: session.lastActiveTimeMs,
    idle_timeout_ms: session.idleTimeoutMs,
    absolute_timeout_ms: session.absoluteTimeoutMs,
    absolute_expire_time: session.absoluteExpireTimeMs,
    auth_time: session.authTimeMs,
    acr: session.acr,
    amr: JSON.stringify(session.amr),
    device_id: device.deviceId,
    device_name: device.name,
    user_agent: device.userAgent,
    ip_address: device.ipAddress,
    actor: actor === null ? null : JSON.stringify(actor),
    audiences: JSON.stringify(session.audiences),
    claims: session.claims,
    data: session.data,
    version: session.version,
    min_version: session.minVersion,
    user_generation: generations[0],
    client_generation: generations[1],
    tenant_generation: generations[2],
    global_generation: generations[3],
    refresh_nonce: credential.nonce,
    refresh_generation: credential.generation,
    refresh_key_id: credential.keyId,
    refresh_spent_times: JSON.stringify(credential.spentTimesMs),
    refresh_request_id: credential.requestId,
    refresh_request_hash: credential.requestHash,
    revoke_time: revocation?.timeMs ?? null,
    revocation_reason: revocation?.reason ?? null,
    purge_time: purgeTimeMs,
  };
}

/** The session of a row's cells, which are in the order of SESSION_COLUMNS: a row by names takes longer to make than to find. */
export function sessionOf(cells: readonly Cell[]): Session {
  const string = (column: SessionColumn) => cells[AT[column]] as string;
  const int = (column: SessionColumn) => cells[AT[column]] as number;
  const list = <T>(column: SessionColumn) => JSON.parse(string(column)) as T[];
  const actor = cells[AT.actor];
  const revokeTimeMs = cells[AT.revoke_time];
  return {
    sessionId: string('session_id'),
    tenantId: string('tenant_id'),
    userId: string('user_id'),
    clientId: string('client_id'),
    tokenMode: string('token_mode') as TokenMode,
    createTimeMs: int('create_time'),
    lastActiveTimeMs: int('last_active_time'),
    idleTimeoutMs: int('idle_timeout_ms'),
    absoluteTimeoutMs: int('absolute_timeout_ms'),
    absoluteExpireTimeMs: int('absolute_expire_time'),
    authTimeMs: int('auth_time'),
    acr: string('acr'),
    amr: list<string>('amr'),
    device: {
      deviceId: string('device_id'),
      name: string('device_name'),
      userAgent: string('user_agent'),
      ipAddress: string('ip_address'),
    },
    actor: actor === null ? null : (JSON.parse(actor as string) as Actor),
    audiences: list<string>('audiences'),
    claims: string('claims'),
    data: string('data'),
    version: int('version'),
    minVersion: int('min_version'),
    generations: [int('user_generation'), int('client_generation'), int('tenant_generation'), int('global_generation')],
    credential: {
      nonce: string('refresh_nonce'),
      generation: int('refresh_generation'),
      keyId: int('refresh_key_id'),
      spentTimesMs: list<number>('refresh_spent_times'),
      requestId: string('refresh_request_id'),
      requestHash: string('refresh_request_hash'),
    },
    revocation:
      revokeTimeMs === null
        ? null
        : { timeMs: revokeTimeMs as number, reason: string('revocation_reason') as RevocationReason },
  };
}

export function toEpochRecord(row: Row): EpochRecord {
  const raised = row['min_generation'] !== null;
  return {
    epoch: raised
      ? {
          minGeneration: number(row, 'min_generation'),
          raiseTimeMs: number(row, 'raise_time'),
          reason: text(row, 'reason') as RevocationReason,
        }
      : null,
    denyCreateUntilMs: row['deny_create_until'] === null ? null : number(row, 'deny_create_until'),
    keepUntilMs: number(row, 'keep_until'),
  };
}

export function toRequestRecord(row: Row): RequestRecord {
  return {
    requestHash: text(row, 'request_hash'),
    sessionId: text(row, 'session_id'),
    generation: number(row, 'refresh_generation'),
    result: json<RequestRecord['result']>(row, 'result'),
    expireTimeMs: number(row, 'expire_time'),
  };
}

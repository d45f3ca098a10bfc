import type { EpochRecord, RequestRecord } from '../embedded/tables.ts';
import type { Session } from '../../domain/session.ts';
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

/** The cells of a session by column. */
export function sessionCells(session: Session, purgeTimeMs: number): Record<(typeof SESSION_COLUMNS)[number], Cell> {
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

import {
  ANNOUNCE_AHEAD_MS,
  CLOCK_SKEW_MS,
  LIMITS,
  LOOK_AGAIN_MS,
  REMEMBERED_GENERATIONS,
  REQUEST_RETENTION_MS,
  STORE_DEADLINE_MS,
} from '../../domain/limits.ts';
import type { SessionStatus } from '../../domain/session.ts';
import { isUuid } from '../../domain/session_id.ts';
import type { NewSession, RotateCommand, SessionRecord, SessionRef } from '../../domain/store.ts';
import type { StoreRules } from '../../domain/store_rules.ts';
import type { LogEntry } from '../../revocation/log.ts';
import type { RevocationReason } from '../../revocation/revocation.ts';
import { type Cell, type Row, toLogEntry, toSession } from '../rows.ts';

/** A nest_auth_outcome as JSON; null where a step has no such part. */
export interface OutcomeRow {
  readonly kind: string;
  readonly at_time: string;
  readonly session: SessionRow;
  readonly status: StatusRow;
  readonly previous_device: unknown;
  readonly result: unknown;
  readonly entries: readonly Row[] | null;
}

/** A row of nest_auth_sessions as JSON, whose times are texts (ISO 8601). */
export interface SessionRow {
  readonly refresh_spent_times: readonly number[];
  readonly [column: string]: string | number | null | readonly number[];
}

/** A nest_auth_status as JSON. */
export interface StatusRow {
  readonly state: SessionStatus['state'];
  readonly end_time: string;
  readonly end_reason: RevocationReason;
}

/** The rules as a value of the type nest_auth_rules, whose fields have this order. */
export function rulesText(rules: StoreRules, clockOffsetMs: number, birthTimeMs: number): string {
  const fields = [
    ms(clockOffsetMs),
    birthTimeMs,
    ms(rules.accessTokenTtlMs),
    ms(rules.maxAbsoluteTimeoutMs),
    ms(rules.refreshGraceMs),
    ms(rules.touchIntervalMs),
    ms(rules.endedSessionRetentionMs),
    rules.limit.max,
    rules.limit.policy,
    ms(CLOCK_SKEW_MS),
    ms(2 * CLOCK_SKEW_MS + STORE_DEADLINE_MS),
    ms(ANNOUNCE_AHEAD_MS),
    ms(REQUEST_RETENTION_MS),
    ms(LOOK_AGAIN_MS),
    REMEMBERED_GENERATIONS,
    LIMITS.claims,
    LIMITS.data,
  ];
  return `(${fields.join(',')})`;
}

function ms(value: number): string {
  return `${value} ms`;
}

/** The columns of a session that begins. */
export function newSessionJson(session: NewSession): string {
  const { device } = session;
  return JSON.stringify({
    session_id: session.sessionId,
    tenant_id: session.tenantId,
    user_id: session.userId,
    client_id: session.clientId,
    token_mode: session.tokenMode,
    idle_timeout_ms: session.idleTimeoutMs,
    absolute_timeout_ms: session.absoluteTimeoutMs,
    auth_time: timeText(session.authTimeMs),
    acr: session.acr,
    amr: JSON.stringify(session.amr),
    device_id: device.deviceId,
    device_name: device.name,
    user_agent: device.userAgent,
    ip_address: device.ipAddress,
    actor: session.actor === null ? null : JSON.stringify(session.actor),
    audiences: JSON.stringify(session.audiences),
    claims: session.claims,
    data: session.data,
    refresh_nonce: session.nonce,
    refresh_key_id: session.keyId,
  });
}

/** The columns that a rotation changes; what it leaves is absent. */
export function rotationJson(command: RotateCommand): string {
  const { device } = command;
  const changes = {
    session_id: command.newSessionId,
    user_id: command.userId === '' ? null : command.userId,
    auth_time: timeText(command.authTimeMs),
    acr: command.acr,
    amr: command.amr === null ? null : JSON.stringify(command.amr),
    claims: command.claims,
    data: command.data,
    device_id: device?.deviceId ?? null,
    device_name: device?.name ?? null,
    user_agent: device?.userAgent ?? null,
    ip_address: device?.ipAddress ?? null,
    idle_timeout_ms: command.idleTimeoutMs,
    absolute_timeout_ms: command.absoluteTimeoutMs,
    refresh_nonce: command.nonce,
    refresh_key_id: command.keyId,
  };
  return JSON.stringify(Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null)));
}

/** The parts of a reference in the order in which every step takes them. */
export function refValues({ sessionId, tenantId, proof }: SessionRef): readonly unknown[] {
  const { nonce = null, generation = null, version = null, audience = null } = proof ?? {};
  return [uuidOf(sessionId), tenantId, nonce, generation, version, audience];
}

/** No session has it. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** null for what is not an id, which the database would refuse, or read as the id that it resembles. */
export function uuidOf(sessionId: string): string | null {
  return isUuid(sessionId) ? sessionId : null;
}

export function timeText(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

export function toRecord({ session, status }: { session: SessionRow; status: StatusRow }): SessionRecord {
  return { session: toSession(plainRow(session)), status: toStatus(status) };
}

function plainRow(row: SessionRow): Row {
  const plain = { ...row, refresh_spent_times: JSON.stringify(row.refresh_spent_times) } as Record<string, Cell>;
  for (const column of TIME_COLUMNS) plain[column] = plain[column] == null ? null : Date.parse(plain[column] as string);
  return plain;
}

const TIME_COLUMNS = ['create_time', 'last_active_time', 'absolute_expire_time', 'auth_time', 'revoke_time'];

function toStatus({ state, end_time: endTime, end_reason: reason }: StatusRow): SessionStatus {
  switch (state) {
    case 'active':
      return { state };
    case 'expired':
      return { state, timeMs: Date.parse(endTime) };
    case 'revoked':
      return { state, timeMs: Date.parse(endTime), reason };
  }
}

export function toEntries(rows: readonly Row[] | null): readonly LogEntry[] {
  return rows?.map(toLogEntry) ?? [];
}

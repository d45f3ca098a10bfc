import { isUuid } from '../../domain/session_id.ts';
import type {
  CreateCommand,
  EpochScope,
  NewSession,
  RaiseCommand,
  ReadCommand,
  RefreshCommand,
  RevokeCommand,
  RotateCommand,
  SessionRef,
} from '../../domain/store.ts';
import type { LogEntry } from '../../revocation/log.ts';
import { scopeCells } from '../rows.ts';

/** The columns of a session that begins. */
function newSessionColumns(session: NewSession) {
  const { device } = session;
  return {
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
  };
}

/** The parameters of a create after the rules. */
export function createValues({ session, request, replaceDeviceSessions }: CreateCommand): readonly unknown[] {
  const { key = null, hash = null } = request ?? {};
  return [JSON.stringify(newSessionColumns(session)), replaceDeviceSessions, key, hash];
}

export function createsJson(commands: readonly CreateCommand[]): string {
  const rows = commands.map(({ session, request, replaceDeviceSessions }) => ({
    session: newSessionColumns(session),
    replace_device_sessions: replaceDeviceSessions,
    request_key: request?.key,
    request_hash: request?.hash,
  }));
  return JSON.stringify(rows);
}

/** Whose sessions a create counts, and the request that it is done for. */
export function createNames({ session, request }: CreateCommand): readonly string[] {
  // No id holds a control character.
  const user = `user\u0001${session.tenantId}\u0001${session.userId || session.sessionId}`;
  return request === null ? [user] : [user, request.key];
}

/** The parameters of a refresh after the rules. */
export function refreshValues(command: RefreshCommand): readonly unknown[] {
  return Object.values(refreshRow(command));
}

export function refreshesJson(commands: readonly RefreshCommand[]): string {
  return JSON.stringify(commands.map(refreshRow));
}

/** In the order in which the step takes them. */
function refreshRow(command: RefreshCommand) {
  const { device } = command;
  return {
    session_id: uuidOf(command.sessionId),
    tenant_ids: command.tenantIds,
    client_id: command.clientId,
    nonce: command.nonce,
    generation: command.generation,
    key_id: command.keyId,
    request_id: command.requestId,
    request_hash: command.requestHash,
    device_id: device?.deviceId ?? '',
    device_name: device?.name ?? '',
    user_agent: device?.userAgent ?? '',
    ip_address: device?.ipAddress ?? '',
    claims: command.claims,
  };
}

/** The parameters of a read after the rules. */
export function readValues(command: ReadCommand): readonly unknown[] {
  return [...refValues(command), command.touch];
}

export function readsJson(commands: readonly ReadCommand[]): string {
  const rows = commands.map(({ sessionId, tenantIds, proof, touch }) => ({
    session_id: uuidOf(sessionId),
    tenant_ids: tenantIds,
    ...proof,
    touch,
  }));
  return JSON.stringify(rows);
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
export function refValues({ sessionId, tenantIds, proof }: SessionRef): readonly unknown[] {
  const { nonce = null, generation = null, version = null, audience = null } = proof ?? {};
  return [uuidOf(sessionId), tenantIds, nonce, generation, version, audience];
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

/** The scope's kind, tenant and subject, as epochs are kept under them. */
export function scopeValues(scope: EpochScope): readonly [kind: string, tenantId: string, subject: string] {
  switch (scope.kind) {
    case 'user':
      return ['user', scope.tenantId, scope.userId];
    case 'client':
      return ['client', scope.tenantId, scope.clientId];
    case 'tenant':
      return ['tenant', scope.tenantId, ''];
    case 'global':
      return ['global', '', ''];
  }
}

/** What is not an id spares nothing, and is not taken for none. */
export function exceptValue({ exceptSessionId }: RaiseCommand): string | null {
  return exceptSessionId === '' ? null : (uuidOf(exceptSessionId) ?? NIL_UUID);
}

export function revocationsJson(commands: readonly RevokeCommand[]): string {
  const rows = commands.map(({ ref: { sessionId, tenantIds, proof }, request, reason }) => ({
    session_id: uuidOf(sessionId),
    tenant_ids: tenantIds,
    ...proof,
    request_key: request?.key,
    request_hash: request?.hash,
    reason,
  }));
  return JSON.stringify(rows);
}

/** Rows of nest_auth_revocations. */
export function entriesJson(entries: readonly LogEntry[]): string {
  const rows = entries.map(({ position, tag, revocation: { scope, reason, revokeTimeMs } }) => {
    const { tenantId, subject, minimum, except } = scopeCells(scope);
    return {
      position,
      tag,
      scope: scope.kind,
      tenant_id: tenantId,
      subject,
      minimum,
      except_session_id: except,
      reason,
      revoke_time: timeText(revokeTimeMs),
    };
  });
  return JSON.stringify(rows);
}

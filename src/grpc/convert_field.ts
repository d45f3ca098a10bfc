import { LIMITS } from '../domain/limits.ts';
import type { SessionHandle } from '../domain/requests.ts';
import type { Actor, Device } from '../domain/session.ts';
import type { JsonChange } from '../domain/store.ts';
import type { RevocationReason } from '../revocation/revocation.ts';
import { RESERVED_CLAIMS } from '../token/access_token.ts';
import type { Struct__Output } from '../wire/gen/google/protobuf/Struct.ts';
import type { Actor__Output } from '../wire/gen/sessionauthority/v1/Actor.ts';
import type { CreateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/CreateSessionRequest.ts';
import type { Device__Output } from '../wire/gen/sessionauthority/v1/Device.ts';
import type { SessionHandle__Output } from '../wire/gen/sessionauthority/v1/SessionHandle.ts';
import type { Fields } from './fields.ts';

/** The reasons that a caller may give; the service gives the others itself. */
const REASONS: Readonly<Record<string, RevocationReason>> = {
  REVOCATION_REASON_LOGOUT: 'logout',
  REVOCATION_REASON_ADMIN: 'admin',
  REVOCATION_REASON_CREDENTIAL_CHANGE: 'credential_change',
  REVOCATION_REASON_ACCOUNT_DISABLED: 'account_disabled',
  REVOCATION_REASON_SECURITY: 'security',
};

export function handleOf(fields: Fields, wire: SessionHandle__Output | null): SessionHandle {
  fields.single('session', wire?.sessionId, wire?.sessionToken, wire?.refreshToken, wire?.accessToken);
  switch (wire?.handle) {
    case 'sessionId':
      return { kind: 'id', sessionId: fields.requiredUuid('session.session_id', wire.sessionId ?? '') };
    case 'sessionToken':
      return { kind: 'session', token: wire.sessionToken ?? '' };
    case 'refreshToken':
      return { kind: 'refresh', token: wire.refreshToken ?? '' };
    case 'accessToken':
      return { kind: 'access', token: wire.accessToken ?? '' };
    default:
      fields.fault('session', 'required: session_id, session_token, refresh_token or access_token');
      return { kind: 'id', sessionId: '' };
  }
}

export function deviceOf(fields: Fields, wire: Device__Output | null): Device | null {
  if (wire === null) return null;
  const within = fields.within('device');
  return {
    deviceId: within.text('device_id', wire.deviceId, LIMITS.deviceId),
    name: within.text('name', wire.name, LIMITS.deviceName),
    userAgent: within.text('user_agent', wire.userAgent, LIMITS.userAgent),
    ipAddress: within.text('ip_address', wire.ipAddress, LIMITS.ipAddress),
  };
}

export function actorOf(fields: Fields, wire: Actor__Output | null): Actor | null {
  if (wire === null) return null;
  const within = fields.within('actor');
  return {
    userId: within.requiredText('user_id', wire.userId, LIMITS.userId),
    tenantId: within.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    reason: within.text('reason', wire.reason, LIMITS.actorReason),
  };
}

export function claimsOf(fields: Fields, field: string, wire: Struct__Output | null): string | null {
  return fields.json(field, wire, LIMITS.claims, RESERVED_CLAIMS);
}

export function changeOf(replacement: string | null, patch: string | null): JsonChange | null {
  if (replacement !== null) return { kind: 'replace', json: replacement };
  return patch === null ? null : { kind: 'merge', json: patch };
}

/** The auth_time claim counts from 1970 (OpenID Connect Core 1.0, section 2) and is never negative. */
export function authTimeMs(fields: Fields, wire: Pick<CreateSessionRequest__Output, 'authTime'>): number | null {
  const ms = fields.timeMs('auth_time', wire.authTime);
  if (ms !== null && ms < 0) fields.fault('auth_time', 'must not be before 1970');
  return ms;
}

export function absoluteTimeoutMs(
  fields: Fields,
  wire: Pick<CreateSessionRequest__Output, 'absoluteTimeout'>,
): number | null {
  const ms = fields.durationMs('absolute_timeout', wire.absoluteTimeout);
  if (ms === 0) fields.fault('absolute_timeout', 'must be longer than 0');
  return ms;
}

export function expectedTenant(fields: Fields, wire: { tenantId?: string }): string | null {
  return wire.tenantId === undefined ? null : fields.text('tenant_id', wire.tenantId, LIMITS.tenantId);
}

export function reasonOf(fields: Fields, wire: string | number, unspecified: RevocationReason): RevocationReason {
  if (wire === 'REVOCATION_REASON_UNSPECIFIED') return unspecified;
  return fields.choice('reason', wire, REASONS, unspecified);
}

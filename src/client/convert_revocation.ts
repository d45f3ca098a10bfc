import type { Revocation, RevocationReason, RevocationScope } from '../revocation/revocation.ts';
import type { Timestamp__Output } from '../wire/gen/google/protobuf/Timestamp.ts';
import type { Revocation__Output } from '../wire/gen/sessionauthority/v1/Revocation.ts';
import { timestampToMs } from '../wire/time.ts';

export const REASONS: Readonly<Record<string, RevocationReason>> = {
  REVOCATION_REASON_LOGOUT: 'logout',
  REVOCATION_REASON_ADMIN: 'admin',
  REVOCATION_REASON_CREDENTIAL_CHANGE: 'credential_change',
  REVOCATION_REASON_ACCOUNT_DISABLED: 'account_disabled',
  REVOCATION_REASON_SECURITY: 'security',
  REVOCATION_REASON_SESSION_LIMIT: 'session_limit',
  REVOCATION_REASON_REFRESH_TOKEN_REUSE: 'refresh_token_reuse',
  REVOCATION_REASON_ROTATED: 'rotated',
  REVOCATION_REASON_DEVICE_REPLACED: 'device_replaced',
};

/** Null where its scope is unknown, or missing: nobody can tell what it ends. */
export function toRevocation(wire: Revocation__Output): Revocation | null {
  const scope = scopeOf(wire);
  if (scope === null) return null;
  return {
    scope,
    discardTimeMs: timeMs(wire.discardAfterTime),
    reason: REASONS[wire.reason] ?? 'unspecified',
    revokeTimeMs: timeMs(wire.revokeTime) ?? 0,
  };
}

function scopeOf({ scope, session, user, client, tenant, key, global }: Revocation__Output): RevocationScope | null {
  switch (scope) {
    case 'session':
      return session ? { kind: scope, ...session } : null;
    case 'user':
      return user ? { kind: scope, ...user } : null;
    case 'client':
      return client ? { kind: scope, ...client } : null;
    case 'tenant':
      return tenant ? { kind: scope, ...tenant } : null;
    case 'key':
      return key ? { kind: scope, ...key } : null;
    case 'global':
      return global ? { kind: scope, ...global } : null;
    default:
      return null;
  }
}

function timeMs(wire: Timestamp__Output | null): number | null {
  return wire === null ? null : (timestampToMs(wire) ?? null);
}

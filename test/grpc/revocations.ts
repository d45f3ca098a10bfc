import type { Revocation, RevocationReason, RevocationScope } from '../../src/revocation/revocation.ts';
import type { TokenIdentity } from '../../src/revocation/set.ts';
import { readAccessTokenClaims } from '../../src/token/access_token.ts';
import { claimsOf, ms, present } from './expect.ts';
import type { WireRevocation } from './watcher.ts';

/** A revocation as a verifier keeps it. */
export function fromWire(wire: WireRevocation): Revocation {
  return {
    scope: scopeOf(wire),
    discardTimeMs: wire.discardAfterTime === null ? null : ms(wire.discardAfterTime),
    reason: wire.reason.replace('REVOCATION_REASON_', '').toLowerCase() as RevocationReason,
    revokeTimeMs: ms(wire.revokeTime),
  };
}

/** Says whom a revocation is of; two of the same may differ in their minimum. */
export function nameOf(scope: RevocationScope): string {
  switch (scope.kind) {
    case 'session':
      return `session ${scope.sessionId}`;
    case 'user':
      return `user ${scope.tenantId}/${scope.userId}`;
    case 'client':
      return `client ${scope.tenantId}/${scope.clientId}`;
    case 'tenant':
      return `tenant ${scope.tenantId}`;
    case 'key':
      return `key ${scope.kid}`;
    case 'global':
      return 'global';
  }
}

/** What a verifier reads from an access token, which is not verified here. */
export function identityOf(accessToken: string): TokenIdentity {
  const header = JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  const read = readAccessTokenClaims(claimsOf(accessToken), header.kid);
  if ('fault' in read) throw new Error(`the token's claim ${read.fault} is at fault`);
  return read.claims;
}

function scopeOf({ scope, session, user, client, tenant, key, global }: WireRevocation): RevocationScope {
  switch (scope) {
    case 'session':
      return { kind: scope, ...present(session) };
    case 'user':
      return { kind: scope, ...present(user) };
    case 'client':
      return { kind: scope, ...present(client) };
    case 'tenant':
      return { kind: scope, ...present(tenant) };
    case 'key':
      return { kind: scope, ...present(key) };
    case 'global':
      return { kind: scope, ...present(global) };
    default:
      throw new Error('a revocation without a scope');
  }
}

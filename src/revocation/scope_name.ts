import type { RevocationScope } from './revocation.ts';

/** Of whom a scope is, without what it says of them. */
export type ScopeSubject =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'user'; readonly tenantId: string; readonly userId: string }
  | { readonly kind: 'client'; readonly tenantId: string; readonly clientId: string }
  | { readonly kind: 'tenant'; readonly tenantId: string }
  | { readonly kind: 'key'; readonly kid: string }
  | { readonly kind: 'global' };

/** Two scopes have one name where they are of the same subject. Unambiguous for any ids: the tenant's length comes before it. */
export function scopeName(scope: ScopeSubject | RevocationScope): string {
  switch (scope.kind) {
    case 'session':
      return `s${scope.sessionId}`;
    case 'user':
      return `u${scope.tenantId.length}:${scope.tenantId}${scope.userId}`;
    case 'client':
      return `c${scope.tenantId.length}:${scope.tenantId}${scope.clientId}`;
    case 'tenant':
      return `t${scope.tenantId}`;
    case 'key':
      return `k${scope.kid}`;
    case 'global':
      return 'g';
  }
}

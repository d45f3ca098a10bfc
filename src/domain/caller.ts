import { SessionError } from '../error.ts';

/** Who asks, and whose sessions are its business; what it may do with them has been decided before. */
export interface Caller {
  /** As the operator named it; empty where callers are not told apart. */
  readonly name: string;
  /** Whose sessions it may see, make and end; null = all. */
  readonly tenantIds: readonly string[] | null;
}

/** Whether a tenant is one of the caller's. What is of another looks as if it did not exist. */
export function serves({ tenantIds }: Caller, tenantId: string): boolean {
  return tenantIds === null || tenantIds.includes(tenantId);
}

/** Of what would make or end something in another's tenant, about whose being it tells nothing. */
export function otherTenant(field: string): SessionError {
  return new SessionError('CALLER_NOT_ALLOWED', `${field}: not a tenant of the caller; name one that it was given`);
}

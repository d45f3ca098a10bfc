import type { RevocationReason } from '../revocation/revocation.ts';
import type { Caller } from './caller.ts';
import type { RevokeManyRequest } from './requests.ts';
import type { Actor, Session } from './session.ts';

/** What was done, or refused. */
export type AuditAction =
  | 'session_created'
  | 'session_refreshed'
  /** A spent refresh token came back; the session has been ended. */
  | 'refresh_token_reused'
  | 'session_updated'
  | 'session_rotated'
  | 'session_revoked'
  /** All that a selector names. */
  | 'sessions_revoked'
  /** By the user's limit, or by a new session of the same device. */
  | 'session_evicted'
  | 'denied';

/**
 * Who did what to whose session. Holds no token, key or claim. Users and sessions are named as they are: whatever writes a
 * record puts pseudonyms in their place.
 */
export interface AuditRecord {
  readonly action: AuditAction;
  /** Empty where callers are not told apart, or this one is not known. */
  readonly caller: string;
  readonly tenantId: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly clientId?: string;
  readonly requestId?: string;
  /** Why it was done; of what was denied, the reason that the caller was told. */
  readonly reason?: string;
  /** What was called, where it was denied. */
  readonly rpc?: string;
  /** From where, where nobody known called: an address. */
  readonly peer?: string;
  /** In whose place the caller acts, and why, by its own account. */
  readonly actor?: Actor;
  /** Of a selector: what else than its user, client or tenant had to match, and which session was spared. */
  readonly byDevice?: true;
  readonly exceptSessionId?: string;
  /** ISO 8601. */
  readonly createTimeBefore?: string;
  readonly denyCreateUntil?: string;
  /** Where sessions ended one by one. */
  readonly count?: number;
}

/** What is recorded of one session. */
export function auditOf(
  action: AuditAction,
  caller: Caller,
  session: Pick<Session, 'tenantId' | 'userId' | 'sessionId' | 'clientId'> & { readonly actor: Actor | null },
  more: { readonly requestId: string; readonly reason?: string },
): AuditRecord {
  const { tenantId, userId, sessionId, clientId, actor } = session;
  return {
    action,
    caller: caller.name,
    tenantId,
    ...(userId !== '' && { userId }),
    sessionId,
    clientId,
    ...asked(more.requestId, actor),
    ...(more.reason !== undefined && { reason: more.reason }),
  };
}

/** What is recorded of one that made way for another, of which no more is known than its id. */
export function auditOfEvicted(
  caller: Caller,
  { tenantId, userId, sessionId }: Pick<Session, 'tenantId' | 'userId' | 'sessionId'>,
  { requestId, reason }: { readonly requestId: string; readonly reason: string },
): AuditRecord {
  const { name } = caller;
  return { action: 'session_evicted', caller: name, tenantId, userId, sessionId, ...asked(requestId, null), reason };
}

/** What is recorded where all that a selector names was ended. */
export function auditOfMany(caller: Caller, request: RevokeManyRequest, count: number | null): AuditRecord {
  const { requestId, tenantId, scope, reason, deviceId, exceptSessionId, createTimeBeforeMs, denyCreateUntilMs } =
    request;
  return {
    action: 'sessions_revoked',
    caller: caller.name,
    tenantId,
    ...(scope.kind === 'user' && { userId: scope.userId }),
    ...(scope.kind === 'client' && { clientId: scope.clientId }),
    ...asked(requestId, request.actor),
    ...(deviceId !== '' && { byDevice: true }),
    ...(exceptSessionId !== '' && { exceptSessionId }),
    ...(createTimeBeforeMs !== null && { createTimeBefore: new Date(createTimeBeforeMs).toISOString() }),
    ...(denyCreateUntilMs !== null && { denyCreateUntil: new Date(denyCreateUntilMs).toISOString() }),
    ...(count !== null && { count }),
    reason,
  };
}

/** What is recorded where one session was ended by its id or a credential. */
export function auditOfOne(
  caller: Caller,
  { tenantId, sessionId }: { readonly tenantId: string; readonly sessionId: string },
  {
    requestId,
    reason,
    actor,
  }: { readonly requestId: string; readonly reason: RevocationReason; readonly actor: Actor | null },
): AuditRecord {
  return { action: 'session_revoked', caller: caller.name, tenantId, sessionId, ...asked(requestId, actor), reason };
}

function asked(requestId: string, actor: Actor | null): Pick<AuditRecord, 'requestId' | 'actor'> {
  return { ...(requestId !== '' && { requestId }), ...(actor !== null && { actor }) };
}

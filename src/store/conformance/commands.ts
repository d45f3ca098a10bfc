import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { stampRequest } from '../../domain/request_stamp.ts';
import type { Session, SessionStatus } from '../../domain/session.ts';
import { newSessionId, siblingSessionId } from '../../domain/session_id.ts';
import type {
  CreateCommand,
  EpochScope,
  ListQuery,
  NewSession,
  RaiseCommand,
  RefreshCommand,
  RequestStamp,
  RevokeCommand,
  RotateCommand,
  SessionRecord,
  SessionRef,
  SessionStore,
  UpdateCommand,
} from '../../domain/store.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const ALL_STATES: readonly SessionStatus['state'][] = ['active', 'expired', 'revoked'];

/** Whose session `draft` makes. */
export const USER: EpochScope = { kind: 'user', tenantId: 'acme', userId: 'ann' };
export const CLIENT: EpochScope = { kind: 'client', tenantId: 'acme', clientId: 'web' };
export const TENANT: EpochScope = { kind: 'tenant', tenantId: 'acme' };
export const GLOBAL: EpochScope = { kind: 'global' };

export function userScope(userId: string, tenantId = 'acme'): EpochScope {
  return { kind: 'user', tenantId, userId };
}

function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** A session of `USER` that lives for 30 days and 7 days unused, but for what `change` says. */
export function draft(change: Partial<NewSession> = {}): NewSession {
  const { tenantId = 'acme', userId = 'ann' } = change;
  return {
    sessionId: newSessionId(tenantId, userId),
    tenantId,
    userId,
    clientId: 'web',
    tokenMode: 'pair',
    idleTimeoutMs: 7 * DAY,
    absoluteTimeoutMs: 30 * DAY,
    authTimeMs: null,
    acr: 'silver',
    amr: ['pwd'],
    device: { deviceId: 'phone-1', name: 'Phone', userAgent: 'Browser/1', ipAddress: '192.0.2.1' },
    actor: null,
    audiences: ['api'],
    claims: '{"role":"reader"}',
    data: '{"cart":[1,2]}',
    nonce: newNonce(),
    keyId: 1,
    ...change,
  };
}

export function createCommand(change: Partial<NewSession> = {}, extra: Partial<CreateCommand> = {}): CreateCommand {
  const { tenantId = 'acme', userId = 'ann' } = change;
  // An anonymous session is owned by the request that asks for it.
  const owner = userId === '' ? (extra.request?.key ?? '') : userId;
  const session = draft({ sessionId: newSessionId(tenantId, owner), ...change });
  return { session, request: null, replaceDeviceSessions: false, ...extra };
}

/** Presents the session's refresh token as `session` knows it. */
export function refreshCommand(session: Session, change: Partial<RefreshCommand> = {}): RefreshCommand {
  const { nonce, generation, keyId } = session.credential;
  return {
    sessionId: session.sessionId,
    nonce,
    generation,
    keyId,
    tenantIds: null,
    clientId: null,
    requestId: '',
    requestHash: '',
    device: null,
    claims: null,
    ...change,
  };
}

export function updateCommand(session: Session, change: Partial<UpdateCommand> = {}): UpdateCommand {
  return {
    ref: refTo(session),
    claims: null,
    data: null,
    deviceName: null,
    version: null,
    supersedeAccessTokens: false,
    ...change,
  };
}

export function rotateCommand(session: Session, change: Partial<RotateCommand> = {}): RotateCommand {
  const { userId = '' } = change;
  return {
    ref: refTo(session),
    request: null,
    newSessionId: userId === '' ? siblingSessionId(session.sessionId) : newSessionId(session.tenantId, userId),
    userId,
    authTimeMs: null,
    acr: null,
    amr: null,
    claims: null,
    data: null,
    device: null,
    idleTimeoutMs: null,
    absoluteTimeoutMs: null,
    nonce: newNonce(),
    keyId: 1,
    ...change,
  };
}

export function revokeCommand(session: Session, change: Partial<RevokeCommand> = {}): RevokeCommand {
  return { ref: refTo(session), request: null, reason: 'logout', ...change };
}

export function raiseCommand(scope: EpochScope = USER, change: Partial<RaiseCommand> = {}): RaiseCommand {
  return {
    scope,
    request: null,
    reason: 'admin',
    exceptSessionId: '',
    denyCreateUntilMs: null,
    deviceId: '',
    createTimeBeforeMs: null,
    ...change,
  };
}

export function listQuery(change: Partial<ListQuery> = {}): ListQuery {
  return {
    tenantId: 'acme',
    userId: 'ann',
    clientId: '',
    deviceId: '',
    states: ALL_STATES,
    limit: 1000,
    after: null,
    ...change,
  };
}

/** The same for the same id, RPC and tenant; `content` stands for the rest of the request. */
export function stamp(requestId: string, content = '', tenantId = 'acme'): RequestStamp {
  const made = stampRequest('Test', { name: '', tenantIds: null }, tenantId, requestId, { content });
  assert(made !== null);
  return made;
}

export function refTo(session: Session): SessionRef {
  return { tenantIds: [session.tenantId], sessionId: session.sessionId };
}

/** Narrows an outcome to the kind that the contract asks for here. */
export function ofKind<O extends { readonly kind: string }, K extends O['kind']>(
  outcome: O,
  kind: K,
): O & { readonly kind: K } {
  assert.equal(outcome.kind, kind);
  return outcome as O & { readonly kind: K };
}

/** Creates a session that the contract lets begin. */
export async function begin(store: SessionStore, change: Partial<NewSession> = {}): Promise<Session> {
  return ofKind(await store.create(createCommand(change)), 'created').record.session;
}

export async function recordOf(store: SessionStore, session: Session): Promise<SessionRecord> {
  return ofKind(await store.read({ ...refTo(session), touch: false }), 'found').record;
}

export async function stateOf(store: SessionStore, session: Session): Promise<SessionStatus['state'] | 'unknown'> {
  const outcome = await store.read({ ...refTo(session), touch: false });
  return outcome.kind === 'unknown' ? 'unknown' : outcome.record.status.state;
}

/** The ids of the user's live sessions, newest first. */
export async function liveIds(store: SessionStore, change: Partial<ListQuery> = {}): Promise<readonly string[]> {
  return idsOf(await store.list(listQuery({ states: ['active'], ...change })));
}

export function idsOf(records: readonly SessionRecord[]): readonly string[] {
  return records.map((record) => record.session.sessionId);
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** One after the other, each a second of the store's time after the one before. */
export async function beginInTurn(
  store: SessionStore,
  clock: { ms: number },
  changes: readonly Partial<NewSession>[],
): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const change of changes) {
    clock.ms += SECOND;
    sessions.push(await begin(store, change));
  }
  return sessions;
}

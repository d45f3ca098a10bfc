import { invalidField, SessionError } from '../error.ts';
import type { LogPosition } from '../revocation/log.ts';
import { currentRef, genuineRef } from './handle.ts';
import { CLOCK_SKEW_MS, DEFAULT_CLIENT_ID, LIMITS } from './limits.ts';
import type { AuditRecord, AuthorityParts } from './parts.ts';
import {
  invalidRefreshToken,
  requestReused,
  requestSuperseded,
  reusedRefreshToken,
  sessionEnded,
  sessionLimitReached,
  sessionNotFound,
  userBlocked,
} from './refusals.ts';
import { digestRequest, stampRequest } from './request_stamp.ts';
import type {
  CreateRequest,
  GetRequest,
  ListRequest,
  RefreshRequest,
  RevokeManyRequest,
  RevokeRequest,
  RotateRequest,
  UpdateRequest,
  ValidateRequest,
} from './requests.ts';
import { type Actor, type DeviceChange, deviceChange, type Session, UNKNOWN_DEVICE, versionOf } from './session.ts';
import { newSessionId, siblingSessionId } from './session_id.ts';
import type { Begun, CreateOutcome, RotateOutcome, SessionRecord } from './store.ts';
import { sessionTimeouts } from './timeouts.ts';
import type { Tokens } from './tokens.ts';
import { type Validation, validate } from './validate.ts';

/** A session that was begun, with its holder's tokens. */
export interface BegunSession {
  readonly record: SessionRecord;
  readonly tokens: Tokens;
  readonly endedSessionIds: readonly string[];
  readonly consistencyToken: Buffer | null;
}

/** A session that was refreshed. */
export interface RefreshedSession {
  readonly record: SessionRecord;
  readonly tokens: Tokens;
  /** null where the request described no device. */
  readonly deviceChange: DeviceChange | null;
}

/** One page, newest first. */
export interface SessionPage {
  readonly records: readonly SessionRecord[];
  /** Whether there are more behind the last of `records`. */
  readonly more: boolean;
  /** The token of the page that begins after `last`. */
  readonly tokenAfter: (last: Session) => string;
}

/** The use cases, one method an RPC. Refusals are thrown SessionErrors. */
export class SessionAuthority {
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  async create(request: CreateRequest): Promise<BegunSession> {
    const { store, tokens, rules, now } = this.#parts;
    const { requestId, replaceDeviceSessions, ...asked } = request;
    const { tenantId, userId } = asked;
    this.#checkAuthTime(asked.authTimeMs);
    const outcome = await store.create({
      session: {
        ...asked,
        ...sessionTimeouts(rules, asked, rules),
        ...tokens.newCredential(now()),
        sessionId: newSessionId(tenantId, userId === '' ? requestId : userId),
        clientId: asked.clientId === '' ? DEFAULT_CLIENT_ID : asked.clientId,
        audiences: asked.audiences.length === 0 ? [rules.audience] : asked.audiences,
        claims: asked.claims ?? '{}',
        data: asked.data ?? '{}',
        device: asked.device ?? UNKNOWN_DEVICE,
      },
      request: stampRequest('CreateSession', tenantId, requestId, { ...asked, replaceDeviceSessions }),
      replaceDeviceSessions,
    });
    return this.#begun(outcome);
  }

  async refresh(request: RefreshRequest): Promise<RefreshedSession> {
    const { store, tokens, now, audit } = this.#parts;
    const { requestId, refreshToken, ...asked } = request;
    const token = tokens.parse('sar_', refreshToken);
    if (token === undefined) throw invalidRefreshToken();
    const { sessionId, nonce, generation } = token;
    const requestHash = requestId === '' ? '' : digestRequest({ ...asked, sessionId, generation });
    const keyId = tokens.currentKeyId(now());
    const { tenantId, ...changes } = asked;
    const tenantIds = tenantId === null ? null : [tenantId];
    const presented = { tenantIds, sessionId, nonce, generation, keyId, requestId, requestHash };
    const outcome = await store.refresh({ ...changes, ...presented });
    switch (outcome.kind) {
      case 'rotated':
      case 'replayed':
        return {
          record: outcome.record,
          tokens: tokens.issue(outcome.record.session, outcome.nowMs),
          deviceChange: deviceChange(outcome.previousDevice, request.device),
        };
      case 'reused':
        audit({
          action: 'refresh_token_reused',
          tenantId: outcome.tenantId,
          sessionId,
          reason: 'refresh_token_reuse',
        });
        throw reusedRefreshToken();
      case 'request_reused':
        throw requestReused();
      case 'expired':
      case 'revoked':
      case 'unknown':
        throw invalidRefreshToken();
    }
  }

  /** @param deadlineMs until when the caller waits (this process's clock) */
  validate(request: ValidateRequest, deadlineMs: number): Promise<Validation> {
    return validate(this.#parts, request, deadlineMs);
  }

  async get({ tenantId, handle }: GetRequest): Promise<SessionRecord> {
    const ref = genuineRef(this.#parts, tenantId, handle);
    const outcome = ref === undefined ? undefined : await this.#parts.store.read({ ...ref, touch: false });
    if (outcome?.kind !== 'found') throw sessionNotFound();
    return outcome.record;
  }

  async list({ pageSize, pageToken, ...query }: ListRequest): Promise<SessionPage> {
    const { store, pageTokens } = this.#parts;
    const after = pageToken === '' ? null : pageTokens.parse(query, pageToken);
    const records = await store.list({ ...query, limit: pageSize + 1, after });
    return {
      records: records.slice(0, pageSize),
      more: records.length > pageSize,
      tokenAfter: (last) => pageTokens.format(query, last),
    };
  }

  async update(request: UpdateRequest): Promise<{ record: SessionRecord; consistencyToken: Buffer | null }> {
    const { tenantId, handle, etag, ...changes } = request;
    const ref = currentRef(this.#parts, tenantId, handle);
    if (ref === undefined) throw sessionNotFound();
    const version = etag === '' ? null : versionOf(etag);
    const outcome = await this.#parts.store.update({ ...changes, ref, version });
    switch (outcome.kind) {
      case 'updated':
        return { record: outcome.record, consistencyToken: this.#consistencyToken(outcome.head) };
      case 'etag_mismatch':
        throw new SessionError('ETAG_MISMATCH', 'etag: the session has changed since; read it and try again');
      case 'too_large':
        throw invalidField(
          `merge_${outcome.field}`,
          `the result is larger than ${LIMITS[outcome.field]} bytes of JSON`,
        );
      case 'ended':
        throw sessionEnded();
      case 'unknown':
        throw sessionNotFound();
    }
  }

  async rotate(request: RotateRequest): Promise<BegunSession> {
    const { store, tokens, rules, now } = this.#parts;
    const { requestId, tenantId, handle, ...asked } = request;
    this.#checkAuthTime(asked.authTimeMs);
    const ref = currentRef(this.#parts, tenantId, handle);
    if (ref === undefined) throw sessionNotFound();
    const { sessionId } = ref;
    const outcome = await store.rotate({
      ...asked,
      ...sessionTimeouts(rules, asked, { idleTimeoutMs: null, absoluteTimeoutMs: null }),
      ...tokens.newCredential(now()),
      ref,
      request: stampRequest('RotateSession', tenantId, requestId, { ...asked, sessionId }),
      newSessionId: asked.userId === '' ? siblingSessionId(sessionId) : newSessionId(tenantId, asked.userId),
    });
    return this.#begun(outcome);
  }

  async revoke(request: RevokeRequest): Promise<{ revoked: boolean; consistencyToken: Buffer | null }> {
    const { requestId, tenantId, handle, reason, actor } = request;
    const ref = genuineRef(this.#parts, tenantId, handle);
    if (ref === undefined) return { revoked: false, consistencyToken: null };
    const { sessionId } = ref;
    const stamp = stampRequest('RevokeSession', tenantId, requestId, { sessionId, reason, actor });
    const outcome = await this.#parts.store.revoke({ ref, request: stamp, reason });
    if (outcome.kind === 'request_reused') throw requestReused();
    if (outcome.revoked && !outcome.repeated) {
      this.#parts.audit({ action: 'session_revoked', tenantId, sessionId, reason, ...auditActor(actor) });
    }
    return { revoked: outcome.revoked, consistencyToken: this.#consistencyToken(outcome.head) };
  }

  async revokeMany(request: RevokeManyRequest): Promise<{ count: number | null; consistencyToken: Buffer | null }> {
    const { store, audit } = this.#parts;
    const { requestId, tenantId, scope, dryRun, actor, ...selector } = request;
    const stamp = stampRequest('RevokeSessions', tenantId, requestId, { scope, actor, ...selector });
    const command = { ...selector, scope: { ...scope, tenantId }, request: stamp };
    const outcome = dryRun ? await store.count(command) : await store.raise(command);
    switch (outcome.kind) {
      case 'counted':
        return { count: outcome.count, consistencyToken: null };
      case 'done':
        if (!outcome.repeated) audit(auditOfMany(request, outcome.count));
        return { count: outcome.count, consistencyToken: this.#consistencyToken(outcome.head) };
      case 'request_reused':
        throw requestReused();
      case 'except_unknown':
        throw new SessionError(
          'SESSION_NOT_FOUND',
          'except_session_id: no such session of the user; nothing has ended',
        );
      case 'except_ended':
        throw new SessionError('SESSION_STATE', 'except_session_id: that session has ended already; nothing else has');
    }
  }

  #checkAuthTime(authTimeMs: number | null): void {
    if ((authTimeMs ?? 0) > this.#parts.now() + CLOCK_SKEW_MS) throw invalidField('auth_time', 'lies in the future');
  }

  #begun(outcome: CreateOutcome | RotateOutcome): BegunSession {
    switch (outcome.kind) {
      case 'created':
      case 'rotated':
        this.#auditDisplaced(outcome);
        return this.#answer(outcome);
      case 'repeated':
        return this.#answer(outcome);
      case 'request_reused':
        throw requestReused();
      case 'superseded':
        throw requestSuperseded();
      case 'blocked':
        throw userBlocked();
      case 'limit':
        throw sessionLimitReached();
      case 'ended':
        throw sessionEnded();
      case 'timeout_passed':
        throw invalidField('absolute_timeout', 'counts from create_time, and would have passed already');
      case 'other_user':
        throw new SessionError('SESSION_STATE', 'user_id: the session has another user; open a new session');
      case 'unknown':
        throw sessionNotFound();
    }
  }

  #answer({ record, nowMs, endedSessionIds, head }: Begun): BegunSession {
    const tokens = this.#parts.tokens.issue(record.session, nowMs);
    return { record, tokens, endedSessionIds, consistencyToken: this.#consistencyToken(head) };
  }

  #auditDisplaced({ record, endedSessionIds }: Begun): void {
    if (endedSessionIds.length === 0) return;
    const { tenantId, userId, sessionId } = record.session;
    this.#parts.audit({ action: 'sessions_displaced', tenantId, userId, sessionId, endedSessionIds });
  }

  #consistencyToken(head: LogPosition | null): Buffer | null {
    return head === null ? null : this.#parts.consistencyTokens.format(head);
  }
}

function auditOfMany(request: RevokeManyRequest, count: number | null): AuditRecord {
  const { tenantId, scope, reason, deviceId, exceptSessionId, createTimeBeforeMs, denyCreateUntilMs } = request;
  return {
    action: 'sessions_revoked',
    tenantId,
    ...(scope.kind === 'user' && { userId: scope.userId }),
    ...(scope.kind === 'client' && { clientId: scope.clientId }),
    ...(deviceId !== '' && { deviceId }),
    ...(exceptSessionId !== '' && { exceptSessionId }),
    ...(createTimeBeforeMs !== null && { createTimeBefore: new Date(createTimeBeforeMs).toISOString() }),
    ...(denyCreateUntilMs !== null && { denyCreateUntil: new Date(denyCreateUntilMs).toISOString() }),
    ...(count !== null && { count }),
    reason,
    ...auditActor(request.actor),
  };
}

function auditActor(actor: Actor | null): Pick<AuditRecord, 'actorUserId' | 'actorReason'> {
  return actor === null ? {} : { actorUserId: actor.userId, actorReason: actor.reason };
}

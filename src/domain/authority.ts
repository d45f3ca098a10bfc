import { invalidField, SessionError } from '../error.ts';
import type { LogPosition } from '../revocation/log.ts';
import { auditOf, auditOfEvicted, auditOfMany, auditOfOne } from './audit.ts';
import { type Caller, otherTenant, serves } from './caller.ts';
import { currentRef, genuineRef } from './handle.ts';
import { CLOCK_SKEW_MS, DEFAULT_CLIENT_ID, LIMITS } from './limits.ts';
import type { AuthorityParts } from './parts.ts';
import { foreignPageToken } from './page_token.ts';
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
import { digestRequest, stampRefresh, stampRequest } from './request_stamp.ts';
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
import { type DeviceChange, deviceChange, type Session, UNKNOWN_DEVICE, versionOf } from './session.ts';
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

/**
 * The use cases, one method an RPC. Refusals are thrown SessionErrors. Each keeps to the caller's tenants: what is of another
 * looks exactly as if there were no such thing.
 */
export class SessionAuthority {
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  async create(request: CreateRequest, caller: Caller): Promise<BegunSession> {
    const { store, tokens, rules, now } = this.#parts;
    const { requestId, replaceDeviceSessions, ...asked } = request;
    const { tenantId, userId } = asked;
    if (!serves(caller, tenantId)) throw otherTenant('tenant_id');
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
      request: stampRequest('CreateSession', caller, tenantId, requestId, { ...asked, replaceDeviceSessions }),
      replaceDeviceSessions,
    });
    const begun = this.#begun(outcome);
    if (outcome.kind === 'created') {
      const { session } = begun.record;
      this.#parts.audit(auditOf('session_created', caller, session, { requestId }));
      const reason = replaceDeviceSessions ? 'session_limit or device_replaced' : 'session_limit';
      this.#auditEvicted(caller, begun, { requestId, reason });
    }
    return begun;
  }

  async refresh(request: RefreshRequest, caller: Caller): Promise<RefreshedSession> {
    const { store, tokens, now, audit } = this.#parts;
    const { requestId, refreshToken, tenantId, ...asked } = request;
    const token = tokens.parse('sar_', refreshToken);
    if (token === undefined || !this.#sees(caller, 'RefreshSession', tenantId)) throw invalidRefreshToken();
    const { sessionId, nonce, generation } = token;
    const requestHash = requestId === '' ? '' : digestRequest({ ...asked, tenantId, sessionId, generation });
    const outcome = await store.refresh({
      ...asked,
      tenantIds: tenantId === null ? caller.tenantIds : [tenantId],
      sessionId,
      nonce,
      generation,
      keyId: tokens.currentKeyId(now()),
      requestId: stampRefresh(caller, requestId),
      requestHash,
    });
    switch (outcome.kind) {
      case 'rotated':
      case 'replayed':
        audit(
          auditOf('session_refreshed', caller, outcome.record.session, {
            requestId,
            ...(outcome.kind === 'replayed' && { reason: 'replayed' }),
          }),
        );
        return {
          record: outcome.record,
          tokens: tokens.issue(outcome.record.session, outcome.nowMs),
          deviceChange: deviceChange(outcome.previousDevice, request.device),
        };
      case 'reused':
        audit({
          action: 'refresh_token_reused',
          caller: caller.name,
          tenantId: outcome.tenantId,
          sessionId,
          ...(requestId !== '' && { requestId }),
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

  /**
   * Answers at once where nothing is waited for.
   *
   * @param deadlineMs until when the caller waits (this process's clock)
   */
  validate(request: ValidateRequest, caller: Caller, deadlineMs: number): Validation | Promise<Validation> {
    return validate(this.#parts, request, caller, deadlineMs);
  }

  async get({ tenantId, handle }: GetRequest, caller: Caller): Promise<SessionRecord> {
    const isSeen = this.#sees(caller, 'GetSession', tenantId);
    const ref = isSeen ? genuineRef(this.#parts, tenantId, handle) : undefined;
    const outcome = ref === undefined ? undefined : await this.#parts.store.read({ ...ref, touch: false });
    if (outcome?.kind !== 'found') throw sessionNotFound();
    return outcome.record;
  }

  async list({ pageSize, pageToken, ...query }: ListRequest, caller: Caller): Promise<SessionPage> {
    const { store, pageTokens } = this.#parts;
    const isSeen = this.#sees(caller, 'ListSessions', query.tenantId);
    if (!isSeen && pageToken !== '') throw foreignPageToken();
    const after = pageToken === '' ? null : pageTokens.parse(query, pageToken);
    const records = isSeen ? await store.list({ ...query, limit: pageSize + 1, after }) : [];
    return {
      records: records.slice(0, pageSize),
      more: records.length > pageSize,
      tokenAfter: (last) => pageTokens.format(query, last),
    };
  }

  async update(
    request: UpdateRequest,
    caller: Caller,
  ): Promise<{ record: SessionRecord; consistencyToken: Buffer | null }> {
    const { tenantId, handle, etag, ...changes } = request;
    const isSeen = this.#sees(caller, 'UpdateSession', tenantId);
    const ref = isSeen ? currentRef(this.#parts, tenantId, handle) : undefined;
    if (ref === undefined) throw sessionNotFound();
    const version = etag === '' ? null : versionOf(etag);
    const outcome = await this.#parts.store.update({ ...changes, ref, version });
    switch (outcome.kind) {
      case 'updated':
        this.#parts.audit(auditOf('session_updated', caller, outcome.record.session, { requestId: '' }));
        return { record: outcome.record, consistencyToken: this.#consistencyToken(outcome.head, tenantId) };
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

  async rotate(request: RotateRequest, caller: Caller): Promise<BegunSession> {
    const { store, tokens, rules, now } = this.#parts;
    const { requestId, tenantId, handle, ...asked } = request;
    this.#checkAuthTime(asked.authTimeMs);
    const isSeen = this.#sees(caller, 'RotateSession', tenantId);
    const ref = isSeen ? currentRef(this.#parts, tenantId, handle) : undefined;
    if (ref === undefined) throw sessionNotFound();
    const { sessionId } = ref;
    const outcome = await store.rotate({
      ...asked,
      ...sessionTimeouts(rules, asked, { idleTimeoutMs: null, absoluteTimeoutMs: null }),
      ...tokens.newCredential(now()),
      ref,
      request: stampRequest('RotateSession', caller, tenantId, requestId, { ...asked, sessionId }),
      newSessionId: asked.userId === '' ? siblingSessionId(sessionId) : newSessionId(tenantId, asked.userId),
    });
    const begun = this.#begun(outcome);
    if (outcome.kind === 'rotated') {
      this.#parts.audit(auditOf('session_rotated', caller, { ...begun.record.session, sessionId }, { requestId }));
      this.#parts.audit(auditOf('session_created', caller, begun.record.session, { requestId, reason: 'rotated' }));
      const evicted = begun.endedSessionIds.filter((ended) => ended !== sessionId);
      this.#auditEvicted(caller, { ...begun, endedSessionIds: evicted }, { requestId, reason: 'session_limit' });
    }
    return begun;
  }

  async revoke(request: RevokeRequest, caller: Caller): Promise<{ revoked: boolean; consistencyToken: Buffer | null }> {
    const { requestId, tenantId, handle, reason, actor } = request;
    const isSeen = this.#sees(caller, 'RevokeSession', tenantId);
    const ref = isSeen ? genuineRef(this.#parts, tenantId, handle) : undefined;
    if (ref === undefined) return { revoked: false, consistencyToken: null };
    const { sessionId } = ref;
    const stamp = stampRequest('RevokeSession', caller, tenantId, requestId, { sessionId, reason, actor });
    const outcome = await this.#parts.store.revoke({ ref, request: stamp, reason });
    if (outcome.kind === 'request_reused') throw requestReused();
    if (outcome.revoked && !outcome.repeated) {
      this.#parts.audit(auditOfOne(caller, { tenantId, sessionId }, request));
    }
    return { revoked: outcome.revoked, consistencyToken: this.#consistencyToken(outcome.head, tenantId) };
  }

  async revokeMany(
    request: RevokeManyRequest,
    caller: Caller,
  ): Promise<{ count: number | null; consistencyToken: Buffer | null }> {
    const { store, audit } = this.#parts;
    const { requestId, tenantId, scope, dryRun, actor, ...selector } = request;
    // To one who asks for an end, "there was nothing to end" would be a lie.
    if (!serves(caller, tenantId)) throw otherTenant('tenant_id');
    const stamp = stampRequest('RevokeSessions', caller, tenantId, requestId, { scope, actor, ...selector });
    const command = { ...selector, scope: { ...scope, tenantId }, request: stamp };
    const outcome = dryRun ? await store.count(command) : await store.raise(command);
    switch (outcome.kind) {
      case 'counted':
        return { count: outcome.count, consistencyToken: null };
      case 'done':
        if (!outcome.repeated) audit(auditOfMany(caller, request, outcome.count));
        return { count: outcome.count, consistencyToken: this.#consistencyToken(outcome.head, tenantId) };
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
    return { record, tokens, endedSessionIds, consistencyToken: this.#consistencyToken(head, record.session.tenantId) };
  }

  /** Whether a tenant is one of the caller's. That one of another was asked for is recorded, and told nobody. */
  #sees(caller: Caller, rpc: string, tenantId: string | null): boolean {
    if (tenantId === null || serves(caller, tenantId)) return true;
    this.#parts.audit({ action: 'denied', caller: caller.name, tenantId, rpc, reason: 'CALLER_NOT_ALLOWED' });
    return false;
  }

  #auditEvicted(
    caller: Caller,
    { record, endedSessionIds }: BegunSession,
    more: { readonly requestId: string; readonly reason: string },
  ): void {
    for (const sessionId of endedSessionIds) {
      this.#parts.audit(auditOfEvicted(caller, { ...record.session, sessionId }, more));
    }
  }

  #consistencyToken(head: LogPosition | null, tenantId: string): Buffer | null {
    return head === null ? null : this.#parts.consistencyTokens.format(head, tenantId);
  }
}

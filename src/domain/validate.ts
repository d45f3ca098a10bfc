import { SessionError } from '../error.ts';
import type { VerifiedToken } from '../token/verify.ts';
import { CONSISTENCY_WAIT_MS, STORE_DEADLINE_MS } from './limits.ts';
import { type Caller, serves } from './caller.ts';
import type { AuthorityParts } from './parts.ts';
import type { ValidateRequest } from './requests.ts';
import {
  type Actor,
  type DeviceChange,
  deviceChange,
  expireTimeMs,
  type SessionStatus,
  touchIntervalMs,
} from './session.ts';
import type { SessionRecord } from './store.ts';

type ValidToken = Exclude<VerifiedToken, { kind: 'invalid' }>['claims'];

/** Of whom a credential is, and until when it is good. */
interface Subject {
  readonly sessionId: string;
  readonly tenantId: string;
  /** Empty for an anonymous session. */
  readonly userId: string;
  readonly clientId: string;
  readonly expireTimeMs: number;
  readonly authTimeMs: number;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly actor: Actor | null;
  /** As JSON text or value, where they were asked for. */
  readonly claims: string | Readonly<Record<string, unknown>> | null;
}

/** Whether a credential is good, and why not. An invalid one tells nothing else. */
export type Validation =
  | { readonly kind: 'invalid' }
  | {
      readonly kind: 'active' | 'expired' | 'revoked' | 'superseded';
      /** Of the access token: the same object for one that was seen before. Null where the credential is none. */
      readonly token: ValidToken | null;
      readonly subject: Subject;
      /** Where the store was read and the session asked for. */
      readonly record: SessionRecord | null;
      /** Where the store was read and the request described a device. */
      readonly deviceChange: DeviceChange | null;
      readonly reusableUntilMs: number;
      readonly stalenessMs: number;
    };

type KnownValidation = Exclude<Validation, { kind: 'invalid' }>;

const INVALID: Validation = { kind: 'invalid' };

/** Validates one credential, at once where nothing is waited for. `deadlineMs` bounds the wait for a consistency token. */
export function validate(
  parts: AuthorityParts,
  request: ValidateRequest,
  caller: Caller,
  deadlineMs: number,
): Validation | Promise<Validation> {
  const { consistencyToken } = request;
  if (consistencyToken === null) return validateNow(parts, request, caller);
  return catchUp(parts, consistencyToken, caller, deadlineMs).then(() => validateNow(parts, request, caller));
}

function validateNow(
  parts: AuthorityParts,
  request: ValidateRequest,
  caller: Caller,
): Validation | Promise<Validation> {
  return request.credential.kind === 'access'
    ? validateAccess(parts, request, caller)
    : validateSession(parts, request, caller);
}

async function catchUp(parts: AuthorityParts, token: Uint8Array, caller: Caller, deadlineMs: number): Promise<void> {
  const position = parts.consistencyTokens.parse(token, caller);
  const waitUntilMs = Math.min(deadlineMs, Date.now() + CONSISTENCY_WAIT_MS);
  if (await parts.consistencyWaits.within(caller, () => parts.feed.waitFor(position, waitUntilMs))) return;
  throw new SessionError('NOT_CAUGHT_UP', 'consistency_token: not applied here yet; try again or ask for STRONG');
}

function validateAccess(
  parts: AuthorityParts,
  request: ValidateRequest,
  caller: Caller,
): Validation | Promise<Validation> {
  const verified = parts.verifier.verify(request.credential.token);
  if (verified.kind === 'invalid') return INVALID;
  const { claims } = verified;
  if (!serves(caller, claims.tenantId)) return INVALID;
  if (request.tenantId !== null && claims.tenantId !== request.tenantId) return INVALID;
  if (request.audience !== '' && !claims.audiences.includes(request.audience)) return INVALID;

  // Where nothing is known of how far this instance lags behind, it asks the store.
  const lagMs = request.strong || request.includeSession ? Infinity : parts.feed.freshen();
  const readsStore = lagMs === Infinity;
  const stalenessMs = readsStore ? 0 : checkedStaleness(lagMs, request);
  const local = verified.kind === 'expired' ? 'expired' : LOCAL_KINDS[parts.feed.check(claims)];
  const known: KnownValidation = {
    kind: local,
    token: claims,
    subject: subjectOfToken(claims, request.includeClaims),
    record: null,
    deviceChange: null,
    reusableUntilMs: claims.expiresAtS * 1000,
    stalenessMs,
  };
  if (!readsStore || (isFinal(known) && !request.includeSession)) return known;
  return validateInStore(parts, request, claims, known);
}

/** What has ended stays ended, whatever the store says. */
function isFinal({ kind }: KnownValidation): boolean {
  return kind === 'expired' || kind === 'revoked';
}

async function validateInStore(
  { store }: AuthorityParts,
  { includeSession, device }: ValidateRequest,
  { tenantId, sessionId, version }: ValidToken,
  known: KnownValidation,
): Promise<Validation> {
  const outcome = await store.read({ tenantIds: [tenantId], sessionId, touch: false });
  if (outcome.kind === 'unknown') return isFinal(known) ? known : INVALID;
  const { record } = outcome;
  return {
    ...known,
    kind: isFinal(known) ? known.kind : strongKind(record, version),
    record: includeSession ? record : null,
    deviceChange: deviceChange(record.session.device, device),
  };
}

const LOCAL_KINDS = { good: 'active', revoked: 'revoked', superseded: 'superseded' } as const;

function checkedStaleness(stalenessMs: number, request: ValidateRequest): number {
  if (stalenessMs <= request.maxStalenessMs) return stalenessMs;
  throw new SessionError('NOT_CAUGHT_UP', 'this instance lags behind the store; try again or ask for STRONG');
}

function strongKind({ session, status }: SessionRecord, version: number): SessionStatus['state'] | 'superseded' {
  if (status.state !== 'active') return status.state;
  return version < session.minVersion ? 'superseded' : 'active';
}

async function validateSession(parts: AuthorityParts, request: ValidateRequest, caller: Caller): Promise<Validation> {
  const { tenantId } = request;
  const token = parts.tokens.parse('sas_', request.credential.token);
  if (token === undefined || (tenantId !== null && !serves(caller, tenantId))) return INVALID;
  const { sessionId, nonce } = token;
  const outcome = await parts.store.read({
    tenantIds: tenantId === null ? caller.tenantIds : [tenantId],
    sessionId,
    proof: { nonce, ...(request.audience === '' ? {} : { audience: request.audience }) },
    touch: request.touch,
  });
  if (outcome.kind === 'unknown') return INVALID;
  const { record, nowMs } = outcome;
  const { session, status } = record;
  return {
    kind: status.state,
    token: null,
    subject: subjectOfSession(record, request.includeClaims),
    record: request.includeSession ? record : null,
    deviceChange: deviceChange(session.device, request.device),
    reusableUntilMs: reusableUntilMs(parts, record, nowMs),
    stalenessMs: 0,
  };
}

/**
 * An answer may be reused until use has to slide the idle timeout again, and never for longer than
 * an access token would live: a revocation is remembered that long.
 */
function reusableUntilMs({ rules, feed }: AuthorityParts, { session }: SessionRecord, nowMs: number): number {
  const { accessTokenTtlMs } = rules;
  // A revocation that is numbered, but whose commit still waits for a standby, would be forgotten before the answer is.
  if (feed.freshen() > STORE_DEADLINE_MS) return nowMs;
  const unslidMs = session.idleTimeoutMs === 0 ? accessTokenTtlMs : touchIntervalMs(session, rules.touchIntervalMs);
  return Math.min(nowMs + Math.min(accessTokenTtlMs, unslidMs), expireTimeMs(session));
}

function subjectOfToken(claims: ValidToken, includeClaims: boolean): Subject {
  const { sessionId, tenantId, subject, clientId, expiresAtS, authTimeS, acr, amr, actor } = claims;
  return {
    sessionId,
    tenantId,
    userId: subject === sessionId ? '' : subject,
    clientId,
    expireTimeMs: expiresAtS * 1000,
    authTimeMs: authTimeS * 1000,
    acr,
    amr,
    actor: actor === null ? null : { ...actor, reason: '' },
    claims: includeClaims ? claims.claims : null,
  };
}

function subjectOfSession({ session }: SessionRecord, includeClaims: boolean): Subject {
  const { sessionId, tenantId, userId, clientId, authTimeMs, acr, amr, actor, claims } = session;
  const expiry = expireTimeMs(session);
  return {
    sessionId,
    tenantId,
    userId,
    clientId,
    expireTimeMs: expiry,
    authTimeMs,
    acr,
    amr,
    actor,
    claims: includeClaims ? claims : null,
  };
}

import { randomBytes } from 'node:crypto';
import {
  ANNOUNCE_AHEAD_MS,
  CLOCK_SKEW_MS,
  LOOK_AGAIN_MS,
  REQUEST_RETENTION_MS,
  STORE_DEADLINE_MS,
} from '../../domain/limits.ts';
import {
  type Epochs,
  expireTimeMs,
  type Session,
  type SessionStatus,
  statusOf,
  subjectOf,
} from '../../domain/session.ts';
import type { RequestStamp, SessionRecord, SessionRef } from '../../domain/store.ts';
import type { StoreRules } from '../../domain/store_rules.ts';
import type { LogPosition } from '../../revocation/log.ts';
import type { Generations, RevocationReason, RevocationScope } from '../../revocation/revocation.ts';
import type { EpochKey, EpochRecord, Engine, LifetimeKind, RequestRecord, Tables } from './tables.ts';

/** One atomic step: the tables, the store's time at which it runs, and the rules that it obeys. */
export interface Step {
  readonly tables: Tables;
  readonly nowMs: number;
  readonly rules: StoreRules;
  readonly engine: Engine;
  /** The epoch records that the step has looked up: those of one user's sessions are the same few. */
  readonly epochs: Map<string, EpochRecord | undefined>;
  /** The ids of the sessions of which the row told that they are below no minimum. */
  readonly meetingMinima: Set<string>;
}

/** The record as it stands in this step; undefined = never raised. */
export function epochRecord(step: Step, key: EpochKey): EpochRecord | undefined {
  const name = JSON.stringify([key.scope, key.tenantId, key.subject]);
  if (!step.epochs.has(name)) step.epochs.set(name, step.tables.epoch(key));
  return step.epochs.get(name);
}

export function putEpochRecord(step: Step, key: EpochKey, record: EpochRecord): void {
  step.tables.putEpoch(key, record);
  step.epochs.clear();
  step.meetingMinima.clear();
}

/** The keys of the epochs that bind a session, in the order of its generations. */
export function epochKeys(session: {
  tenantId: string;
  userId: string;
  sessionId: string;
  clientId: string;
}): EpochKey[] {
  return [
    { scope: 'user', tenantId: session.tenantId, subject: subjectOf(session) },
    { scope: 'client', tenantId: session.tenantId, subject: session.clientId },
    { scope: 'tenant', tenantId: session.tenantId, subject: '' },
    { scope: 'global', tenantId: '', subject: '' },
  ];
}

const NO_EPOCHS: Epochs = [undefined, undefined, undefined, undefined];

/** The epochs that may end it. */
function epochsOf(step: Step, session: Session): Epochs {
  if (step.meetingMinima.has(session.sessionId)) return NO_EPOCHS;
  const [user, client, tenant, global] = epochKeys(session).map((key) => epochRecord(step, key)?.epoch ?? undefined);
  return [user, client, tenant, global];
}

/** The minima under which a session that begins now is created; an absent record reads as the store's birth. */
export function currentGenerations(
  step: Step,
  session: { tenantId: string; userId: string; sessionId: string; clientId: string },
): Generations {
  const [user = 0, client = 0, tenant = 0, global = 0] = epochKeys(session).map((key) => minimum(step, key));
  const [lastUser, lastClient, lastTenant, lastGlobal] = lastGenerations;
  if (user !== lastUser || client !== lastClient || tenant !== lastTenant || global !== lastGlobal) {
    lastGenerations = [user, client, tenant, global];
  }
  return lastGenerations;
}

/** Most sessions have the same, and share them in memory. */
let lastGenerations: Generations = [0, 0, 0, 0];

export function minimum(step: Step, key: EpochKey): number {
  return epochRecord(step, key)?.epoch?.minGeneration ?? step.engine.birthTimeMs;
}

export function status(step: Step, session: Session): SessionStatus {
  return statusOf(session, epochsOf(step, session), step.nowMs);
}

export function record(step: Step, session: Session): SessionRecord {
  return { session, status: status(step, session) };
}

/** The session that a reference names; undefined where it is unknown, purged, another tenant's, or not proven. */
export function find(step: Step, ref: SessionRef): Session | undefined {
  const session = findKept(step, ref);
  return session === undefined || isPurged(step, record(step, session)) ? undefined : session;
}

export function storedSession(step: Step, sessionId: string): Session | undefined {
  const stored = step.tables.session(sessionId);
  if (stored?.meetsMinima === true) step.meetingMinima.add(sessionId);
  return stored?.session;
}

/** The same, but also a session that is past its retention and not swept yet: requests are found through it. */
export function findKept(step: Step, ref: SessionRef): Session | undefined {
  const session = storedSession(step, ref.sessionId);
  if (session === undefined) return undefined;
  if (ref.tenantIds !== null && !ref.tenantIds.includes(session.tenantId)) return undefined;
  const { nonce, generation, version, audience } = ref.proof ?? {};
  if (nonce !== undefined && nonce !== session.credential.nonce) return undefined;
  if (generation !== undefined && generation < session.credential.generation) return undefined;
  if (version !== undefined && version < session.minVersion) return undefined;
  if (audience !== undefined && !session.audiences.includes(audience)) return undefined;
  return session;
}

/**
 * Keeps the invariant that no token outlives the discard time of an entry that ends it: before a
 * token of this lifetime is issued, the store knows that the lifetime is in force.
 */
export function announceLifetime(step: Step, kind: LifetimeKind, lifetimeMs: number): void {
  if (isAnnounced(step, kind, lifetimeMs)) return;
  step.tables.putLifetime(kind, lifetimeMs, step.nowMs + lifetimeMs + CLOCK_SKEW_MS + ANNOUNCE_AHEAD_MS);
}

/** Whether the store knows that the lifetime is in force for what is issued now. */
export function isAnnounced(step: Step, kind: LifetimeKind, lifetimeMs: number): boolean {
  return step.tables.lifetimeInForceUntilMs(kind, lifetimeMs) >= step.nowMs + lifetimeMs + CLOCK_SKEW_MS;
}

/** After this time nothing is accepted that a revocation numbered now ends. */
export function discardTimeMs(step: Step): number {
  const lifetime = Math.max(step.rules.accessTokenTtlMs, step.tables.longestLifetimeMs('access_token', step.nowMs));
  return step.nowMs + lifetime + 2 * CLOCK_SKEW_MS + STORE_DEADLINE_MS;
}

/** Appends to the log within the step that changes the state. */
export function appendRevocation(step: Step, scope: RevocationScope, reason: RevocationReason): LogPosition {
  const previous = step.tables.logHead();
  const position = previous.position + 1;
  const tag = randomBytes(8).toString('hex');
  step.tables.appendLog({
    partition: 0,
    position,
    tag,
    previousTag: previous.tag,
    revocation: { scope, reason, revokeTimeMs: step.nowMs, discardTimeMs: discardTimeMs(step) },
  });
  return { partition: 0, position, tag };
}

/** Ends one session: the row and the log together. */
export function endSession(step: Step, session: Session, reason: RevocationReason): LogPosition {
  const purgeTimeMs = step.nowMs + step.rules.endedSessionRetentionMs;
  step.tables.revokeSession(session.sessionId, { timeMs: step.nowMs, reason }, purgeTimeMs);
  const { tenantId, sessionId } = session;
  return appendRevocation(step, { kind: 'session', tenantId, sessionId, minVersion: 0 }, reason);
}

/** When the sweeper looks at a session: once it can be purged, or else now and then. */
export function purgeTimeMs(step: Step, { session, status }: SessionRecord): number {
  const endTimeMs = status.state === 'active' ? expireTimeMs(session) : status.timeMs;
  return Math.min(endTimeMs + step.rules.endedSessionRetentionMs, step.nowMs + LOOK_AGAIN_MS);
}

/** Whether an ended session is past its retention: it is unknown from then on, swept or not. */
export function isPurged(step: Step, { status }: SessionRecord): boolean {
  return status.state !== 'active' && status.timeMs + step.rules.endedSessionRetentionMs <= step.nowMs;
}

/** A request id belongs to its RPC and tenant (both in the stamp's key) and to the session's subject. */
export function requestKey(request: RequestStamp, subject: string): string {
  return `${request.key}:${subject}`;
}

/** Keeps the row of a session that has just ended: a repeat of the request that ended it finds its record through it. */
export function keepForRequest(step: Step, sessionId: string): void {
  const keptMs = Math.max(step.rules.endedSessionRetentionMs, REQUEST_RETENTION_MS);
  step.tables.setPurgeTime(sessionId, step.nowMs + keptMs);
}

/** What was done under the request before; null where it is new or came without an id. */
export function earlierRequest(
  step: Step,
  request: RequestStamp | null,
  subject: string,
): RequestRecord | { readonly kind: 'request_reused' } | null {
  if (request === null) return null;
  const earlier = step.tables.request(requestKey(request, subject));
  if (earlier === undefined || earlier.expireTimeMs <= step.nowMs) return null;
  return earlier.requestHash === request.hash ? earlier : { kind: 'request_reused' };
}

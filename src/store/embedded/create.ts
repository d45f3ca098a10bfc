import { REQUEST_RETENTION_MS } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import type { CreateCommand, CreateOutcome, NewSession, RequestStamp } from '../../domain/store.ts';
import type { SessionLimit } from '../../domain/store_rules.ts';
import type { LogPosition } from '../../revocation/log.ts';
import type { Generations } from '../../revocation/revocation.ts';
import {
  announceLifetime,
  currentGenerations,
  earlierRequest,
  endSession,
  epochRecord,
  minimum,
  purgeTimeMs,
  record,
  requestKey,
  type Step,
  status,
  storedSession,
} from './step.ts';

export function create(step: Step, command: CreateCommand): CreateOutcome {
  const { request } = command;
  const earlier = repeatedSession(step, request, command.session.userId);
  if (earlier !== null) return earlier;
  if (isBlocked(step, command.session)) return { kind: 'blocked' };

  const replaced = command.replaceDeviceSessions ? sessionsOfDevice(step, command.session) : [];
  const evicted = command.session.actor === null ? toEvict(step, command.session, replaced) : [];
  if (evicted === 'limit') return { kind: 'limit' };

  const generations = currentGenerations(step, command.session);
  const session = beginSession(step, command.session, { generations, createTimeMs: step.nowMs });
  const head = endAll(step, replaced, evicted);
  const endedSessionIds = [...replaced, ...evicted].map((ended) => ended.sessionId);
  if (request !== null) rememberSession(step, request, command.session.userId, { session, endedSessionIds, head });
  return { kind: 'created', record: record(step, session), endedSessionIds, head, nowMs: step.nowMs };
}

/** What a repeat of a create or rotation finds; null where the request is new. */
export function repeatedSession(
  step: Step,
  request: RequestStamp | null,
  subject: string,
): Extract<CreateOutcome, { kind: 'repeated' | 'request_reused' | 'superseded' }> | null {
  const earlier = earlierRequest(step, request, subject);
  if (earlier === null || 'kind' in earlier) return earlier;
  const session = storedSession(step, earlier.sessionId);
  if (session === undefined || session.credential.generation !== earlier.generation) return { kind: 'superseded' };
  if (status(step, session).state !== 'active') return { kind: 'superseded' };
  announceLifetime(step, 'access_token', step.rules.accessTokenTtlMs);
  const { endedSessionIds = [], head } = earlier.result;
  return { kind: 'repeated', record: record(step, session), endedSessionIds, head, nowMs: step.nowMs };
}

/** Records what was done, not the answer: no token is at rest. */
export function rememberSession(
  step: Step,
  request: RequestStamp,
  subject: string,
  done: { session: Session; endedSessionIds: readonly string[]; head: LogPosition | null },
): void {
  step.tables.putRequest(requestKey(request, subject), {
    requestHash: request.hash,
    sessionId: done.session.sessionId,
    generation: done.session.credential.generation,
    result: { endedSessionIds: done.endedSessionIds, head: done.head },
    expireTimeMs: step.nowMs + REQUEST_RETENTION_MS,
  });
}

/** Whether the user's creates are refused at this moment (account disabled). */
export function isBlocked(step: Step, session: { tenantId: string; userId: string }): boolean {
  if (session.userId === '') return false;
  const epoch = epochRecord(step, { scope: 'user', tenantId: session.tenantId, subject: session.userId });
  return (epoch?.denyCreateUntilMs ?? 0) > step.nowMs;
}

const NEVER: readonly number[] = [];

/** Inserts the row of a session that begins now; times and generations are those of the step. */
export function beginSession(
  step: Step,
  draft: NewSession,
  start: { readonly generations: Generations; readonly createTimeMs: number },
): Session {
  const { nonce, keyId } = draft;
  // Where it stays in memory: objects made by spreading what is left each have a shape of their own, and lists that were
  // read from a message have room to grow.
  const session: Session = {
    sessionId: draft.sessionId,
    tenantId: draft.tenantId,
    userId: draft.userId,
    clientId: draft.clientId,
    tokenMode: draft.tokenMode,
    createTimeMs: start.createTimeMs,
    lastActiveTimeMs: step.nowMs,
    idleTimeoutMs: draft.idleTimeoutMs,
    absoluteTimeoutMs: draft.absoluteTimeoutMs,
    absoluteExpireTimeMs: start.createTimeMs + draft.absoluteTimeoutMs,
    authTimeMs: draft.authTimeMs ?? step.nowMs,
    acr: draft.acr,
    amr: [...draft.amr],
    device: draft.device,
    actor: draft.actor,
    audiences: [...draft.audiences],
    claims: draft.claims,
    data: draft.data,
    version: 1,
    minVersion: 0,
    generations: start.generations,
    credential: { nonce, generation: 1, keyId, spentTimesMs: NEVER, requestId: '', requestHash: '' },
    revocation: null,
  };
  announceLifetime(step, 'access_token', step.rules.accessTokenTtlMs);
  announceLifetime(step, 'session', step.rules.maxAbsoluteTimeoutMs);
  step.tables.insertSession(session, purgeTimeMs(step, { session, status: { state: 'active' } }));
  return session;
}

export function liveSessionsOf(step: Step, user: { tenantId: string; userId: string }): Session[] {
  if (user.userId === '') return [];
  const floor = minimum(step, { scope: 'user', tenantId: user.tenantId, subject: user.userId });
  return step.tables
    .unrevokedOfUser(user.tenantId, user.userId, floor)
    .filter((session) => status(step, session).state === 'active');
}

function sessionsOfDevice(step: Step, draft: NewSession): Session[] {
  return liveSessionsOf(step, draft).filter((session) => session.device.deviceId === draft.device.deviceId);
}

/** Which sessions make room for one more; `leaving` end anyway in this step. */
export function toEvict(
  step: Step,
  user: { tenantId: string; userId: string },
  leaving: readonly Session[],
): Session[] | 'limit' {
  const { max, policy } = step.rules.limit;
  if (max === 0 || user.userId === '') return [];
  const gone = new Set(leaving.map((session) => session.sessionId));
  const live = liveSessionsOf(step, user).filter((other) => other.actor === null && !gone.has(other.sessionId));
  const surplus = live.length + 1 - max;
  if (surplus <= 0) return [];
  if (policy === 'reject') return 'limit';
  return live.sort(evictionOrder(policy)).slice(0, surplus);
}

function evictionOrder(policy: Exclude<SessionLimit['policy'], 'reject'>): (a: Session, b: Session) => number {
  const time = (session: Session) => (policy === 'evict-oldest' ? session.createTimeMs : session.lastActiveTimeMs);
  return (a, b) => time(a) - time(b) || (a.sessionId < b.sessionId ? -1 : 1);
}

/** Ends replaced and evicted sessions; the head after the last of them, null where there was none. */
export function endAll(step: Step, replaced: readonly Session[], evicted: readonly Session[]): LogPosition | null {
  let head: LogPosition | null = null;
  for (const session of replaced) head = endSession(step, session, 'device_replaced');
  for (const session of evicted) head = endSession(step, session, 'session_limit');
  return head;
}

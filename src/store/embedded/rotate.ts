import { describedDevice, type Session, subjectOf } from '../../domain/session.ts';
import type { NewSession, RotateCommand, RotateOutcome } from '../../domain/store.ts';
import { beginSession, endAll, isBlocked, rememberSession, repeatedSession, toEvict } from './create.ts';
import { currentGenerations, endSession, find, findKept, keepForRequest, record, type Step, status } from './step.ts';

export function rotate(step: Step, command: RotateCommand): RotateOutcome {
  const { request } = command;
  // A repeat comes with a credential that the first call spent: only the tenants and nonce bind it.
  const { tenantIds, sessionId, proof } = command.ref;
  const nonceProof = proof?.nonce === undefined ? {} : { proof: { nonce: proof.nonce } };
  const old = findKept(step, { tenantIds, sessionId, ...nonceProof });
  if (old === undefined) return { kind: 'unknown' };
  const earlier = repeatedSession(step, request, subjectOf(old));
  if (earlier !== null) return earlier;

  if (find(step, command.ref) === undefined) return { kind: 'unknown' };
  if (status(step, old).state !== 'active') return { kind: 'ended' };
  if (command.userId !== '' && old.userId !== '' && command.userId !== old.userId) return { kind: 'other_user' };
  const draft = successorOf(step, old, command);
  if (isBlocked(step, draft)) return { kind: 'blocked' };
  const newcomer = old.userId !== draft.userId && old.actor === null;
  const evicted = newcomer ? toEvict(step, draft, [old]) : [];
  if (evicted === 'limit') return { kind: 'limit' };

  const createTimeMs = startsAnew(old, draft.authTimeMs) ? step.nowMs : old.createTimeMs;
  if (createTimeMs + draft.absoluteTimeoutMs <= step.nowMs) return { kind: 'timeout_passed' };

  const generations = currentGenerations(step, draft);
  const head = endSession(step, old, 'rotated');
  const evictionHead = endAll(step, [], evicted);
  const session = beginSession(step, draft, { generations, createTimeMs });
  const endedSessionIds = [old.sessionId, ...evicted.map((ended) => ended.sessionId)];
  const lastHead = evictionHead ?? head;
  if (request !== null) {
    rememberSession(step, request, subjectOf(old), { session, endedSessionIds, head: lastHead });
    keepForRequest(step, old.sessionId);
  }
  return {
    kind: 'rotated',
    record: record(step, session),
    endedSessionIds,
    head: lastHead,
    nowMs: step.nowMs,
  };
}

/** Everything is carried over unless set; a user who has just logged in was authenticated now. */
function successorOf(step: Step, old: Session, command: RotateCommand): NewSession {
  const loggedIn = old.userId === '' && command.userId !== '';
  const authTimeMs = command.authTimeMs ?? (loggedIn ? step.nowMs : old.authTimeMs);
  const absoluteTimeoutMs = command.absoluteTimeoutMs ?? old.absoluteTimeoutMs;
  // The maximum may have been lowered since: epochs are kept only as long as sessions that begin now can live.
  const longestMs = startsAnew(old, authTimeMs) ? step.rules.maxAbsoluteTimeoutMs : absoluteTimeoutMs;
  return {
    sessionId: command.newSessionId,
    tenantId: old.tenantId,
    userId: command.userId === '' ? old.userId : command.userId,
    clientId: old.clientId,
    tokenMode: old.tokenMode,
    idleTimeoutMs: command.idleTimeoutMs ?? old.idleTimeoutMs,
    absoluteTimeoutMs: Math.min(absoluteTimeoutMs, longestMs),
    authTimeMs,
    acr: command.acr ?? old.acr,
    amr: command.amr ?? old.amr,
    device: describedDevice(old.device, command.device),
    actor: old.actor,
    audiences: old.audiences,
    claims: command.claims ?? old.claims,
    data: command.data ?? old.data,
    nonce: command.nonce,
    keyId: command.keyId,
  };
}

/** Whether the absolute limit counts from this step on: only with a later authentication. */
function startsAnew(old: Session, authTimeMs: number | null): boolean {
  return authTimeMs !== null && authTimeMs > old.authTimeMs;
}

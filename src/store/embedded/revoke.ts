import { REQUEST_RETENTION_MS } from '../../domain/limits.ts';
import { type Session, subjectOf } from '../../domain/session.ts';
import type {
  CountOutcome,
  EpochScope,
  ExceptFault,
  RaiseCommand,
  RaiseOutcome,
  RequestStamp,
  RevokeCommand,
  RevokeOutcome,
} from '../../domain/store.ts';
import type { LogPosition } from '../../revocation/log.ts';
import type { RevocationScope } from '../../revocation/revocation.ts';
import { liveSessionsOf } from './create.ts';
import {
  appendRevocation,
  discardTimeMs,
  earlierRequest,
  endSession,
  epochRecord,
  find,
  findKept,
  keepForRequest,
  minimum,
  putEpochRecord,
  requestKey,
  type Step,
  status,
} from './step.ts';
import type { EpochKey, RequestRecord } from './tables.ts';

export function revoke(step: Step, command: RevokeCommand): RevokeOutcome {
  const session = findKept(step, command.ref);
  if (session === undefined) return { kind: 'done', revoked: false, repeated: false, head: null };
  const { request } = command;
  const earlier = earlierRequest(step, request, subjectOf(session));
  if (earlier !== null) {
    if ('kind' in earlier) return earlier;
    return { kind: 'done', revoked: earlier.result.revoked === true, repeated: true, head: earlier.result.head };
  }
  const live = status(step, session).state === 'active';
  const head = live ? endSession(step, session, command.reason) : step.tables.logHead();
  remember(step, request, subjectOf(session), { revoked: live, head });
  if (live && request !== null) keepForRequest(step, session.sessionId);
  return { kind: 'done', revoked: live, repeated: false, head };
}

export function raise(step: Step, command: RaiseCommand): RaiseOutcome {
  const { request } = command;
  const { subject } = epochKey(command.scope);
  const earlier = earlierRequest(step, request, subject);
  if (earlier !== null) {
    if ('kind' in earlier) return earlier;
    const { count = null, head } = earlier.result;
    return { kind: 'done', count, repeated: true, head: head ?? step.tables.logHead() };
  }
  const except = exceptSession(step, command);
  if (except !== null && 'kind' in except) return except;
  const oneByOne = command.deviceId !== '' || command.createTimeBeforeMs !== null;
  const done = oneByOne ? endSelected(step, command) : raiseMinimum(step, command, except);
  remember(step, request, subject, done);
  return { kind: 'done', repeated: false, ...done };
}

export function count(step: Step, command: RaiseCommand): CountOutcome {
  const except = exceptSession(step, command);
  if (except !== null && 'kind' in except) return except;
  if (command.scope.kind === 'user') return { kind: 'counted', count: selected(step, command).length };
  const tenantId = command.scope.kind === 'global' ? null : command.scope.tenantId;
  const clientId = command.scope.kind === 'client' ? command.scope.clientId : null;
  return { kind: 'counted', count: step.tables.countLive(tenantId, clientId, step.nowMs, step.engine.birthTimeMs) };
}

function remember(step: Step, request: RequestStamp | null, subject: string, result: RequestRecord['result']): void {
  if (request === null) return;
  step.tables.putRequest(requestKey(request, subject), {
    requestHash: request.hash,
    sessionId: '',
    generation: 0,
    result,
    expireTimeMs: step.nowMs + REQUEST_RETENTION_MS,
  });
}

/** The session to be spared, which must be live; null where none was named. */
function exceptSession(step: Step, { scope, exceptSessionId }: RaiseCommand): Session | ExceptFault | null {
  if (exceptSessionId === '') return null;
  if (scope.kind !== 'user') return { kind: 'except_unknown' };
  const session = find(step, { tenantIds: [scope.tenantId], sessionId: exceptSessionId });
  if (session === undefined || session.userId !== scope.userId) return { kind: 'except_unknown' };
  return status(step, session).state === 'active' ? session : { kind: 'except_ended' };
}

function raiseMinimum(
  step: Step,
  command: RaiseCommand,
  except: Session | null,
): { count: number | null; head: LogPosition } {
  const key = epochKey(command.scope);
  const minGeneration = Math.max(minimum(step, key) + 1, step.nowMs);
  const epoch = { minGeneration, raiseTimeMs: step.nowMs, reason: command.reason };
  putEpoch(step, key, { epoch, denyCreateUntilMs: command.denyCreateUntilMs });
  if (except !== null) step.tables.setUserGeneration(except.sessionId, minGeneration);
  const scope = revocationScope(command.scope, minGeneration, command.exceptSessionId);
  return { count: null, head: appendRevocation(step, scope, command.reason) };
}

/** Ends the user's matching sessions one by one, in the order of their ids. */
function endSelected(step: Step, command: RaiseCommand): { count: number; head: LogPosition } {
  const sessions = selected(step, command).sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
  for (const session of sessions) endSession(step, session, command.reason);
  if (command.denyCreateUntilMs !== null) {
    putEpoch(step, epochKey(command.scope), { epoch: null, denyCreateUntilMs: command.denyCreateUntilMs });
  }
  return { count: sessions.length, head: step.tables.logHead() };
}

function selected(step: Step, command: RaiseCommand): Session[] {
  if (command.scope.kind !== 'user') return [];
  const { deviceId, createTimeBeforeMs, exceptSessionId } = command;
  return liveSessionsOf(step, command.scope).filter(
    (session) =>
      session.sessionId !== exceptSessionId &&
      (deviceId === '' || session.device.deviceId === deviceId) &&
      (createTimeBeforeMs === null || session.createTimeMs < createTimeBeforeMs),
  );
}

/** Merges into the record: null leaves what is there. */
function putEpoch(
  step: Step,
  key: EpochKey,
  change: {
    epoch: { minGeneration: number; raiseTimeMs: number; reason: RaiseCommand['reason'] } | null;
    denyCreateUntilMs: number | null;
  },
): void {
  const present = epochRecord(step, key);
  const sessionLifetime = Math.max(
    step.rules.maxAbsoluteTimeoutMs,
    step.tables.longestLifetimeMs('session', step.nowMs),
  );
  const denyCreateUntilMs = change.denyCreateUntilMs ?? present?.denyCreateUntilMs ?? null;
  const keepUntilMs = Math.max(
    present?.keepUntilMs ?? 0,
    step.nowMs + sessionLifetime,
    discardTimeMs(step),
    denyCreateUntilMs ?? 0,
  );
  putEpochRecord(step, key, { epoch: change.epoch ?? present?.epoch ?? null, denyCreateUntilMs, keepUntilMs });
}

function epochKey(scope: EpochScope): EpochKey {
  switch (scope.kind) {
    case 'user':
      return { scope: 'user', tenantId: scope.tenantId, subject: scope.userId };
    case 'client':
      return { scope: 'client', tenantId: scope.tenantId, subject: scope.clientId };
    case 'tenant':
      return { scope: 'tenant', tenantId: scope.tenantId, subject: '' };
    case 'global':
      return { scope: 'global', tenantId: '', subject: '' };
  }
}

function revocationScope(scope: EpochScope, minGeneration: number, exceptSessionId: string): RevocationScope {
  return scope.kind === 'user' ? { ...scope, minGeneration, exceptSessionId } : { ...scope, minGeneration };
}

import { REQUEST_RETENTION_MS } from '../../domain/limits.ts';
import { type Session, subjectOf } from '../../domain/session.ts';
import type { EpochScope, RaiseCommand, RaiseOutcome, RequestStamp, RevokeCommand, RevokeOutcome } from '../../domain/store.ts';
import type { LogPosition } from '../../revocation/log.ts';
import type { RevocationScope } from '../../revocation/revocation.ts';
import { liveSessionsOf } from './create.ts';
import { appendRevocation, discardTimeMs, endSession, find, minimum, requestKey, type Step, status } from './step.ts';
import type { EpochKey, RequestRecord } from './tables.ts';

export function revoke(step: Step, command: RevokeCommand): RevokeOutcome {
  const session = find(step, command.ref);
  if (session === undefined) return { kind: 'done', revoked: false, head: null };
  const { request } = command;
  const key = request === null ? '' : requestKey(request, subjectOf(session));
  const earlier = request === null ? undefined : step.tables.request(key);
  if (request !== null && earlier !== undefined && earlier.expireTimeMs > step.nowMs) {
    if (earlier.requestHash !== request.hash) return { kind: 'request_reused' };
    return { kind: 'done', revoked: earlier.result.revoked === true, head: earlier.result.head };
  }
  const live = status(step, session).state === 'active';
  const head = live ? endSession(step, session, command.reason) : step.tables.logHead();
  if (request !== null) remember(step, key, request, { revoked: live, head });
  return { kind: 'done', revoked: live, head };
}

export function raise(step: Step, command: RaiseCommand): RaiseOutcome {
  const { request } = command;
  const key = request === null ? '' : requestKey(request, epochKey(command.scope).subject);
  const earlier = request === null ? undefined : step.tables.request(key);
  if (request !== null && earlier !== undefined && earlier.expireTimeMs > step.nowMs) {
    if (earlier.requestHash !== request.hash) return { kind: 'request_reused' };
    return { kind: 'done', count: earlier.result.count ?? null, head: earlier.result.head ?? step.tables.logHead() };
  }
  const except = command.exceptSessionId === '' ? null : exceptSession(step, command);
  if (except === 'except_unknown' || except === 'except_ended') return { kind: except };
  const oneByOne = command.deviceId !== '' || command.createTimeBeforeMs !== null;
  const done = oneByOne ? endSelected(step, command) : raiseMinimum(step, command, except);
  if (request !== null) remember(step, key, request, done);
  return { kind: 'done', ...done };
}

export function count(step: Step, command: RaiseCommand): number {
  if (command.scope.kind === 'user') return selected(step, command).length;
  const tenantId = command.scope.kind === 'global' ? null : command.scope.tenantId;
  const clientId = command.scope.kind === 'client' ? command.scope.clientId : null;
  let live = 0;
  for (const session of step.tables.unrevoked(tenantId, clientId)) {
    if (status(step, session).state === 'active') live += 1;
  }
  return live;
}

function remember(step: Step, key: string, request: RequestStamp, result: RequestRecord['result']): void {
  step.tables.putRequest(key, {
    requestHash: request.hash,
    sessionId: '',
    generation: 0,
    result,
    expireTimeMs: step.nowMs + REQUEST_RETENTION_MS,
  });
}

function exceptSession(step: Step, command: RaiseCommand): Session | 'except_unknown' | 'except_ended' {
  const { scope, exceptSessionId } = command;
  if (scope.kind !== 'user') return 'except_unknown';
  const session = find(step, { tenantId: scope.tenantId, sessionId: exceptSessionId });
  if (session === undefined || session.userId !== scope.userId) return 'except_unknown';
  return status(step, session).state === 'active' ? session : 'except_ended';
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
  change: { epoch: { minGeneration: number; raiseTimeMs: number; reason: RaiseCommand['reason'] } | null; denyCreateUntilMs: number | null },
): void {
  const present = step.tables.epoch(key);
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
  step.tables.putEpoch(key, { epoch: change.epoch ?? present?.epoch ?? null, denyCreateUntilMs, keepUntilMs });
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

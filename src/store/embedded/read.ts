import { type Session, touchIntervalMs } from '../../domain/session.ts';
import type { ListQuery, ReadCommand, ReadOutcome, SessionRecord } from '../../domain/store.ts';
import { announceLifetime, find, isAnnounced, isPurged, minimum, purgeTimeMs, record, type Step } from './step.ts';
import type { EpochKey } from './tables.ts';

export function read(step: Step, command: ReadCommand): ReadOutcome {
  const session = find(step, command);
  if (session === undefined) return { kind: 'unknown' };
  return { kind: 'found', record: record(step, session), nowMs: step.nowMs };
}

/** Whether the touch that `command` asks for would write. */
export function touchIsDue(step: Step, command: ReadCommand, outcome: ReadOutcome): boolean {
  if (!command.touch || outcome.kind !== 'found' || outcome.record.status.state !== 'active') return false;
  const { session } = outcome.record;
  if (session.idleTimeoutMs === 0) return false;
  return step.nowMs - session.lastActiveTimeMs >= touchIntervalMs(session, step.rules.touchIntervalMs);
}

/** Whether the store must first know for how long the answer may be reused. */
export function announcementIsDue(step: Step, outcome: ReadOutcome): boolean {
  return isReusable(outcome) && !isAnnounced(step, 'access_token', step.rules.accessTokenTtlMs);
}

/** The answer for an opaque token may be reused for as long as an access token lives. */
function isReusable(outcome: ReadOutcome): boolean {
  if (outcome.kind === 'unknown' || outcome.record.status.state !== 'active') return false;
  return outcome.record.session.tokenMode === 'opaque';
}

/** What is to be written for a read; decides anew, since another step may have come before this one. */
export function touch(step: Step, command: ReadCommand): ReadOutcome {
  const outcome = read(step, command);
  if (isReusable(outcome)) announceLifetime(step, 'access_token', step.rules.accessTokenTtlMs);
  if (outcome.kind !== 'found' || !touchIsDue(step, command, outcome)) return outcome;
  const session: Session = { ...outcome.record.session, lastActiveTimeMs: step.nowMs };
  step.tables.touchSession(session.sessionId, session.lastActiveTimeMs);
  return { ...outcome, record: record(step, session) };
}

export function list(step: Step, query: ListQuery): SessionRecord[] {
  const user: EpochKey = { scope: 'user', tenantId: query.tenantId, subject: query.userId };
  // Ended sessions may be many: where they are not asked for, an index passes over them.
  const activeOnly = query.states.every((state) => state === 'active');
  const found: SessionRecord[] = [];
  for (const session of step.tables.listOfUser(query, activeOnly ? minimum(step, user) : null)) {
    const candidate = record(step, session);
    if (query.states.includes(candidate.status.state) && !isPurged(step, candidate)) found.push(candidate);
    if (found.length === query.limit) break;
  }
  return found;
}

/** Sweeps one batch of ended sessions; a session that is still in use is looked at again later. */
export function sweepSessions(step: Step, batch: number): { removed: number; more: boolean } {
  const due = step.tables.sessionsDue(step.nowMs, batch);
  let removed = 0;
  for (const session of due) {
    const found = record(step, session);
    if (isPurged(step, found)) {
      step.tables.deleteSession(session.sessionId);
      removed += 1;
    } else {
      step.tables.setPurgeTime(session.sessionId, purgeTimeMs(step, found));
    }
  }
  return { removed, more: due.length === batch };
}

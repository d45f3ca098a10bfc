import { expireTimeMs, type Session } from '../../domain/session.ts';
import type { ListQuery, ReadCommand, ReadOutcome, SessionRecord } from '../../domain/store.ts';
import { find, record, type Step } from './step.ts';

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
  // Half of a short idle timeout, else a session in steady use would expire between two touches.
  const interval = Math.min(step.rules.touchIntervalMs, session.idleTimeoutMs / 2);
  return step.nowMs - session.lastActiveTimeMs >= interval;
}

/** Slides the idle timeout; decides anew, since another step may have come before this one. */
export function touch(step: Step, command: ReadCommand): ReadOutcome {
  const outcome = read(step, command);
  if (outcome.kind !== 'found' || !touchIsDue(step, command, outcome)) return outcome;
  const session: Session = { ...outcome.record.session, lastActiveTimeMs: step.nowMs };
  step.tables.touchSession(session.sessionId, session.lastActiveTimeMs);
  return { ...outcome, record: record(step, session) };
}

export function list(step: Step, query: ListQuery): SessionRecord[] {
  const found: SessionRecord[] = [];
  for (const session of step.tables.listOfUser(query)) {
    const candidate = record(step, session);
    if (query.states.includes(candidate.status.state)) found.push(candidate);
    if (found.length === query.limit) break;
  }
  return found;
}

/** Sweeps one batch of ended sessions; a session that is still in use is looked at again later. */
export function sweepSessions(step: Step, batch: number): { removed: number; more: boolean } {
  const due = step.tables.sessionsDue(step.nowMs, batch);
  let removed = 0;
  for (const session of due) {
    const { status } = record(step, session);
    const endTimeMs = status.state === 'active' ? expireTimeMs(session) : status.timeMs;
    const purgeTimeMs = endTimeMs + step.rules.endedSessionRetentionMs;
    if (purgeTimeMs <= step.nowMs) {
      step.tables.deleteSession(session.sessionId);
      removed += 1;
    } else {
      step.tables.setPurgeTime(session.sessionId, purgeTimeMs);
    }
  }
  return { removed, more: due.length === batch };
}

import { REMEMBERED_GENERATIONS } from '../../domain/limits.ts';
import { describedDevice, type Session, sameDevice } from '../../domain/session.ts';
import type { RefreshCommand, RefreshOutcome } from '../../domain/store.ts';
import { announceLifetime, endSession, find, record, type Step, status } from './step.ts';

export function refresh(step: Step, command: RefreshCommand): RefreshOutcome {
  const session = find(step, {
    tenantIds: command.tenantIds,
    sessionId: command.sessionId,
    proof: { nonce: command.nonce },
  });
  if (session === undefined || session.tokenMode !== 'pair') return { kind: 'unknown' };
  if (command.clientId !== null && session.clientId !== command.clientId) return { kind: 'unknown' };
  const { state } = status(step, session);
  if (state !== 'active') return { kind: state };

  const { credential } = session;
  if (command.requestId !== '' && command.requestId === credential.requestId) {
    if (command.requestHash !== credential.requestHash) return { kind: 'request_reused' };
    if (command.generation === credential.generation - 1) return replayed(step, session);
  }
  // A generation ahead of the row is genuine too: the row's own step was lost in a failover.
  if (command.generation >= credential.generation) return rotated(step, session, command);
  if (spentWithinGrace(step, session, command.generation)) return replayed(step, session);
  endSession(step, session, 'refresh_token_reuse');
  return { kind: 'reused', tenantId: session.tenantId };
}

function rotated(step: Step, session: Session, command: RefreshCommand): RefreshOutcome {
  const device = describedDevice(session.device, command.device);
  const claims = command.claims ?? session.claims;
  const changed = claims !== session.claims || !sameDevice(device, session.device);
  const next: Session = {
    ...session,
    lastActiveTimeMs: step.nowMs,
    device,
    claims,
    version: session.version + (changed ? 1 : 0),
    credential: {
      nonce: session.credential.nonce,
      generation: command.generation + 1,
      keyId: command.keyId,
      spentTimesMs: spentTimes(step, session, command.generation),
      requestId: command.requestId,
      requestHash: command.requestHash,
    },
  };
  announceLifetime(step, 'access_token', step.rules.accessTokenTtlMs);
  step.tables.updateSession(next);
  return { kind: 'rotated', record: record(step, next), previousDevice: session.device, nowMs: step.nowMs };
}

function replayed(step: Step, session: Session): RefreshOutcome {
  announceLifetime(step, 'access_token', step.rules.accessTokenTtlMs);
  return { kind: 'replayed', record: record(step, session), previousDevice: session.device, nowMs: step.nowMs };
}

/** Generations that a failover lost count as spent now, together with the presented one. */
function spentTimes(step: Step, session: Session, presented: number): number[] {
  const newlySpent = presented - session.credential.generation + 1;
  const added = new Array<number>(Math.min(newlySpent, REMEMBERED_GENERATIONS)).fill(step.nowMs);
  return [...session.credential.spentTimesMs, ...added].slice(-REMEMBERED_GENERATIONS);
}

function spentWithinGrace(step: Step, session: Session, generation: number): boolean {
  const { spentTimesMs } = session.credential;
  const spentAt = spentTimesMs[spentTimesMs.length - (session.credential.generation - generation)];
  return spentAt !== undefined && step.nowMs - spentAt < step.rules.refreshGraceMs;
}

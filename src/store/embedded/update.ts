import { LIMITS } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import type { JsonChange, UpdateCommand, UpdateOutcome } from '../../domain/store.ts';
import { mergePatch } from './merge_patch.ts';
import { appendRevocation, find, record, type Step, status } from './step.ts';

export function update(step: Step, command: UpdateCommand): UpdateOutcome {
  const session = find(step, command.ref);
  if (session === undefined) return { kind: 'unknown' };
  if (status(step, session).state !== 'active') return { kind: 'ended' };
  if (command.version !== null && command.version !== session.version) return { kind: 'etag_mismatch' };

  const claims = changed(session.claims, command.claims);
  if (Buffer.byteLength(claims) > LIMITS.claims) return { kind: 'too_large', field: 'claims' };
  const data = changed(session.data, command.data);
  if (Buffer.byteLength(data) > LIMITS.data) return { kind: 'too_large', field: 'data' };

  const version = session.version + 1;
  const next: Session = {
    ...session,
    claims,
    data,
    device: { ...session.device, name: command.deviceName ?? session.device.name },
    version,
    minVersion: command.supersedeAccessTokens ? version : session.minVersion,
  };
  step.tables.updateSession(next);
  const { tenantId, sessionId } = session;
  const head = command.supersedeAccessTokens
    ? appendRevocation(step, { kind: 'session', tenantId, sessionId, minVersion: version }, 'security')
    : null;
  return { kind: 'updated', record: record(step, next), head, nowMs: step.nowMs };
}

function changed(present: string, change: JsonChange | null): string {
  if (change === null) return present;
  return change.kind === 'replace' ? change.json : mergePatch(present, change.json);
}

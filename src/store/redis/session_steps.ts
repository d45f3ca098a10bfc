import type {
  CreateCommand,
  CreateOutcome,
  JsonChange,
  ListQuery,
  ReadCommand,
  ReadOutcome,
  RefreshCommand,
  RefreshOutcome,
  RevokeCommand,
  RevokeOutcome,
  SessionRecord,
  UpdateCommand,
  UpdateOutcome,
} from '../../domain/store.ts';
import type { Session } from '../../domain/session.ts';
import type { StoreRules } from '../../domain/store_rules.ts';
import { mergePatch } from '../embedded/merge_patch.ts';
import { draftRow, list, number, STATE_NUMBERS, text, toRecord } from './rows.ts';
import type { Runner } from './runner.ts';
import { positionIn, type Step, toBegun, unexpected } from './step.ts';

export async function create(runner: Runner, rules: StoreRules, command: CreateCommand): Promise<CreateOutcome> {
  const { session, request, replaceDeviceSessions } = command;
  const step = await runner.run(runner.partitionOf(session.sessionId), 'create', {
    row: draftRow(session),
    request,
    replaceDeviceSessions,
    limit: rules.limit,
  });
  switch (step.kind) {
    case 'created':
    case 'repeated':
      // What is repeated is acknowledged again.
      if (step.kind === 'repeated') await runner.confirm(toBegun(step).head);
      return { kind: step.kind, ...toBegun(step) };
    case 'request_reused':
    case 'superseded':
    case 'blocked':
    case 'limit':
      return { kind: step.kind };
    default:
      throw unexpected(step);
  }
}

export async function refresh(runner: Runner, rules: StoreRules, command: RefreshCommand): Promise<RefreshOutcome> {
  const step = await runner.run(runner.partitionOf(command.sessionId), 'refresh', {
    ...command,
    graceMs: rules.refreshGraceMs,
  });
  switch (step.kind) {
    case 'rotated':
    case 'replayed': {
      const [record, device] = step.rest;
      const [deviceId, name, userAgent, ipAddress] = list(device).map(text);
      return {
        kind: step.kind,
        record: toRecord(record),
        previousDevice: {
          deviceId: deviceId ?? '',
          name: name ?? '',
          userAgent: userAgent ?? '',
          ipAddress: ipAddress ?? '',
        },
        nowMs: step.nowMs,
      };
    }
    case 'reused':
      return { kind: 'reused', tenantId: text(step.rest[0]) };
    case 'request_reused':
    case 'expired':
    case 'revoked':
    case 'unknown':
      return { kind: step.kind };
    default:
      throw unexpected(step);
  }
}

/** On a connection whose replicas follow it: what a deposed master answers is not believed. */
export async function read(runner: Runner, rules: StoreRules, command: ReadCommand): Promise<ReadOutcome> {
  const step = await runner.readFenced(runner.partitionOf(command.sessionId), 'read', {
    ...command,
    touchIntervalMs: rules.touchIntervalMs,
  });
  switch (step.kind) {
    case 'found':
      return { kind: 'found', record: toRecord(step.rest[0]), nowMs: step.nowMs };
    case 'unknown':
      return { kind: 'unknown' };
    default:
      throw unexpected(step);
  }
}

export async function listSessions(runner: Runner, query: ListQuery): Promise<readonly SessionRecord[]> {
  const states = query.states.map((state) => STATE_NUMBERS[state]);
  const step = await runner.run(runner.partitionOfUser(query.tenantId, query.userId), 'list', { ...query, states });
  return list(step.rest[0]).map(toRecord);
}

/** A merge is computed here, from the row as it was seen, and written only where the row is still that one. */
export async function update(runner: Runner, command: UpdateCommand): Promise<UpdateOutcome> {
  const { ref, deviceName, version, supersedeAccessTokens } = command;
  const partition = runner.partitionOf(ref.sessionId);
  const merges = command.claims?.kind === 'merge' || command.data?.kind === 'merge';
  let seen: Session | null = null;
  for (;;) {
    const step: Step = await runner.run(partition, 'update', {
      ref,
      claims: whole(command.claims, seen?.claims),
      data: whole(command.data, seen?.data),
      deviceName,
      version,
      supersedeAccessTokens,
      // No row has version -1: the first attempt only looks.
      seenVersion: merges ? (seen?.version ?? -1) : null,
    });
    switch (step.kind) {
      case 'updated': {
        const [record, position, tag] = step.rest;
        const head = number(position) === 0 ? null : positionIn(step, position, tag);
        return { kind: 'updated', record: toRecord(record), head, nowMs: step.nowMs };
      }
      case 'moved_on':
        seen = toRecord(step.rest[0]).session;
        break;
      case 'too_large_claims':
        return { kind: 'too_large', field: 'claims' };
      case 'too_large_data':
        return { kind: 'too_large', field: 'data' };
      case 'etag_mismatch':
      case 'ended':
      case 'unknown':
        return { kind: step.kind };
      default:
        throw unexpected(step);
    }
  }
}

function whole(change: JsonChange | null, seen: string | undefined): string | null {
  if (change === null || (change.kind === 'merge' && seen === undefined)) return null;
  return change.kind === 'replace' ? change.json : mergePatch(seen ?? '{}', change.json);
}

export async function revoke(runner: Runner, command: RevokeCommand): Promise<RevokeOutcome> {
  const step = await runner.runFenced(runner.partitionOf(command.ref.sessionId), 'revoke', { ...command });
  switch (step.kind) {
    case 'done': {
      const [revoked, repeated, position, tag] = step.rest;
      const head = number(position) === -1 ? null : positionIn(step, position, tag);
      return { kind: 'done', revoked: revoked === 1, repeated: repeated === 1, head };
    }
    case 'request_reused':
      return { kind: 'request_reused' };
    default:
      throw unexpected(step);
  }
}

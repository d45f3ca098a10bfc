import type { RotateCommand, RotateOutcome } from '../../domain/store.ts';
import type { StoreRules } from '../../domain/store_rules.ts';
import type { LogPosition } from '../../revocation/log.ts';
import { list, number, type Reply, text } from './rows.ts';
import type { Runner } from './runner.ts';
import { plain, positionIn, type Step, toBegun, unexpected } from './step.ts';

/**
 * Rotates in one step, but for a login on an anonymous session whose user is in another partition: there the old session
 * ends first, with a record of what is to follow, and the new one begins then. Both are never alive; a repeat of the
 * request finishes what was left half-done.
 */
export async function rotate(runner: Runner, rules: StoreRules, command: RotateCommand): Promise<RotateOutcome> {
  const { limit } = rules;
  const from = runner.partitionOf(command.ref.sessionId);
  if (from === runner.partitionOf(command.newSessionId)) {
    const step = await runner.run(from, 'rotate', { ...command, limit });
    if (step.kind === 'login_begun') return beginLogin(runner, rules, command, step, true);
    return outcomeOf(runner, step);
  }
  const look = await runner.run(from, 'login_look', { ...command });
  if (look.kind === 'login_begun') return beginLogin(runner, rules, command, look, true);
  if (look.kind !== 'found') return outcomeOf(runner, look);

  const to = runner.partitionOf(command.newSessionId);
  const [hasActor, tenantId] = look.rest;
  const { userId } = command;
  const enter = await runner.run(to, 'login_enter', {
    tenantId: text(tenantId),
    userId,
    hasActor: hasActor === 1,
    limit,
  });
  if (enter.kind !== 'found') return outcomeOf(runner, enter);

  const leave = await runner.run(from, 'login_leave', { ...command, userGeneration: number(enter.rest[0]) });
  if (leave.kind === 'login_begun') return beginLogin(runner, rules, command, leave, true);
  if (leave.kind !== 'left') return outcomeOf(runner, leave);
  return beginLogin(runner, rules, command, leave, false);
}

/** @param left what the step that ended the anonymous session left behind: in this call, or in an earlier one */
async function beginLogin(
  runner: Runner,
  { limit }: StoreRules,
  { ref, request }: RotateCommand,
  left: Step,
  resumed: boolean,
): Promise<RotateOutcome> {
  const [row, createTimeMs, generations, position, tag] = left.rest;
  const head: LogPosition = positionIn(left, position, tag);
  // What was left by another call may be on one server only: were its end lost, both sessions would be alive.
  if (resumed) await runner.confirm(head);
  const draft = list(plain(row));
  const step = await runner.run(runner.partitionOf(sessionIdOf(draft)), 'login_begin', {
    row: draft,
    createTimeMs,
    generations,
    oldSessionId: ref.sessionId,
    head: [head.position, head.tag, head.partition],
    request,
    limit,
    resumed,
  });
  return outcomeOf(runner, step);
}

function sessionIdOf([sessionId]: readonly Reply[]): string {
  return String(sessionId);
}

async function outcomeOf(runner: Runner, step: Step): Promise<RotateOutcome> {
  switch (step.kind) {
    case 'rotated':
    case 'repeated':
      if (step.kind === 'repeated') await runner.confirm(toBegun(step).head);
      return { kind: step.kind, ...toBegun(step) };
    case 'request_reused':
    case 'superseded':
    case 'blocked':
    case 'limit':
    case 'ended':
    case 'other_user':
    case 'timeout_passed':
    case 'unknown':
      return { kind: step.kind };
    default:
      throw unexpected(step);
  }
}

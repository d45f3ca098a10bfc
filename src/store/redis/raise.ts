import type { CountOutcome, EpochScope, RaiseCommand, RaiseOutcome } from '../../domain/store.ts';
import { isUuid } from '../../domain/session_id.ts';
import type { LogPosition } from '../../revocation/log.ts';
import { partitionOf, type PartitionKeys } from './keys.ts';
import { number, text } from './rows.ts';
import { newTagSeed, type Runner } from './runner.ts';
import { positionIn, type Step, unexpected } from './step.ts';

/** How many sessions one script looks at. */
const COUNT_PAGE = 500;

type UserScope = Extract<EpochScope, { kind: 'user' }>;
type WideScope = Exclude<EpochScope, UserScope>;

/** What is written to every partition: chosen once, so that whoever goes on with it writes the same. */
interface Plan {
  readonly minimum: number;
  readonly timeMs: number;
  readonly tag: string;
}

export async function raise(runner: Runner, command: RaiseCommand): Promise<RaiseOutcome> {
  const { scope } = command;
  return scope.kind === 'user' ? raiseUser(runner, scope, command) : raiseWide(runner, scope, command);
}

async function raiseUser(runner: Runner, scope: UserScope, command: RaiseCommand): Promise<RaiseOutcome> {
  const step = await runner.runFenced(runner.partitionOfUser(scope.tenantId, scope.userId), 'raise_user', {
    ...command,
    ...scope,
  });
  switch (step.kind) {
    case 'done': {
      const [count, repeated, position, tag] = step.rest;
      if (count === -1) await raiseAnonymous(runner, scope, command);
      const head = positionIn(step, position, tag);
      return { kind: 'done', count: count === -1 ? null : number(count), repeated: repeated === 1, head };
    }
    case 'request_reused':
    case 'except_unknown':
    case 'except_ended':
      return { kind: step.kind };
    default:
      throw unexpected(step);
  }
}

/** To its tokens an anonymous session is a user of its own id, in the partition that the id names. */
async function raiseAnonymous(runner: Runner, { tenantId, userId }: UserScope, command: RaiseCommand): Promise<void> {
  if (!isUuid(userId)) return;
  await runner.runFenced(runner.partitionOf(userId), 'raise_anonymous', { tenantId, userId, reason: command.reason });
}

/**
 * Raises a minimum that is in every partition: reads the highest, writes more than that to all. A step that begins after
 * the last was written sees it; one beside it can only yield tokens that the entries end.
 */
async function raiseWide(runner: Runner, scope: WideScope, command: RaiseCommand): Promise<RaiseOutcome> {
  const { request } = command;
  const claims = request === null ? null : partitionOfKey(runner, request.key);
  if (request !== null && claims !== null) {
    const found = await runner.run(claims, 'raise_claim', { ...request, plan: '', head: '' });
    if (found.kind !== 'unknown') return finish(runner, scope, command, claims, found);
  }
  if (command.exceptSessionId !== '') return { kind: 'except_unknown' };
  if (command.deviceId !== '' || command.createTimeBeforeMs !== null) return selectNone(runner);
  const plan = await choose(runner, scope);
  if (request === null || claims === null) {
    return { kind: 'done', count: null, repeated: false, head: await write(runner, scope, command, plan) };
  }
  const claimed = await runner.run(claims, 'raise_claim', { ...request, plan: JSON.stringify(plan), head: '' });
  const outcome = await finish(runner, scope, command, claims, claimed);
  const isOwn = outcome.kind === 'done' && text(claimed.rest[0]) === JSON.stringify(plan);
  return isOwn ? { ...outcome, repeated: false } : outcome;
}

/** Goes on with what is recorded under the request, or answers what it was answered with. */
async function finish(
  runner: Runner,
  scope: WideScope,
  command: RaiseCommand,
  claims: PartitionKeys,
  claimed: Step,
): Promise<RaiseOutcome> {
  if (claimed.kind === 'request_reused') return { kind: 'request_reused' };
  if (claimed.kind !== 'found') throw unexpected(claimed);
  const [plan, done] = claimed.rest.map(text);
  if (done !== undefined && done !== '') {
    const head = JSON.parse(done) as LogPosition;
    await runner.confirm(head);
    return { kind: 'done', count: null, repeated: true, head };
  }
  const head = await write(runner, scope, command, JSON.parse(plan ?? '') as Plan);
  await runner.run(claims, 'raise_claim', { ...command.request, plan, head: JSON.stringify(head) });
  return { kind: 'done', count: null, repeated: true, head };
}

async function choose(runner: Runner, scope: WideScope): Promise<Plan> {
  const looks = await Promise.all(
    runner.partitions.map((partition) => runner.readFenced(partition, 'raise_look', namesOf(scope))),
  );
  const timeMs = Math.max(...looks.map((look) => look.nowMs));
  const highest = Math.max(...looks.map((look) => number(look.rest[0])));
  return { minimum: Math.max(highest + 1, timeMs), timeMs, tag: newTagSeed().slice(0, 16) };
}

/** The head of the first partition: whoever has applied that has applied the revocation. */
async function write(runner: Runner, scope: WideScope, command: RaiseCommand, plan: Plan): Promise<LogPosition> {
  const { reason, denyCreateUntilMs } = command;
  const steps = await Promise.all(
    runner.partitions.map((partition) => {
      const written = { ...namesOf(scope), ...plan, kind: scope.kind, reason, denyCreateUntilMs };
      return runner.runFenced(partition, 'raise_write', written);
    }),
  );
  const [first] = steps;
  if (first === undefined) throw new RangeError('there is no partition');
  return positionIn(first, first.rest[0], first.rest[1]);
}

function namesOf(scope: WideScope): { scope: string; tenantId: string; subject: string } {
  switch (scope.kind) {
    case 'client':
      return { scope: 'c', tenantId: scope.tenantId, subject: scope.clientId };
    case 'tenant':
      return { scope: 't', tenantId: scope.tenantId, subject: '' };
    case 'global':
      return { scope: 'g', tenantId: '', subject: '' };
  }
}

/** Only a user's sessions are ended one by one. */
async function selectNone(runner: Runner): Promise<RaiseOutcome> {
  const [first] = runner.partitions;
  if (first === undefined) throw new RangeError('there is no partition');
  const { head } = await runner.readFenced(first, 'raise_look', namesOf({ kind: 'global' }));
  return { kind: 'done', count: 0, repeated: false, head };
}

function partitionOfKey(runner: Runner, key: string): PartitionKeys {
  const bits = Buffer.from(key, 'base64url').toString('hex').slice(0, 4);
  return runner.partitions[partitionOf(bits, runner.partitions.length)] ?? runner.partitionOf('');
}

export async function count(runner: Runner, command: RaiseCommand): Promise<CountOutcome> {
  const { scope } = command;
  if (scope.kind !== 'user') {
    if (command.exceptSessionId !== '') return { kind: 'except_unknown' };
    const counts = await Promise.all(runner.partitions.map((partition) => countPages(runner, partition, scope)));
    return { kind: 'counted', count: counts.reduce((sum, each) => sum + each, 0) };
  }
  const step = await runner.run(runner.partitionOfUser(scope.tenantId, scope.userId), 'count_user', {
    ...command,
    ...scope,
  });
  switch (step.kind) {
    case 'counted':
      return { kind: 'counted', count: number(step.rest[0]) };
    case 'except_unknown':
    case 'except_ended':
      return { kind: step.kind };
    default:
      throw unexpected(step);
  }
}

/** Page by page, so that nobody waits for long: sessions that begin or end meanwhile may be counted or not. */
async function countPages(runner: Runner, partition: PartitionKeys, scope: WideScope): Promise<number> {
  const tenantId = scope.kind === 'global' ? null : scope.tenantId;
  const clientId = scope.kind === 'client' ? scope.clientId : null;
  let counted = 0;
  for (let first = 0; ; first += COUNT_PAGE) {
    const last = first + COUNT_PAGE - 1;
    const step = await runner.run(partition, 'count_page', { first, last, tenantId, clientId });
    counted += number(step.rest[0]);
    if (number(step.rest[1]) < COUNT_PAGE) return counted;
  }
}

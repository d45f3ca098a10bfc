import type { LogEntry, LogPosition } from '../../revocation/log.ts';
import type { Begun } from '../../domain/store.ts';
import { list, number, type Reply, text, toEntries, toRecord } from './rows.ts';
import { type Kind, kindOf } from './scripts.ts';

/** What a script on a partition answered. */
export interface Step {
  readonly kind: Kind;
  readonly nowMs: number;
  /** Of the partition's log, after the step. */
  readonly head: LogPosition;
  readonly appended: readonly LogEntry[];
  /** What the kind brings besides. */
  readonly rest: readonly Reply[];
}

export function toStep(partition: number, reply: Reply): Step {
  const [kind, nowMs, position, tag, appended, ...rest] = list(reply);
  return {
    kind: kindOf(number(kind)),
    nowMs: number(nowMs),
    head: { partition, position: number(position), tag: text(tag) },
    appended: toEntries(partition, list(appended)),
    rest,
  };
}

/** A session that the step began: record, ended ids, head of the revocation and its partition (-1 = the step's own). */
export function toBegun({ nowMs, head, rest }: Step): Begun {
  const [record, ended, position, tag, partition] = rest;
  const own = number(partition) === -1;
  return {
    record: toRecord(record),
    endedSessionIds: list(ended).map(text),
    head:
      number(position) === 0
        ? null
        : { partition: own ? head.partition : number(partition), position: number(position), tag: text(tag) },
    nowMs,
  };
}

/** The entry that a step names as the one to wait for. */
export function positionIn(step: Step, position: Reply | undefined, tag: Reply | undefined): LogPosition {
  return { partition: step.head.partition, position: number(position), tag: text(tag) };
}

/** A kind that the script of this operation does not give. */
export function unexpected({ kind }: Step): Error {
  return new Error(`the script gave the outcome ${kind}, which is not one of its own`);
}

/** A reply with text in the place of bytes: what can be handed to a script again. */
export function plain(reply: Reply | undefined): Reply {
  if (reply instanceof Buffer) return reply.toString();
  return Array.isArray(reply) ? (reply as readonly Reply[]).map(plain) : (reply ?? null);
}

/** Scripts have no null that is false: false stands for it. */
export function toJson(command: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(withoutNull(command));
}

/** JSON.stringify with a replacer takes several times as long. */
function withoutNull(value: unknown): unknown {
  if (value === null || value === undefined) return false;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutNull);
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) copy[name] = withoutNull(member);
  return copy;
}

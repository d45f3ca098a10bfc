import type { Revocation } from './revocation.ts';

/** Where a log stands: the position of an entry and the random tag that it got. */
export interface LogPosition {
  /** Which of the log's partitions; 0 on a store that has one. Positions of two partitions are not to be compared. */
  readonly partition: number;
  /** Dense per partition, in the order in which changes became visible; 0 before the first entry. */
  readonly position: number;
  /** Hex of 8 random bytes: positions can be used again after a failover, tags can not. */
  readonly tag: string;
}

/** The position before the first entry of the first partition. */
export const LOG_START: LogPosition = { partition: 0, position: 0, tag: '0000000000000000' };

/** A revocation in the log, chained to its predecessor by that one's tag. */
export interface LogEntry extends LogPosition {
  readonly previousTag: string;
  readonly revocation: Revocation;
}

/** Why a log does not go on from a position: that was trimmed away with what came before it, or the tail was lost that it is of. */
export type LogBreak = 'compacted' | 'truncated';

/** What is behind a position; where the log does not go on from there, what it holds from its low end on. */
export interface LogReading {
  readonly kind: 'continues' | LogBreak;
  /** Of one partition, oldest first. */
  readonly entries: readonly LogEntry[];
}

export type EntriesListener = (entries: readonly LogEntry[]) => void;

/** Told of the position before the first entry that is delivered next, and why it is not the last that was delivered. */
export type BreakListener = (from: LogPosition, kind: LogBreak) => void;

/** What a log with these entries at its low end has before the first of them. */
export function floorOf(partition: number, [first]: readonly LogEntry[]): LogPosition {
  if (first === undefined) return { ...LOG_START, partition };
  return { partition, position: first.position - 1, tag: first.previousTag };
}

/**
 * The reading side of a store's revocation log. The store appends in the same atomic step as the
 * change of state. The live log is the snapshot: an entry matters until its discard time only.
 */
export interface RevocationLog {
  /** Identifies the store; positions and tags mean nothing in another. */
  readonly storeId: string;
  /** How many partitions the log has, for as long as the store exists. */
  readonly partitions: number;
  /**
   * Delivers the live log at once, or as soon as it is read, and then every later entry, in the order of its
   * partition. What this process appended is delivered before the step that appended it answers. One revocation may
   * have an entry in every partition: such copies carry one tag. Where a partition does not go on from what was
   * delivered before, `onBreak` is told from where on it is delivered instead: its low end. One follows at a time.
   */
  follow(onEntries: EntriesListener, onBreak?: BreakListener): void;
  /**
   * Delivers what other processes appended and can be had without waiting; returns how many ms what was delivered may
   * lag behind the store: Infinity where that is not known, as before the live log is there.
   */
  freshen(): number;
  /**
   * At most `count` entries behind a position of its partition, as the server holds them that is asked; a position
   * beyond the head is of a lost tail there.
   *
   * @throws {SessionError} STORE_UNAVAILABLE
   */
  after(position: LogPosition, count: number): Promise<LogReading>;
}

/** How a log whose low end is `low` stands to a position where it holds no such entry. */
export function readingFrom({ partition, position, tag }: LogPosition, low: readonly LogEntry[]): LogReading {
  const floor = floorOf(partition, low);
  if (position === floor.position && tag === floor.tag) return { kind: 'continues', entries: low };
  return { kind: position < floor.position ? 'compacted' : 'truncated', entries: low };
}

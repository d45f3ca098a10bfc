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

/**
 * The reading side of a store's revocation log. The store appends in the same atomic step as the
 * change of state. The live log is the snapshot: an entry matters until its discard time only.
 */
export interface RevocationLog {
  /** Identifies the store; positions and tags mean nothing in another. */
  readonly storeId: string;
  /**
   * Delivers the live log at once, or as soon as it is read, and then every later entry, in the order of its
   * partition. What this process appended is delivered before the step that appended it answers. One revocation may
   * have an entry in every partition: such copies carry one tag. Where the store lost the tail of a partition that was
   * delivered before, that partition is delivered anew from its low end.
   */
  follow(listener: (entries: readonly LogEntry[]) => void): void;
  /**
   * Delivers what other processes appended and can be had without waiting; returns how many ms what was delivered may
   * lag behind the store: Infinity where that is not known, as before the live log is there.
   */
  freshen(): number;
}

import type { Revocation } from './revocation.ts';

/** Where a log stands: the position of an entry and the random tag that it got. */
export interface LogPosition {
  /** Dense per partition, in the order in which changes became visible; 0 before the first entry. */
  readonly position: number;
  /** Hex of 8 random bytes: positions can be used again after a failover, tags can not. */
  readonly tag: string;
}

/** The position before the first entry. */
export const LOG_START: LogPosition = { position: 0, tag: '0000000000000000' };

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
   * Delivers the live log at once and then every later entry, in order. What this process appended
   * is delivered before the step that appended it answers.
   */
  follow(listener: (entries: readonly LogEntry[]) => void): void;
  /**
   * Delivers what other processes appended; returns how many ms what was delivered may lag behind the store, Infinity
   * where that is not known.
   */
  freshen(): number;
}

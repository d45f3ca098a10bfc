import type { LogPosition, RevocationLog } from './log.ts';
import { positionIn, RevocationRing, movedTo, type LogPositions } from './ring.ts';
import type { Revocation } from './revocation.ts';
import { RevocationSet, type TokenIdentity } from './set.ts';

/** How often to look at a log that tells of nothing by itself. */
const LOOK_MS = 20;

/**
 * Follows a store's log for one process: feeds the RevocationSet, from which LOCAL validation answers, and the ring,
 * from which subscribers are sent what they lack.
 */
export class RevocationFeed {
  readonly storeId: string;
  readonly partitions: number;
  readonly ring: RevocationRing;
  readonly #log: RevocationLog;
  readonly #set = new RevocationSet();
  #applied: LogPositions = [];
  #listeners: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  /** @param now the store's time in ms: what the log keeps beyond its discard time is not taken in */
  constructor(log: RevocationLog, now: () => number) {
    this.storeId = log.storeId;
    this.partitions = log.partitions;
    this.#log = log;
    this.ring = new RevocationRing(log.partitions, () => {
      for (const listener of this.#listeners) listener();
    });
    log.follow(
      (entries) => {
        const nowMs = now();
        for (const { revocation } of entries) {
          // A head stays in the log for its position's sake, however old it is.
          if ((revocation.discardTimeMs ?? nowMs) >= nowMs) this.#set.apply(revocation);
        }
        this.#applied = movedTo(this.#applied, entries);
        this.ring.add(entries);
        for (const wake of this.#waiting) wake();
      },
      (from, kind) => {
        this.#applied = movedTo(this.#applied, [from]);
        this.ring.break(from, kind);
      },
    );
  }

  check(token: TokenIdentity): ReturnType<RevocationSet['check']> {
    return this.#set.check(token);
  }

  /** What is held, read without a copy; see RevocationSet. */
  revocations(): Iterable<Revocation> {
    return this.#set.revocations();
  }

  /** Takes in what can be had without waiting; returns how many ms the set may lag behind the store. */
  freshen(): number {
    return this.#log.freshen();
  }

  /** Forgets revocations that nothing can be accepted for any more; see RevocationSet. */
  discard(nowMs: number): Promise<void> {
    return this.#set.discard(nowMs);
  }

  /** Reads the store's log; see RevocationLog. */
  after(position: LogPosition, count: number): ReturnType<RevocationLog['after']> {
    return this.#log.after(position, count);
  }

  /** Calls back after every batch of the ring, until the returned function is called. */
  onBatch(listener: () => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Whether the entry at `position` was applied before `deadlineMs` (this process's clock). */
  async waitFor({ partition, position, tag }: LogPosition, deadlineMs: number): Promise<boolean> {
    // Before the first entry there is nothing to wait for.
    if (position === 0) return true;
    for (;;) {
      this.#log.freshen();
      const applied = positionIn(this.#applied, partition);
      if (applied.position > position || (applied.position === position && applied.tag === tag)) return true;
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) return false;
      await this.#delivery(Math.min(leftMs, LOOK_MS));
    }
  }

  /** Until something was delivered, or the time is over. */
  #delivery(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, atMostMs);
      this.#waiting.add(wake);
    });
  }
}

import type { LogPosition, RevocationLog } from './log.ts';
import { RevocationRing } from './ring.ts';
import type { Revocation } from './revocation.ts';
import { RevocationSet, type TokenIdentity } from './set.ts';

/** Entries that are kept for subscribers who are behind: at about 0.5 KiB each. */
const RING_ENTRIES = 65_536;

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
  #listeners: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  /** @param now the store's time in ms: what the log keeps beyond its discard time is not taken in */
  constructor(log: RevocationLog, now: () => number, ringEntries = RING_ENTRIES) {
    this.storeId = log.storeId;
    this.partitions = log.partitions;
    this.#log = log;
    const onBatch = () => {
      for (const listener of this.#listeners) listener();
    };
    this.ring = new RevocationRing(log.partitions, onBatch, ringEntries);
    log.follow(
      (entries) => {
        const nowMs = now();
        for (const { revocation } of entries) {
          // A head stays in the log for its position's sake, however old it is.
          if ((revocation.discardTimeMs ?? nowMs) >= nowMs) this.#set.apply(revocation);
        }
        this.ring.add(entries);
        for (const wake of this.#waiting) wake();
      },
      (from, kind) => this.ring.break(from, kind),
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

  /** Whether the entry at the position was applied before `deadlineMs` (this process's clock). One that the log has lost never is. */
  async waitFor(at: LogPosition, deadlineMs: number): Promise<boolean> {
    // Before the first entry there is nothing to wait for.
    if (at.position === 0) return true;
    for (;;) {
      this.#log.freshen();
      this.ring.flush();
      const { kind } = this.ring.locate([at]);
      if (kind === 'here' || kind === 'behind') return true;
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

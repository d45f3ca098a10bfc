import { setTimeout as sleep } from 'node:timers/promises';
import type { LogPosition, RevocationLog } from './log.ts';
import { RevocationSet, type TokenIdentity } from './set.ts';

const POLL_MS = 5;

/** Feeds one RevocationSet from a store's log; LOCAL validation answers from it. */
export class RevocationFeed {
  readonly storeId: string;
  readonly #log: RevocationLog;
  readonly #set = new RevocationSet();
  /** By partition. */
  readonly #applied = new Map<number, LogPosition>();

  /** @param nowMs the store's time: what the log keeps beyond its discard time is not taken in */
  constructor(log: RevocationLog, nowMs: number) {
    this.storeId = log.storeId;
    this.#log = log;
    log.follow((entries) => {
      for (const entry of entries) {
        const { revocation, partition } = entry;
        // A head stays in the log for its position's sake, however old it is.
        if ((revocation.discardTimeMs ?? nowMs) >= nowMs) this.#set.apply(revocation);
        this.#applied.set(partition, entry);
      }
    });
  }

  check(token: TokenIdentity): ReturnType<RevocationSet['check']> {
    return this.#set.check(token);
  }

  /** Takes in what can be had without waiting; returns how many ms the set may lag behind the store. */
  freshen(): number {
    return this.#log.freshen();
  }

  /** Forgets revocations that nothing can be accepted for any more. */
  discard(nowMs: number): void {
    this.#set.discard(nowMs);
  }

  /** Whether the entry at `position` was applied before `deadlineMs` (this process's clock). */
  async waitFor({ partition, position, tag }: LogPosition, deadlineMs: number): Promise<boolean> {
    // Before the first entry there is nothing to wait for.
    if (position === 0) return true;
    for (;;) {
      this.#log.freshen();
      const applied = this.#applied.get(partition);
      if (applied !== undefined) {
        if (applied.position > position || (applied.position === position && applied.tag === tag)) return true;
      }
      if (Date.now() >= deadlineMs) return false;
      await sleep(POLL_MS);
    }
  }
}

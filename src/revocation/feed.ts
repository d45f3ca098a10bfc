import { setTimeout as sleep } from 'node:timers/promises';
import { LOG_START, type LogPosition, type RevocationLog } from './log.ts';
import { RevocationSet, type TokenIdentity } from './set.ts';

const POLL_MS = 5;

/** Feeds one RevocationSet from a store's log; LOCAL validation answers from it. */
export class RevocationFeed {
  readonly storeId: string;
  readonly #log: RevocationLog;
  readonly #set = new RevocationSet();
  #applied: LogPosition = LOG_START;

  /** @param nowMs the store's time: what the log keeps beyond its discard time is not taken in */
  constructor(log: RevocationLog, nowMs: number) {
    this.storeId = log.storeId;
    this.#log = log;
    log.follow((entries) => {
      for (const entry of entries) this.#set.apply(entry.revocation);
      this.#applied = entries.at(-1) ?? this.#applied;
    });
    // The head stays in the log for its position's sake, however old it is.
    this.discard(nowMs);
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
  async waitFor({ position, tag }: LogPosition, deadlineMs: number): Promise<boolean> {
    for (;;) {
      this.#log.freshen();
      const { position: applied, tag: appliedTag } = this.#applied;
      if (applied > position || (applied === position && appliedTag === tag)) return true;
      if (Date.now() >= deadlineMs) return false;
      await sleep(POLL_MS);
    }
  }
}

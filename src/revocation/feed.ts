import { setTimeout as sleep } from 'node:timers/promises';
import type { LogPosition, RevocationLog } from './log.ts';
import { RevocationSet, type TokenIdentity } from './set.ts';

const POLL_MS = 5;

/** Feeds one RevocationSet from a store's log; LOCAL validation answers from it. */
export class RevocationFeed {
  readonly storeId: string;
  readonly #log: RevocationLog;
  readonly #set = new RevocationSet();
  #applied = 0;

  constructor(log: RevocationLog) {
    this.storeId = log.storeId;
    this.#log = log;
    log.follow((entries) => {
      for (const entry of entries) this.#set.apply(entry.revocation);
      this.#applied = entries.at(-1)?.position ?? this.#applied;
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
  async waitFor({ position }: LogPosition, deadlineMs: number): Promise<boolean> {
    for (;;) {
      this.#log.freshen();
      if (this.#applied >= position) return true;
      if (Date.now() >= deadlineMs) return false;
      await sleep(POLL_MS);
    }
  }
}

import type { KeyStore, Lease, SessionStore, SweepResult } from '../domain/store.ts';
import type { RevocationFeed } from '../revocation/feed.ts';
import type { Log } from '../telemetry/log.ts';
import type { KeyRing } from '../token/key_ring.ts';
import { rotateKeys } from './keys.ts';

/** How often there is something to look after. */
const PERIOD_MS = 60_000;

/** Rows of each kind that one sweep removes, between two requests. */
const BATCH = 200;

/** Of several instances one sweeps; another takes over when it has not asked for this long. */
const SWEEP_LEASE_MS = 3 * PERIOD_MS;

/** What is looked after. */
export interface UpkeepParts {
  readonly store: SessionStore & KeyStore & Lease;
  readonly feed: RevocationFeed;
  readonly keys: KeyRing;
  readonly now: () => number;
  readonly log: Log;
}

/** Sweeps, forgets and rotates once a minute, until the returned function is called. */
export function startUpkeep(parts: UpkeepParts): () => Promise<void> {
  const stop = new AbortController();
  const upkeep = new Upkeep(parts, stop.signal);
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => upkeep.run());
  }, PERIOD_MS);
  timer.unref();
  return async () => {
    stop.abort();
    clearInterval(timer);
    await running;
  };
}

/** The work of one instance, until `signal` ends it. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #signal: AbortSignal;
  #sweeps = false;

  constructor(parts: UpkeepParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** One round; a fault in one task is logged and does not keep the others from running. */
  async run(): Promise<void> {
    const { store, keys, feed, now, log } = this.#parts;
    const tasks: Readonly<Record<string, () => Promise<void> | void>> = {
      'rotate keys': () => rotateKeys(store, keys, now),
      'forget revocations': () => feed.discard(now()),
      sweep: () => this.#sweepUnderLease(),
    };
    for (const [task, run] of Object.entries(tasks)) {
      if (this.#signal.aborted) return;
      try {
        await run();
      } catch (error) {
        log.error('upkeep failed', { task, error });
      }
    }
  }

  async #sweepUnderLease(): Promise<void> {
    const { log } = this.#parts;
    const had = this.#sweeps;
    this.#sweeps = await this.#holdLease();
    if (this.#sweeps !== had) log.info(this.#sweeps ? 'sweep lease taken' : 'sweep lease lost', { task: 'sweep' });
    if (!this.#sweeps) return;
    const removed = await this.#sweepAll();
    const { sessions, requests, epochs, logEntries } = removed;
    if (sessions + requests + epochs + logEntries === 0) return;
    log.info('swept', { task: 'sweep', sessions, requests, epochs, logEntries });
  }

  /** Batch by batch, so that requests come in between; ends early where the lease is lost. */
  async #sweepAll(): Promise<SweepResult> {
    let total: SweepResult = { sessions: 0, requests: 0, epochs: 0, logEntries: 0, more: true };
    while (total.more && !this.#signal.aborted && (await this.#holdLease())) {
      const swept = await this.#parts.store.sweep(BATCH);
      total = {
        sessions: total.sessions + swept.sessions,
        requests: total.requests + swept.requests,
        epochs: total.epochs + swept.epochs,
        logEntries: total.logEntries + swept.logEntries,
        more: swept.more,
      };
      await new Promise((resolve) => setImmediate(resolve));
    }
    return total;
  }

  #holdLease(): Promise<boolean> {
    return this.#parts.store.holdLease('sweep', SWEEP_LEASE_MS);
  }
}

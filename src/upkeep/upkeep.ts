import type { KeyStore, SessionStore } from '../domain/store.ts';
import type { RevocationFeed } from '../revocation/feed.ts';
import type { KeyRing } from '../token/key_ring.ts';
import { rotateKeys } from './keys.ts';

/** How often there is something to look after. */
const PERIOD_MS = 60_000;

/** Rows of each kind that one sweep removes, between two requests. */
const BATCH = 200;

/** What is looked after. */
export interface UpkeepParts {
  readonly store: SessionStore & KeyStore;
  readonly feed: RevocationFeed;
  readonly keys: KeyRing;
  readonly now: () => number;
  readonly onFault: (task: string, error: unknown) => void;
}

/** Sweeps, forgets and rotates once a minute, until the returned function is called. */
export function startUpkeep(parts: UpkeepParts): () => Promise<void> {
  const stop = new AbortController();
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => runUpkeep(parts, stop.signal));
  }, PERIOD_MS);
  timer.unref();
  return async () => {
    stop.abort();
    clearInterval(timer);
    await running;
  };
}

/** One round; a fault in one task is reported and does not keep the others from running. */
export async function runUpkeep(parts: UpkeepParts, signal: AbortSignal): Promise<void> {
  const tasks: Readonly<Record<string, () => Promise<void> | void>> = {
    'rotate keys': () => rotateKeys(parts.store, parts.keys, parts.now),
    'forget revocations': () => parts.feed.discard(parts.now()),
    sweep: () => sweepAll(parts.store, signal),
  };
  for (const [task, run] of Object.entries(tasks)) {
    if (signal.aborted) return;
    try {
      await run();
    } catch (error) {
      parts.onFault(task, error);
    }
  }
}

/** Batch by batch, so that requests come in between. */
async function sweepAll(store: SessionStore, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { more } = await store.sweep(BATCH);
    if (!more) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

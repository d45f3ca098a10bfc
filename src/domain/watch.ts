import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';
import { SessionError } from '../error.ts';
import { Subscription, TICK_MS, type Turns } from './subscription.ts';
import { type Freshness, type Subscriber, WatchFrames, type WatchParts, type WatchRequest } from './watch_frames.ts';

/** Of streams that read the store's log at once. */
const READERS = 4;

/** Streams come back at random within this, and this much longer for each of them. */
const RETRY_MS = 1000;
const RETRY_MS_PER_STREAM = 2;

/** All watch streams of a process. */
export class RevocationWatch {
  readonly #parts: WatchParts;
  readonly #frames: WatchFrames;
  readonly #turns = takeTurns();
  readonly #subscriptions = new Set<Subscription>();
  readonly #stopListening: () => void;
  readonly #ticker: NodeJS.Timeout;
  #freshAtMs = performance.now();
  #isClosed = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#frames = new WatchFrames(parts);
    this.#stopListening = parts.feed.onBatch(() => {
      for (const subscription of this.#subscriptions) subscription.wake();
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  get streams(): number {
    return this.#subscriptions.size;
  }

  /**
   * Begins a stream, which lasts until the service ends it or its subscriber closes it.
   *
   * @throws {SessionError} RATE_LIMITED, INVALID_TOKEN_PARAMETER
   */
  open(request: WatchRequest, subscriber: Subscriber): Subscription {
    if (this.#isClosed || this.streams >= this.#parts.maxStreams) {
      throw new SessionError('RATE_LIMITED', 'this instance takes no more watch streams; try another, or later', {
        retryAfterMs: this.#retryAfterMs(),
      });
    }
    const { feed, cursors } = this.#parts;
    const subscription = new Subscription({
      feed,
      cursors,
      frames: this.#frames,
      turns: this.#turns,
      request,
      subscriber,
      onOver: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    void subscription.run();
    return subscription;
  }

  /** Tells every subscriber to come back elsewhere, and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    clearInterval(this.#ticker);
    const frame = this.#frames.encode({ kind: 'closing', retryAfterMs: this.#retryAfterMs() });
    for (const subscription of this.#subscriptions) subscription.finish(frame);
  }

  #retryAfterMs(): number {
    return RETRY_MS + this.streams * RETRY_MS_PER_STREAM;
  }

  #tick(): void {
    const freshness = this.#freshness();
    // What was applied by then is sent before the checkpoint.
    this.#parts.feed.ring.flush();
    for (const subscription of this.#subscriptions) subscription.tick(freshness);
  }

  #freshness(): Freshness {
    const { feed, now } = this.#parts;
    const nowMs = performance.now();
    try {
      this.#freshAtMs = nowMs - feed.freshen();
    } catch {
      // What the store does not tell is not known.
    }
    return { stalenessMs: Math.ceil(nowMs - this.#freshAtMs), asOfMs: now() };
  }
}

function takeTurns(): Turns {
  const snapshots = pLimit(1);
  const readers = pLimit(READERS);
  return {
    snapshot: (work) =>
      snapshots(async () => {
        await nextTurn();
        return work();
      }),
    // A store in this process answers at once.
    read: (work) =>
      readers(async () => {
        await nextTurn();
        return work();
      }),
  };
}

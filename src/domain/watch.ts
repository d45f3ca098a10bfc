import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { SessionError } from '../error.ts';
import { type Caller, otherTenant, serves } from './caller.ts';
import { Subscription, type SubscriptionParts, TICK_MS, type Turns } from './subscription.ts';
import {
  type Freshness,
  type Subscriber,
  WatchFilter,
  WatchFrames,
  type WatchParts,
  type WatchRequest,
} from './watch_frames.ts';

/** Of streams that read the store's log at once. */
const READERS = 4;

/** Of one caller's streams that are sent a snapshot at once; the others wait. */
const SNAPSHOTS_PER_CALLER = 8;

/** Streams come back at random within this, and this much longer for each of them. */
const RETRY_MS = 1000;
const RETRY_MS_PER_STREAM = 2;

/** All watch streams of a process. */
export class RevocationWatch {
  readonly #parts: WatchParts;
  readonly #frames: WatchFrames;
  /** What all streams share. */
  readonly #shared: SubscriptionParts;
  readonly #subscriptions = new Map<Subscription, Caller>();
  /** Those that have streams, by name. */
  readonly #watchers = new Map<string, Watcher>();
  readonly #stopListening: () => void;
  readonly #ticker: NodeJS.Timeout;
  #freshAtMs = performance.now();
  #isClosed = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#frames = new WatchFrames(parts);
    this.#shared = { feed: parts.feed, cursors: parts.cursors, frames: this.#frames, turns: takeTurns() };
    this.#stopListening = parts.feed.onBatch(() => {
      for (const subscription of this.#subscriptions.keys()) subscription.wake();
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  get streams(): number {
    return this.#subscriptions.size;
  }

  /**
   * Begins a stream, which lasts until the service ends it or its subscriber closes it.
   *
   * @throws {SessionError} CALLER_NOT_ALLOWED, RATE_LIMITED, INVALID_TOKEN_PARAMETER
   */
  open(request: WatchRequest, caller: Caller, subscriber: Subscriber): Subscription {
    const filter = filterOf(request, caller);
    if (this.#isClosed || this.streams >= this.#parts.maxStreams) throw this.#noMore('this instance takes');
    const watcher = this.#watchers.get(caller.name) ?? { streams: 0, snapshots: pLimit(SNAPSHOTS_PER_CALLER) };
    if (watcher.streams >= this.#parts.maxStreamsPerCaller) throw this.#noMore('the caller may have');
    const subscription = new Subscription(this.#shared, {
      request,
      filter,
      subscriber,
      held: watcher.snapshots,
      onOver: () => this.#forget(subscription, caller, watcher),
    });
    this.#subscriptions.set(subscription, caller);
    watcher.streams += 1;
    this.#watchers.set(caller.name, watcher);
    void subscription.run();
    return subscription;
  }

  /** Tells the subscribers of some callers to come back, since what they may see has changed. */
  endStreamsOf(hasChanged: (caller: Caller) => boolean): void {
    const frame = this.#frames.encode({ kind: 'closing', retryAfterMs: RETRY_MS });
    for (const [subscription, caller] of this.#subscriptions) {
      if (hasChanged(caller)) subscription.finish(frame);
    }
  }

  /** Tells every subscriber to come back elsewhere, and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    clearInterval(this.#ticker);
    const frame = this.#frames.encode({ kind: 'closing', retryAfterMs: this.#retryAfterMs() });
    for (const subscription of this.#subscriptions.keys()) subscription.finish(frame);
  }

  #forget(subscription: Subscription, caller: Caller, watcher: Watcher): void {
    this.#subscriptions.delete(subscription);
    watcher.streams -= 1;
    if (watcher.streams === 0) this.#watchers.delete(caller.name);
  }

  #noMore(who: string): SessionError {
    return new SessionError('RATE_LIMITED', `${who} no more watch streams; try another instance, or later`, {
      retryAfterMs: this.#retryAfterMs(),
    });
  }

  #retryAfterMs(): number {
    return RETRY_MS + this.streams * RETRY_MS_PER_STREAM;
  }

  #tick(): void {
    const freshness = this.#freshness();
    // What was applied by then is sent before the checkpoint.
    this.#parts.feed.ring.flush();
    for (const subscription of this.#subscriptions.keys()) subscription.tick(freshness);
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

/** What one caller has open. */
interface Watcher {
  streams: number;
  readonly snapshots: LimitFunction;
}

/** A stream that tells nothing of what it was asked for would pass for one that has nothing to tell: it is refused. */
function filterOf({ tenantIds }: WatchRequest, caller: Caller): WatchFilter {
  if (tenantIds.length === 0) return new WatchFilter(caller.tenantIds);
  const index = tenantIds.findIndex((tenantId) => !serves(caller, tenantId));
  if (index >= 0) throw otherTenant(`tenant_ids[${index}]`);
  return new WatchFilter(tenantIds);
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

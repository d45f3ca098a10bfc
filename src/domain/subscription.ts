import { setTimeout as sleep } from 'node:timers/promises';
import { SessionError } from '../error.ts';
import type { RevocationFeed } from '../revocation/feed.ts';
import type { LogPosition } from '../revocation/log.ts';
import { type Batch, BATCH_ENTRIES, isCovered, type LogPositions, movedTo, positionIn } from '../revocation/ring.ts';
import { STORE_DEADLINE_MS } from './limits.ts';
import type { WatchCursors } from './watch_cursor.ts';
import {
  type Freshness,
  type ResetCause,
  type Subscriber,
  type WatchFilter,
  type WatchFrames,
  type WatchRequest,
} from './watch_frames.ts';

/** How often streams are looked after; a heartbeat is early by this much at most. */
export const TICK_MS = 50;

/** One that takes nothing for this long is ended. */
const BLOCKED_MS = 10_000;

const LOOK_MS = 20;

/** Work of which only so much is done at once, for whichever stream. */
export interface Turns {
  /** Chunk by chunk, each in a turn of its own after whatever else there is to do. */
  readonly snapshot: <T>(work: () => T) => Promise<T>;
  /** Of the store's log. */
  readonly read: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What the streams of a process share. */
export interface SubscriptionParts {
  readonly feed: RevocationFeed;
  readonly cursors: WatchCursors;
  readonly frames: WatchFrames;
  readonly turns: Turns;
}

/** What a stream has for itself. */
export interface SubscriptionOptions {
  readonly request: WatchRequest;
  readonly filter: WatchFilter;
  readonly subscriber: Subscriber;
  /** Sends all that an instance holds; for one caller only so often at once. */
  readonly held: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onOver: () => void;
}

/** The stream is over, and whatever was being done for it. */
const OVER = new Error('the stream is over');

const NOTHING_TO_DO = () => {};

/**
 * One watch stream. It begins with a snapshot, or with what the store's log holds behind a cursor; then it is a position in
 * the ring, from which it is sent what comes whenever its subscriber takes it.
 */
export class Subscription {
  // Idle streams are many: each holds what it needs till its end, and no more.
  readonly #parts: SubscriptionParts;
  readonly #filter: WatchFilter;
  readonly #subscriber: Subscriber;
  readonly #held: SubscriptionOptions['held'];
  readonly #onOver: () => void;
  readonly #heartbeatMs: number;
  /** Where it is to go on from: positions, a snapshot (null), or a snapshot since the cursor is of something else. */
  #from: LogPositions | 'foreign' | null;
  #isOpened = false;
  #isOver = false;
  /** Whether it is sent what comes; else what is behind it is being sent first. */
  #isLive = false;
  /** Of the ring: the next batch, and how often the log had broken when that was known. */
  #next = 0;
  #breaks = 0;
  /** What it had beyond the start of the next batch; null where that is where it stands. */
  #ahead: LogPositions | null = null;
  #blockedAtMs: number | null = null;
  #resume: () => void = NOTHING_TO_DO;
  #lastFrameMs = performance.now();
  #lastCheckpointMs = performance.now();
  /** What to send when nothing else comes for a while, before it is live. */
  #signOfLife: (() => Buffer) | null = null;

  /** @throws {SessionError} INVALID_TOKEN_PARAMETER */
  constructor(parts: SubscriptionParts, { request, filter, subscriber, held, onOver }: SubscriptionOptions) {
    const { cursor, heartbeatMs } = request;
    this.#parts = parts;
    this.#filter = filter;
    this.#subscriber = subscriber;
    this.#held = held;
    this.#onOver = onOver;
    this.#heartbeatMs = heartbeatMs;
    this.#from = cursor.length === 0 ? null : (parts.cursors.parse(this.#filter.key, cursor) ?? 'foreign');
  }

  /** Until it is live, or over. */
  async run(): Promise<void> {
    await this.#guarded(async () => {
      await this.#firstSync();
      const from = this.#from;
      this.#from = null;
      const cause = from === null || from === 'foreign' ? from : await this.#goOnFrom(from);
      if (cause !== null || from === null) await this.#snapshot(cause);
    });
  }

  /** The subscriber takes frames again. */
  drained(): void {
    this.#blockedAtMs = null;
    this.#resume();
    this.wake();
  }

  /** The subscriber has gone. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#resume();
    this.#onOver();
  }

  /** Sends a last frame, if the subscriber takes one, and ends the stream. */
  finish(frame: Buffer): void {
    if (this.#isOver) return;
    const isBlocked = this.#blockedAtMs !== null;
    if (this.#isOpened && !isBlocked) this.#write(frame);
    // It may be blocked by that very frame, which it is to be sent yet.
    if (!isBlocked) this.#blockedAtMs = null;
    this.#end(this.#isOpened ? null : notCaughtUp());
  }

  /** There may be something in the ring. What goes wrong with one stream is not to keep others from being told. */
  wake(): void {
    try {
      this.#sendNews();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #sendNews(): void {
    const { feed, frames } = this.#parts;
    const { ring } = feed;
    while (this.#isLive && this.#blockedAtMs === null && !this.#isOver) {
      if (ring.breaks !== this.#breaks) return this.#startAnew(ring.lastBreak);
      if (this.#next === ring.next) return;
      const batch = ring.batch(this.#next);
      if (batch === undefined) return this.#startAnew('lagged');
      const sequence = this.#next;
      this.#next += 1;
      const frame =
        this.#ahead === null ? frames.ofBatch(sequence, batch, this.#filter) : this.#restOf(batch, this.#ahead);
      if (frame !== null) this.#write(frame);
    }
  }

  /** Called every TICK_MS, with all that was applied by then in the ring. */
  tick(freshness: Freshness): void {
    try {
      this.#beat(freshness);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #beat(freshness: Freshness): void {
    const heartbeatMs = this.#heartbeatMs;
    const nowMs = performance.now();
    if (this.#blockedAtMs !== null) {
      if (nowMs - this.#blockedAtMs > BLOCKED_MS) this.#end(notRead());
      return;
    }
    if (this.#isLive) {
      if (nowMs + TICK_MS - this.#lastCheckpointMs < heartbeatMs) return;
      const { ring } = this.#parts.feed;
      // It covers what was sent, and that is all there is.
      if (this.#next !== ring.next || this.#breaks !== ring.breaks) return;
      // Streams that began together part here, so that not all are due at once.
      const isFirst = this.#lastCheckpointMs === Number.NEGATIVE_INFINITY;
      this.#lastCheckpointMs = isFirst ? nowMs - Math.random() * heartbeatMs : nowMs;
      this.#write(this.#parts.frames.ofCheckpoint(this.#filter, ring.heads, freshness));
      return;
    }
    if (!this.#isOpened || nowMs + TICK_MS - this.#lastFrameMs < heartbeatMs) return;
    if (this.#signOfLife !== null) this.#write(this.#signOfLife());
  }

  /** Before that nothing is known of what was revoked. */
  async #firstSync(): Promise<void> {
    const sinceMs = performance.now();
    while (this.#parts.feed.freshen() === Number.POSITIVE_INFINITY) await this.#pauseSince(sinceMs);
  }

  /** Sends the snapshot and what came meanwhile; once more where the log breaks in between. */
  async #snapshot(why: ResetCause | null): Promise<void> {
    const { frames } = this.#parts;
    this.#open('snapshot');
    let cause = why;
    do {
      this.#signOfLife = () => frames.encode({ kind: 'snapshot', revocations: [], cursor: null });
      if (cause !== null) await this.#send(frames.encode({ kind: 'reset', cause }));
      const from = await this.#held(() => this.#sendHeld());
      const cursor = frames.cursor(this.#filter, from);
      this.#signOfLife = () => frames.encode({ kind: 'batch', revocations: [], cursor });
      await this.#send(frames.encode({ kind: 'snapshot', revocations: [], cursor }));
      cause = await this.#goOnFrom(from);
    } while (cause !== null);
  }

  /** Sends what the instance holds, not what is applied meanwhile, and tells from where that comes. */
  async #sendHeld(): Promise<LogPositions> {
    if (this.#isOver) throw OVER;
    const { feed, frames, turns } = this.#parts;
    // What is held already need not come again.
    feed.ring.flush();
    const from = feed.ring.heads;
    const chunks = frames.held(this.#filter);
    for (;;) {
      const chunk = await turns.snapshot(() => chunks.next());
      if (this.#isOver) throw OVER;
      if (chunk.done === true) return from;
      if (chunk.value.length === 0) continue;
      await this.#send(frames.encode({ kind: 'snapshot', revocations: chunk.value, cursor: null }));
    }
  }

  /** Sends what the ring does not hold any more, and goes live; or tells why what is behind the positions can't be had. */
  async #goOnFrom(start: LogPositions): Promise<ResetCause | null> {
    const { feed, turns } = this.#parts;
    const sinceMs = performance.now();
    let positions = start;
    for (;;) {
      const askedMs = performance.now() - sinceMs;
      const stalenessMs = feed.freshen();
      feed.ring.flush();
      const place = feed.ring.locate(positions);
      switch (place.kind) {
        case 'here':
          this.#open('resumed');
          this.#goLive(place.sequence, positions);
          return null;
        case 'truncated':
          return 'truncated';
        case 'ahead':
          // All that was in the store after the question came is here.
          if (stalenessMs < askedMs) return 'truncated';
          await this.#pauseSince(sinceMs);
          break;
        case 'behind': {
          const read = await turns.read(() => this.#read(positionIn(positions, place.partition)));
          if (!Array.isArray(read)) return read;
          positions = movedTo(positions, read);
          this.#open('resumed');
          await this.#sendRead(read, positions);
          break;
        }
      }
    }
  }

  /** Entries behind a position that the ring does not hold any more, and no further than the ring. */
  async #read(position: LogPosition) {
    if (this.#isOver) throw OVER;
    const { feed } = this.#parts;
    const { kind, entries } = await feed.after(position, BATCH_ENTRIES);
    if (this.#isOver) throw OVER;
    if (kind !== 'continues') return kind;
    const head = positionIn(feed.ring.heads, position.partition);
    const known = entries.filter((entry) => entry.position <= head.position);
    // The server that was asked is one that fell behind.
    if (known.length === 0) throw notCaughtUp();
    return known;
  }

  async #sendRead(entries: Batch['entries'], positions: LogPositions): Promise<void> {
    const { frames } = this.#parts;
    const cursor = frames.cursor(this.#filter, positions);
    this.#signOfLife = () => frames.encode({ kind: 'batch', revocations: [], cursor });
    const frame = frames.ofEntries(entries, this.#filter, positions);
    if (frame !== null) await this.#send(frame);
  }

  #goLive(sequence: number, positions: LogPositions): void {
    const { ring } = this.#parts.feed;
    const before = ring.batch(sequence)?.before ?? ring.heads;
    this.#ahead = isCovered(positions, before) ? null : positions;
    this.#next = sequence;
    this.#breaks = ring.breaks;
    this.#isLive = true;
    this.#signOfLife = null;
    // The first checkpoint comes at once: till then the subscriber does not know how fresh it is.
    this.#lastCheckpointMs = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  #startAnew(cause: ResetCause): void {
    this.#isLive = false;
    void this.#guarded(() => this.#snapshot(cause));
  }

  /** What a batch has beyond these positions, for this stream alone. */
  #restOf({ entries, after }: Batch, ahead: LogPositions): Buffer | null {
    const rest = entries.filter(({ partition, position }) => position > positionIn(ahead, partition).position);
    const positions = movedTo(ahead, rest);
    this.#ahead = isCovered(positions, after) ? null : positions;
    return this.#parts.frames.ofEntries(rest, this.#filter, positions);
  }

  #open(start: 'resumed' | 'snapshot'): void {
    if (this.#isOpened) return;
    this.#isOpened = true;
    const heartbeatMs = this.#heartbeatMs;
    const { tenantIds } = this.#filter;
    this.#write(this.#parts.frames.encode({ kind: 'opened', start, heartbeatMs, tenantIds }));
  }

  /** Writes, and waits until the subscriber takes more. */
  async #send(frame: Buffer): Promise<void> {
    this.#write(frame);
    while (this.#blockedAtMs !== null && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    this.#resume = NOTHING_TO_DO;
    if (this.#isOver) throw OVER;
  }

  #write(frame: Buffer): void {
    this.#lastFrameMs = performance.now();
    if (!this.#subscriber.write(frame)) this.#blockedAtMs ??= this.#lastFrameMs;
  }

  /** Waits a little for the store, which is waited for since then. */
  async #pauseSince(sinceMs: number): Promise<void> {
    if (performance.now() - sinceMs > STORE_DEADLINE_MS) throw notCaughtUp();
    await sleep(LOOK_MS);
    if (this.#isOver) throw OVER;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    if (!this.#isOver) this.#end(SessionError.from(thrown));
  }

  #end(reason: SessionError | null): void {
    this.close();
    if (this.#blockedAtMs === null) this.#subscriber.end(reason);
    else this.#subscriber.cutOff(reason);
  }
}

function notCaughtUp(): SessionError {
  return new SessionError('NOT_CAUGHT_UP', 'this instance lags behind the store; try again, or another instance');
}

function notRead(): SessionError {
  return new SessionError('RATE_LIMITED', 'the subscriber did not read for 10 s; resume from the last cursor', {
    retryAfterMs: 0,
  });
}

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SessionError } from '../error.ts';
import type { RevocationFeed } from '../revocation/feed.ts';
import type { LogBreak } from '../revocation/log.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { Batch, LogPositions } from '../revocation/ring.ts';
import type { WatchCursors } from './watch_cursor.ts';

/** Frames that are kept for whoever is sent the same, in all, and what one costs besides its bytes. */
const SHARED_BYTES = 8 << 20;
const ENTRY_BYTES = 256;

/** Entries in one chunk of a snapshot: the event loop stands still for about 1 ms while they are encoded. */
const CHUNK_ENTRIES = 128;

/** Entries looked at for one chunk, whether they pass the filter or not. */
const CHUNK_SCAN = 8 * CHUNK_ENTRIES;

const NOTHING = Buffer.alloc(0);

/** Why a stream can not go on from where it was. */
export type ResetCause = LogBreak | 'foreign' | 'lagged';

/** What a subscriber is sent; the contract's WatchRevocationsResponse. */
export type WatchFrame =
  | {
      readonly kind: 'opened';
      readonly start: 'resumed' | 'snapshot';
      readonly heartbeatMs: number;
      /** Whose revocations come; empty = every tenant's. */
      readonly tenantIds: readonly string[];
    }
  | { readonly kind: 'reset'; readonly cause: ResetCause }
  /** With a cursor: the last of the snapshot. */
  | { readonly kind: 'snapshot'; readonly revocations: readonly Revocation[]; readonly cursor: Buffer | null }
  | { readonly kind: 'batch'; readonly revocations: readonly Revocation[]; readonly cursor: Buffer }
  | { readonly kind: 'checkpoint'; readonly cursor: Buffer; readonly stalenessMs: number; readonly asOfMs: number }
  | { readonly kind: 'closing'; readonly retryAfterMs: number };

export interface WatchRequest {
  /** Empty for a snapshot. */
  readonly cursor: Uint8Array;
  /** Empty for all that the caller may see. */
  readonly tenantIds: readonly string[];
  readonly heartbeatMs: number;
}

/** Where the frames of a stream go. The service ends it once at most, and writes nothing after. */
export interface Subscriber {
  /** False where nothing more is to be written until Subscription.drained is called. */
  write(frame: Buffer): boolean;
  /** Ends it behind what was written, for this reason if there is one. */
  end(reason: SessionError | null): void;
  /** Ends it at once: what was written is not taken. */
  cutOff(reason: SessionError | null): void;
}

export interface WatchParts {
  readonly feed: RevocationFeed;
  readonly cursors: WatchCursors;
  readonly maxStreams: number;
  /** Of one caller. */
  readonly maxStreamsPerCaller: number;
  /** Frames are bytes here, so that one that goes to many is encoded once. */
  readonly encode: (frame: WatchFrame) => Buffer;
  /** The store's time, in ms since the epoch. */
  readonly now: () => number;
}

/** Which revocations a stream is sent. */
export class WatchFilter {
  /** The same for the same filter, and short. */
  readonly key: string;
  readonly #tenantIds: ReadonlySet<string> | null;

  /** @param tenantIds null for all */
  constructor(tenantIds: readonly string[] | null) {
    this.#tenantIds = tenantIds === null ? null : new Set(tenantIds);
    const sorted = JSON.stringify(this.tenantIds);
    this.key = this.#tenantIds === null ? '' : createHash('sha256').update(sorted).digest('base64url');
  }

  /** Sorted; empty for all. */
  get tenantIds(): readonly string[] {
    return [...(this.#tenantIds ?? [])].sort();
  }

  /** Keys and what ends everything concern every tenant. */
  admits({ scope }: Revocation): boolean {
    if (this.#tenantIds === null || scope.kind === 'key' || scope.kind === 'global') return true;
    return this.#tenantIds.has(scope.tenantId);
  }
}

/** When an instance last knew that it had applied the whole log. */
export interface Freshness {
  readonly stalenessMs: number;
  /** By this instance's clock. */
  readonly asOfMs: number;
}

/** Makes the frames of all streams of a process: one that goes to many is encoded once. */
export class WatchFrames {
  readonly #parts: WatchParts;
  /** Of batches; null where nothing of one concerns the filter is an empty one here. */
  readonly #batches = new LRUCache<string, Buffer>({
    maxSize: SHARED_BYTES,
    sizeCalculation: ({ length }) => length + ENTRY_BYTES,
  });
  /** By filter: the checkpoints that are due together are the same. */
  readonly #checkpoints = new Map<string, { readonly positions: LogPositions; readonly frame: Buffer }>();
  #checkedAt: Freshness | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  encode(frame: WatchFrame): Buffer {
    return this.#parts.encode(frame);
  }

  cursor(filter: WatchFilter, positions: LogPositions): Buffer {
    return this.#parts.cursors.format(filter.key, positions);
  }

  /** The frame of the batch of that number; null where nothing of it concerns the filter. */
  ofBatch(sequence: number, batch: Batch, filter: WatchFilter): Buffer | null {
    const name = `${sequence} ${filter.key}`;
    let frame = this.#batches.get(name);
    if (frame === undefined) {
      frame = detached(this.ofEntries(batch.entries, filter, batch.after) ?? NOTHING);
      this.#batches.set(name, frame);
    }
    return frame.length === 0 ? null : frame;
  }

  /** The same of any entries, with the positions behind them. */
  ofEntries(entries: Batch['entries'], filter: WatchFilter, positions: LogPositions): Buffer | null {
    const all = entries.map(({ revocation }) => revocation);
    const revocations = this.select(all, filter);
    return revocations.length === 0
      ? null
      : this.encode({ kind: 'batch', revocations, cursor: this.cursor(filter, positions) });
  }

  ofCheckpoint(filter: WatchFilter, positions: LogPositions, freshness: Freshness): Buffer {
    if (this.#checkedAt !== freshness) this.#checkpoints.clear();
    this.#checkedAt = freshness;
    const known = this.#checkpoints.get(filter.key);
    if (known?.positions === positions) return known.frame;
    const frame = this.encode({ kind: 'checkpoint', cursor: this.cursor(filter, positions), ...freshness });
    this.#checkpoints.set(filter.key, { positions, frame });
    return frame;
  }

  /**
   * What the instance holds and passes the filter, in chunks to be encoded in one turn each; an empty one where one part of what
   * is held had nothing.
   */
  *held(filter: WatchFilter): Generator<readonly Revocation[], undefined> {
    let part: Revocation[] = [];
    for (const revocation of this.#parts.feed.revocations()) {
      part.push(revocation);
      if (part.length < CHUNK_SCAN) continue;
      yield* this.#cut(part, filter);
      part = [];
    }
    yield* this.#cut(part, filter);
  }

  *#cut(part: readonly Revocation[], filter: WatchFilter): Generator<readonly Revocation[], undefined> {
    const selected = this.select(part, filter);
    if (selected.length === 0) yield selected;
    for (let start = 0; start < selected.length; start += CHUNK_ENTRIES) {
      yield selected.slice(start, start + CHUNK_ENTRIES);
    }
  }

  /** Those of the revocations that a stream is sent now. */
  select(revocations: readonly Revocation[], filter: WatchFilter): readonly Revocation[] {
    const nowMs = this.#parts.now();
    return revocations.filter((revocation) => {
      return (revocation.discardTimeMs ?? Number.POSITIVE_INFINITY) >= nowMs && filter.admits(revocation);
    });
  }
}

/** In memory of its own: small buffers are cut out of larger ones, of which each that is kept would keep all. */
function detached(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

import type { SessionError } from '../error.ts';
import type { RevocationFeed } from '../revocation/feed.ts';
import type { LogBreak } from '../revocation/log.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { Batch, LogPositions } from '../revocation/ring.ts';
import type { WatchCursors } from './watch_cursor.ts';

/** Why a stream can not go on from where it was. */
export type ResetCause = LogBreak | 'foreign' | 'lagged';

/** What a subscriber is sent; the contract's WatchRevocationsResponse. */
export type WatchFrame =
  | { readonly kind: 'opened'; readonly start: 'resumed' | 'snapshot'; readonly heartbeatMs: number }
  | { readonly kind: 'reset'; readonly cause: ResetCause }
  /** With a cursor: the last of the snapshot. */
  | { readonly kind: 'snapshot'; readonly revocations: readonly Revocation[]; readonly cursor: Buffer | null }
  | { readonly kind: 'batch'; readonly revocations: readonly Revocation[]; readonly cursor: Buffer }
  | { readonly kind: 'checkpoint'; readonly cursor: Buffer; readonly stalenessMs: number; readonly asOfMs: number }
  | { readonly kind: 'closing'; readonly retryAfterMs: number };

export interface WatchRequest {
  /** Empty for a snapshot. */
  readonly cursor: Uint8Array;
  /** Empty for all. */
  readonly tenantIds: readonly string[];
  readonly heartbeatMs: number;
}

/** Where the frames of a stream go. */
export interface Subscriber {
  /** False where nothing more is to be written until Subscription.drained is called. */
  write(frame: Buffer): boolean;
  /** The service ends the stream, for this reason if there is one. Called once at most, and nothing is written after. */
  end(reason: SessionError | null): void;
}

export interface WatchParts {
  readonly feed: RevocationFeed;
  readonly cursors: WatchCursors;
  readonly maxStreams: number;
  /** Frames are bytes here, so that one that goes to many is encoded once. */
  readonly encode: (frame: WatchFrame) => Buffer;
  /** The store's time, in ms since the epoch. */
  readonly now: () => number;
}

/** Which revocations a stream is sent. */
export class WatchFilter {
  /** The same for the same filter. */
  readonly key: string;
  readonly #tenantIds: ReadonlySet<string> | null;

  constructor(tenantIds: readonly string[]) {
    this.#tenantIds = tenantIds.length === 0 ? null : new Set(tenantIds);
    this.key = this.#tenantIds === null ? '' : JSON.stringify([...this.#tenantIds].sort());
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
  /** By filter: the checkpoints that are due together are the same. */
  readonly #checkpoints = new Map<string, { readonly of: Checked; readonly frame: Buffer }>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  encode(frame: WatchFrame): Buffer {
    return this.#parts.encode(frame);
  }

  cursor(filter: WatchFilter, positions: LogPositions): Buffer {
    return this.#parts.cursors.format(filter.key, positions);
  }

  /** The frame of a batch; null where nothing of it concerns the filter. */
  ofBatch(batch: Batch, filter: WatchFilter): Buffer | null {
    const known = batch.frames.get(filter.key);
    if (known !== undefined) return known;
    const frame = this.ofEntries(batch.entries, filter, batch.after);
    batch.frames.set(filter.key, frame);
    return frame;
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
    const known = this.#checkpoints.get(filter.key);
    if (known?.of.positions === positions && known.of.freshness === freshness) return known.frame;
    const frame = this.encode({ kind: 'checkpoint', cursor: this.cursor(filter, positions), ...freshness });
    this.#checkpoints.set(filter.key, { of: { positions, freshness }, frame });
    return frame;
  }

  /** Those of the revocations that a stream is sent now. */
  select(revocations: readonly Revocation[], filter: WatchFilter): readonly Revocation[] {
    const nowMs = this.#parts.now();
    return revocations.filter((revocation) => {
      return (revocation.discardTimeMs ?? Number.POSITIVE_INFINITY) >= nowMs && filter.admits(revocation);
    });
  }
}

interface Checked {
  readonly positions: LogPositions;
  readonly freshness: Freshness;
}

import type { Duration__Output } from '../wire/gen/google/protobuf/Duration.ts';
import type { Opened__Output } from '../wire/gen/sessionauthority/v1/Opened.ts';
import type { Revocation__Output } from '../wire/gen/sessionauthority/v1/Revocation.ts';
import type { WatchRevocationsResponse__Output } from '../wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { durationToMs, timestampToMs } from '../wire/time.ts';
import { toRevocation } from './convert_revocation.ts';
import type { FrameEvent, ResetCause } from './watch_events.ts';

/** The contract's default; also where a service does not say. */
export const DEFAULT_HEARTBEAT_MS = 1000;

const CAUSES: Readonly<Record<string, ResetCause>> = {
  CAUSE_COMPACTED: 'compacted',
  CAUSE_TRUNCATED: 'truncated',
  CAUSE_FOREIGN: 'foreign',
  CAUSE_LAGGED: 'lagged',
};

const NO_CURSOR = Buffer.alloc(0);

/** Reads the frames of a subscriber's streams, one stream after the other, and keeps the cursor from which to resume. */
export class FrameReader {
  readonly #tenantIds: readonly string[];
  #cursor: Buffer = NO_CURSOR;
  /** Until it has come whole no cursor covers what has been sent. */
  #isSnapshotDue = true;

  /** @param tenantIds those that are asked for; empty = all that this subscriber may see */
  constructor(tenantIds: readonly string[]) {
    this.#tenantIds = tenantIds;
  }

  /** Covers all that was read; empty before that, when only a snapshot will do. */
  get cursor(): Buffer {
    return this.#cursor;
  }

  /** For a cursor that the service refuses. */
  dropCursor(): void {
    this.#cursor = NO_CURSOR;
  }

  /** Hands out what a frame says, of an unknown one nothing, and only then takes its cursor. */
  read(wire: WatchRevocationsResponse__Output, onEvent: (event: FrameEvent) => void): void {
    const { opened, reset, snapshotChunk, batch, checkpoint, closing } = wire;
    switch (wire.frame) {
      case 'opened':
        if (opened) this.#open(opened, onEvent);
        return;
      case 'reset':
        this.#isSnapshotDue = true;
        onEvent({ kind: 'reset', cause: CAUSES[reset?.cause ?? ''] ?? 'unspecified' });
        return;
      case 'snapshotChunk':
        handOut(snapshotChunk?.revocations ?? [], true, onEvent);
        if (!snapshotChunk?.complete) return;
        this.#isSnapshotDue = false;
        onEvent({ kind: 'snapshot_complete' });
        this.#take(snapshotChunk.cursor);
        return;
      case 'batch':
        handOut(batch?.revocations ?? [], false, onEvent);
        this.#take(batch?.cursor);
        return;
      case 'checkpoint':
        // Within a snapshot it would prove nothing.
        if (!checkpoint || this.#isSnapshotDue) return;
        onEvent({
          kind: 'checkpoint',
          stalenessMs: msOf(checkpoint.staleness) ?? Number.POSITIVE_INFINITY,
          asOfMs: checkpoint.asOfTime ? (timestampToMs(checkpoint.asOfTime) ?? null) : null,
        });
        this.#take(checkpoint.cursor);
        return;
      case 'closing':
        onEvent({ kind: 'closing', retryAfterMs: msOf(closing?.retryAfter) ?? 0 });
        return;
      case undefined:
        return;
    }
  }

  #open(opened: Opened__Output, onEvent: (event: FrameEvent) => void): void {
    const { start, heartbeat, maxAccessTokenTtl, tenantIds } = opened;
    this.#isSnapshotDue = start !== 'START_RESUMED';
    onEvent({
      kind: 'opened',
      start: this.#isSnapshotDue ? 'snapshot' : 'resumed',
      heartbeatMs: msOf(heartbeat) || DEFAULT_HEARTBEAT_MS,
      maxAccessTokenTtlMs: msOf(maxAccessTokenTtl),
      // A service that does not say it tells of those that are asked for.
      tenantIds: tenantIds.length > 0 ? tenantIds : this.#tenantIds,
    });
  }

  #take(cursor: Buffer | undefined): void {
    // A copy: what was decoded is a part of the whole frame's bytes.
    if (cursor !== undefined && cursor.length > 0 && !this.#isSnapshotDue) this.#cursor = Buffer.from(cursor);
  }
}

function handOut(wire: readonly Revocation__Output[], isSnapshot: boolean, onEvent: (event: FrameEvent) => void): void {
  const all = wire.map(toRevocation);
  const revocations = all.filter((revocation) => revocation !== null);
  if (revocations.length > 0) onEvent({ kind: 'revocations', revocations, isSnapshot });
  if (revocations.length < all.length) onEvent({ kind: 'unknown_scope' });
}

function msOf(duration: Duration__Output | null | undefined): number | null {
  return duration ? (durationToMs(duration) ?? null) : null;
}

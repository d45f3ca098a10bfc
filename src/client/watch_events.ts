import type { Revocation } from '../revocation/revocation.ts';
import type { Refusal } from './call_error.ts';

/** Why the service sends its snapshot again; the names of the contract's `Reset.Cause` in lower case. */
export type ResetCause = 'compacted' | 'truncated' | 'foreign' | 'lagged' | 'unspecified';

/** What one frame says. Times in ms. */
export type FrameEvent =
  | {
      readonly kind: 'opened';
      readonly start: 'resumed' | 'snapshot';
      /** How long at most the service lets pass without a frame. */
      readonly heartbeatMs: number;
      /** No access token outlives this; null where the service does not say. */
      readonly maxAccessTokenTtlMs: number | null;
      /** Whose revocations come; empty = every tenant's. Of any other tenant the stream tells nothing. */
      readonly tenantIds: readonly string[];
    }
  /** A snapshot follows, to be merged with what is held. */
  | { readonly kind: 'reset'; readonly cause: ResetCause }
  | {
      readonly kind: 'revocations';
      readonly revocations: readonly Revocation[];
      /** Whether these are entries of a snapshot, which may have come before. */
      readonly isSnapshot: boolean;
    }
  /** A revocation of a scope that this program does not know: what is held does not tell any more which tokens are good. */
  | { readonly kind: 'unknown_scope' }
  | { readonly kind: 'snapshot_complete' }
  | {
      readonly kind: 'checkpoint';
      /** How long ago the service last knew that it had the whole log; Infinity where it does not say. */
      readonly stalenessMs: number;
      /** The service's clock, since the epoch, when it said so; null where it does not say. */
      readonly asOfMs: number | null;
    }
  | { readonly kind: 'closing'; readonly retryAfterMs: number };

/** Why there is no stream at the moment. */
export type DisconnectReason =
  /** The service ends its streams, to shut down. */
  | 'closing'
  /** No frame came for several heartbeats. */
  | 'silence'
  /** Frames keep coming, and keep coming late. */
  | 'delay'
  /** The service refuses the cursor: the next attempt asks for a snapshot. */
  | 'cursor_refused'
  /** Too many streams, or frames were not read for too long. */
  | 'rate_limited'
  /** Anything else: no connection, no store, an end without a word. */
  | 'broken';

/** What a subscriber is told, in the order in which it happened. Times in ms. */
export type RevocationStreamEvent =
  | Exclude<FrameEvent, { kind: 'checkpoint' | 'closing' }>
  | (Extract<FrameEvent, { kind: 'checkpoint' }> & {
      /** How old this proof was when it came: the staleness, and the delay on the way where one shows. */
      readonly ageMs: number;
    })
  | {
      readonly kind: 'disconnected';
      readonly reason: DisconnectReason;
      /** One line for people. */
      readonly text: string;
      /** When the next attempt comes. */
      readonly retryMs: number;
    }
  /** The last event: the service refuses the request for good. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

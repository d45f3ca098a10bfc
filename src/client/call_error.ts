import type { FieldViolation } from '../error.ts';

/** The name of a gRPC status other than OK. */
export type CallStatus =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/** How a call ended, as the service or the way to it said. */
export interface Refusal {
  readonly status: CallStatus;
  /** An `ErrorReason` of the contract without its prefix; empty where it was not the service that answered. */
  readonly reason: string;
  /** What was said. */
  readonly message: string;
  /** One line for people: the status and what was said. */
  readonly text: string;
  readonly violations: readonly FieldViolation[];
  /** How long to wait at least before another attempt; 0 where nothing was said. */
  readonly retryAfterMs: number;
}

/**
 * A call that the service did not answer, or not in a way that this version knows: no connection, a broken one, a deadline
 * that passed, a client that was closed. Except where the status says otherwise, what was asked may have happened.
 */
export class CallError extends Error {
  readonly status: CallStatus;

  constructor(status: CallStatus, message: string) {
    super(message);
    this.name = 'CallError';
    this.status = status;
  }
}

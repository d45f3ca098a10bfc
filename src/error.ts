/** Why a call was refused; the names of the contract's `ErrorReason` without their prefix. */
export type SessionErrorCode =
  | 'INVALID_FIELD'
  | 'REQUEST_ID_REUSED'
  | 'INVALID_TOKEN_PARAMETER'
  | 'REQUEST_SUPERSEDED'
  | 'SESSION_STATE'
  | 'USER_BLOCKED'
  | 'SESSION_LIMIT'
  | 'RATE_LIMITED'
  | 'REFRESH_TOKEN_INVALID'
  | 'REFRESH_TOKEN_REUSED'
  | 'CALLER_UNKNOWN'
  | 'CALLER_NOT_ALLOWED'
  | 'SESSION_NOT_FOUND'
  | 'ETAG_MISMATCH'
  | 'STORE_UNAVAILABLE'
  | 'NOT_REPLICATED'
  | 'NOT_CAUGHT_UP'
  | 'INTERNAL';

/** One fault of one request field, as in google.rpc.BadRequest. */
export interface FieldViolation {
  /** The field's path in the contract's snake_case, such as `device.device_id`. */
  readonly field: string;
  /** What is wrong and what is allowed; never the value itself. */
  readonly description: string;
}

/**
 * The one error that crosses a module border. Its message is public: it holds no input, no token
 * and no driver text; what an operator needs besides goes into `cause`, which only the log sees.
 */
export class SessionError extends Error {
  readonly code: SessionErrorCode;
  readonly violations: readonly FieldViolation[];
  /** How long to wait before another attempt, in ms; null where that is the caller's to say. */
  readonly retryAfterMs: number | null;

  constructor(
    code: SessionErrorCode,
    message: string,
    options: { violations?: readonly FieldViolation[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SessionError';
    this.code = code;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  /** Wraps whatever was thrown; an unknown error becomes INTERNAL with a fixed text. */
  static from(thrown: unknown): SessionError {
    if (thrown instanceof SessionError) return thrown;
    return new SessionError('INTERNAL', 'internal error', { cause: thrown });
  }
}

/** An INVALID_FIELD error for one field. */
export function invalidField(field: string, description: string): SessionError {
  return new SessionError('INVALID_FIELD', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}

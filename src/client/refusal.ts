import { type StatusObject, status } from '@grpc/grpc-js';
import { SessionError, type SessionErrorCode } from '../error.ts';
import type { BadRequest } from '../wire/gen/google/rpc/BadRequest.ts';
import { loadErrorDetails } from '../wire/loader.ts';
import { durationToMs } from '../wire/time.ts';
import { CallError, type CallStatus, type Refusal } from './call_error.ts';

const TYPES = loadErrorDetails();
const NOTHING = Buffer.alloc(0);

/** The reasons that this version knows. */
const CODES: Readonly<Record<SessionErrorCode, true>> = {
  INVALID_FIELD: true,
  REQUEST_ID_REUSED: true,
  INVALID_TOKEN_PARAMETER: true,
  REQUEST_SUPERSEDED: true,
  SESSION_STATE: true,
  USER_BLOCKED: true,
  SESSION_LIMIT: true,
  RATE_LIMITED: true,
  REFRESH_TOKEN_INVALID: true,
  REFRESH_TOKEN_REUSED: true,
  CALLER_UNKNOWN: true,
  CALLER_NOT_ALLOWED: true,
  SESSION_NOT_FOUND: true,
  ETAG_MISMATCH: true,
  STORE_UNAVAILABLE: true,
  NOT_REPLICATED: true,
  NOT_CAUGHT_UP: true,
  INTERNAL: true,
};

export function refusalOf({ code, details, metadata }: StatusObject): Refusal {
  const name = (status[code] ?? 'UNKNOWN') as CallStatus;
  const said = { status: name, message: details, text: `${name}: ${details}` };
  const nothingMore = { ...said, reason: '', violations: [], retryAfterMs: 0 };
  try {
    const [bytes] = metadata.get('grpc-status-details-bin');
    const { details: parts } = TYPES.status.deserialize(Buffer.isBuffer(bytes) ? bytes : NOTHING);
    const part = (name: string) => parts.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`))?.value;
    const { retryDelay } = TYPES.retryInfo.deserialize(part('RetryInfo') ?? NOTHING);
    const { reason = '' } = TYPES.errorInfo.deserialize(part('ErrorInfo') ?? NOTHING);
    const violations = violationsOf(TYPES.badRequest.deserialize(part('BadRequest') ?? NOTHING));
    return { ...nothingMore, reason, violations, retryAfterMs: retryDelay ? (durationToMs(retryDelay) ?? 0) : 0 };
  } catch {
    // Not what the service writes.
    return nothingMore;
  }
}

/** What a caller is thrown: a SessionError where the service has answered, else a CallError. */
export function errorOf(refusal: Refusal): SessionError | CallError {
  const { status, reason, message, text, violations, retryAfterMs } = refusal;
  if (!Object.hasOwn(CODES, reason)) return new CallError(status, reason === '' ? text : `${text} (${reason})`);
  return new SessionError(reason as SessionErrorCode, message, {
    violations,
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

function violationsOf({ fieldViolations = [] }: BadRequest): Refusal['violations'] {
  return fieldViolations.map(({ field = '', description = '' }) => ({ field, description }));
}

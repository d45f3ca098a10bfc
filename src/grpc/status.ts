import { type Metadata, type MetadataValue, Metadata as GrpcMetadata, type ServiceError, status } from '@grpc/grpc-js';
import type { SessionError, SessionErrorCode } from '../error.ts';
import { loadErrorDetails } from '../wire/loader.ts';
import { msToDuration } from '../wire/time.ts';

const DOMAIN = 'sessionauthority';
const TYPE_PREFIX = 'type.googleapis.com/';

/** The status that each reason comes with; the contract's ErrorReason says the same. */
const STATUS: Readonly<Record<SessionErrorCode, status>> = {
  INVALID_FIELD: status.INVALID_ARGUMENT,
  REQUEST_ID_REUSED: status.INVALID_ARGUMENT,
  INVALID_TOKEN_PARAMETER: status.INVALID_ARGUMENT,
  REQUEST_SUPERSEDED: status.FAILED_PRECONDITION,
  SESSION_STATE: status.FAILED_PRECONDITION,
  USER_BLOCKED: status.FAILED_PRECONDITION,
  SESSION_LIMIT: status.RESOURCE_EXHAUSTED,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  REFRESH_TOKEN_INVALID: status.FAILED_PRECONDITION,
  REFRESH_TOKEN_REUSED: status.FAILED_PRECONDITION,
  CALLER_UNKNOWN: status.UNAUTHENTICATED,
  CALLER_NOT_ALLOWED: status.PERMISSION_DENIED,
  SESSION_NOT_FOUND: status.NOT_FOUND,
  ETAG_MISMATCH: status.ABORTED,
  STORE_UNAVAILABLE: status.UNAVAILABLE,
  NOT_REPLICATED: status.UNAVAILABLE,
  NOT_CAUGHT_UP: status.UNAVAILABLE,
  INTERNAL: status.INTERNAL,
};

const TYPES = loadErrorDetails();

/** What grpc-js sends for an error: status, message, and google.rpc.Status in the trailers. */
export function toServiceError(error: SessionError): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const code = STATUS[error.code];
  return { code, details: error.message, metadata: trailersOf(code, error) };
}

function trailersOf(code: status, error: SessionError): Metadata {
  const info = TYPES.errorInfo.serialize({ reason: error.code, domain: DOMAIN });
  const details = [{ type_url: `${TYPE_PREFIX}google.rpc.ErrorInfo`, value: info }];
  if (error.violations.length > 0) {
    const value = TYPES.badRequest.serialize({
      fieldViolations: error.violations.map((violation) => ({ ...violation })),
    });
    details.push({ type_url: `${TYPE_PREFIX}google.rpc.BadRequest`, value });
  }
  if (error.retryAfterMs !== null) {
    const value = TYPES.retryInfo.serialize({ retryDelay: msToDuration(error.retryAfterMs) });
    details.push({ type_url: `${TYPE_PREFIX}google.rpc.RetryInfo`, value });
  }
  const trailers = new GrpcMetadata();
  const bytes: MetadataValue = TYPES.status.serialize({ code, message: error.message, details });
  trailers.set('grpc-status-details-bin', bytes);
  return trailers;
}

import { SessionError } from '../error.ts';

/** Malformed, forged, unknown, expired and revoked refresh tokens all look like this. */
export function invalidRefreshToken(): SessionError {
  return new SessionError('REFRESH_TOKEN_INVALID', 'the refresh token is not valid: the user must log in again');
}

export function reusedRefreshToken(): SessionError {
  return new SessionError(
    'REFRESH_TOKEN_REUSED',
    'the refresh token was used before: its session is revoked, the user must log in again',
  );
}

/** Unknown, purged and foreign sessions all look like this. */
export function sessionNotFound(): SessionError {
  return new SessionError('SESSION_NOT_FOUND', 'no such session');
}

export function sessionEnded(): SessionError {
  return new SessionError('SESSION_STATE', 'the session has ended');
}

export function requestReused(): SessionError {
  return new SessionError(
    'REQUEST_ID_REUSED',
    'request_id: used before for another request; make a new UUID for each request and keep it for retries alone',
  );
}

export function requestSuperseded(): SessionError {
  return new SessionError(
    'REQUEST_SUPERSEDED',
    'request_id: its session has been refreshed, rotated or ended since; what it gave then cannot be given again',
  );
}

export function userBlocked(): SessionError {
  return new SessionError('USER_BLOCKED', 'user_id: no session may be opened for the user at present');
}

export function sessionLimitReached(): SessionError {
  return new SessionError('SESSION_LIMIT', 'user_id: the user has as many sessions as the limit allows; end one first');
}

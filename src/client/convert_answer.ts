import type { RevocationReason } from '../revocation/revocation.ts';
import type { Duration__Output } from '../wire/gen/google/protobuf/Duration.ts';
import type { Struct__Output } from '../wire/gen/google/protobuf/Struct.ts';
import type { Timestamp__Output } from '../wire/gen/google/protobuf/Timestamp.ts';
import type { CreateSessionResponse__Output } from '../wire/gen/sessionauthority/v1/CreateSessionResponse.ts';
import type { InactiveReason__Output } from '../wire/gen/sessionauthority/v1/InactiveReason.ts';
import type { ListSessionsResponse__Output } from '../wire/gen/sessionauthority/v1/ListSessionsResponse.ts';
import type { RefreshSessionResponse__Output } from '../wire/gen/sessionauthority/v1/RefreshSessionResponse.ts';
import type { RevokeSessionResponse__Output } from '../wire/gen/sessionauthority/v1/RevokeSessionResponse.ts';
import type { RevokeSessionsResponse__Output } from '../wire/gen/sessionauthority/v1/RevokeSessionsResponse.ts';
import type { RotateSessionResponse__Output } from '../wire/gen/sessionauthority/v1/RotateSessionResponse.ts';
import type { Session__Output } from '../wire/gen/sessionauthority/v1/Session.ts';
import type { SessionState__Output } from '../wire/gen/sessionauthority/v1/SessionState.ts';
import type { TokenMode__Output } from '../wire/gen/sessionauthority/v1/TokenMode.ts';
import type { Tokens__Output } from '../wire/gen/sessionauthority/v1/Tokens.ts';
import type { UpdateSessionResponse__Output } from '../wire/gen/sessionauthority/v1/UpdateSessionResponse.ts';
import type { ValidateSessionResponse__Output } from '../wire/gen/sessionauthority/v1/ValidateSessionResponse.ts';
import { StructFault, structToObject } from '../wire/struct.ts';
import { durationToMs, timestampToMs } from '../wire/time.ts';
import { CallError } from './call_error.ts';
import type {
  BegunSession,
  InactiveValidation,
  JsonWebKeySet,
  RefreshedSession,
  RevokedSession,
  RevokedSessions,
  Session,
  SessionPage,
  Tokens,
  UpdatedSession,
  Validation,
} from './client_answers.ts';
import { REASONS } from './convert_revocation.ts';

/** Deeper than the service lets claims and data be; only bounds what another server could send. */
const MAX_DEPTH = 64;

const TOKEN_MODES: Readonly<Record<TokenMode__Output, Session['tokenMode']>> = {
  TOKEN_MODE_UNSPECIFIED: 'unspecified',
  TOKEN_MODE_PAIR: 'pair',
  TOKEN_MODE_OPAQUE: 'opaque',
};

const STATES: Readonly<Record<SessionState__Output, Session['state']>> = {
  SESSION_STATE_UNSPECIFIED: 'unspecified',
  SESSION_STATE_ACTIVE: 'active',
  SESSION_STATE_EXPIRED: 'expired',
  SESSION_STATE_REVOKED: 'revoked',
};

const INACTIVE_REASONS: Readonly<Record<InactiveReason__Output, InactiveValidation['inactiveReason']>> = {
  INACTIVE_REASON_UNSPECIFIED: 'unspecified',
  INACTIVE_REASON_INVALID: 'invalid',
  INACTIVE_REASON_EXPIRED: 'expired',
  INACTIVE_REASON_REVOKED: 'revoked',
  INACTIVE_REASON_SUPERSEDED: 'superseded',
};

export function fromBegun(wire: CreateSessionResponse__Output | RotateSessionResponse__Output): BegunSession {
  return {
    session: fromSession(wire.session),
    tokens: fromTokens(wire.tokens),
    endedSessionIds: wire.endedSessionIds,
    consistencyToken: bytesOf(wire.consistencyToken),
  };
}

export function fromRefreshed(wire: RefreshSessionResponse__Output): RefreshedSession {
  const tokens = fromTokens(wire.tokens);
  if (tokens.kind !== 'pair') throw unreadable('refresh_token');
  return { session: fromSession(wire.session), tokens, deviceChange: wire.deviceChange };
}

export function fromValidation(wire: ValidateSessionResponse__Output): Validation {
  const content = {
    sessionId: wire.sessionId,
    tenantId: wire.tenantId,
    userId: wire.userId,
    clientId: wire.clientId,
    acr: wire.acr,
    amr: wire.amr,
    actor: wire.actor,
    claims: objectOf(wire.claims),
    session: wire.session && fromSession(wire.session),
    deviceChange: wire.deviceChange,
    stalenessMs: msOf(wire.staleness),
    degraded: wire.degraded,
  };
  if (!wire.active) {
    return {
      ...content,
      active: false,
      inactiveReason: INACTIVE_REASONS[wire.inactiveReason] ?? 'unspecified',
      expireTime: dateOf(wire.expireTime),
      authTime: dateOf(wire.authTime),
      reusableUntilTime: null,
    };
  }
  return {
    ...content,
    active: true,
    inactiveReason: null,
    expireTime: requiredDate('expire_time', wire.expireTime),
    authTime: requiredDate('auth_time', wire.authTime),
    reusableUntilTime: dateOf(wire.reusableUntilTime),
  };
}

export function fromSession(wire: Session__Output | null): Session {
  if (wire === null) throw unreadable('session');
  return {
    sessionId: wire.sessionId,
    tenantId: wire.tenantId,
    userId: wire.userId,
    clientId: wire.clientId,
    tokenMode: TOKEN_MODES[wire.tokenMode] ?? 'unspecified',
    state: STATES[wire.state] ?? 'unspecified',
    createTime: requiredDate('create_time', wire.createTime),
    lastActiveTime: requiredDate('last_active_time', wire.lastActiveTime),
    expireTime: requiredDate('expire_time', wire.expireTime),
    absoluteExpireTime: requiredDate('absolute_expire_time', wire.absoluteExpireTime),
    authTime: requiredDate('auth_time', wire.authTime),
    acr: wire.acr,
    amr: wire.amr,
    device: wire.device,
    actor: wire.actor,
    audiences: wire.audiences,
    claims: objectOf(wire.claims) ?? {},
    data: objectOf(wire.data),
    etag: wire.etag,
    revokeTime: dateOf(wire.revokeTime),
    revocationReason: revocationReasonOf(wire),
  };
}

export function fromPage(wire: ListSessionsResponse__Output): SessionPage {
  return { sessions: wire.sessions.map(fromSession), nextPageToken: wire.nextPageToken };
}

export function fromUpdated(wire: UpdateSessionResponse__Output): UpdatedSession {
  return { session: fromSession(wire.session), consistencyToken: bytesOf(wire.consistencyToken) };
}

export function fromRevoked(wire: RevokeSessionResponse__Output): RevokedSession {
  return { revoked: wire.revoked, consistencyToken: bytesOf(wire.consistencyToken) };
}

export function fromRevokedMany(wire: RevokeSessionsResponse__Output): RevokedSessions {
  return { sessionCount: wire.sessionCount ?? null, consistencyToken: bytesOf(wire.consistencyToken) };
}

export function fromJwks(json: string): JsonWebKeySet {
  try {
    const parsed = JSON.parse(json) as JsonWebKeySet;
    if (Array.isArray(parsed.keys)) return parsed;
  } catch {
    // Told below.
  }
  throw unreadable('jwks_json');
}

function fromTokens(wire: Tokens__Output | null): Tokens {
  if (wire === null) throw unreadable('tokens');
  if (wire.sessionToken !== '') return { kind: 'opaque', sessionToken: wire.sessionToken };
  return {
    kind: 'pair',
    accessToken: wire.accessToken,
    accessTokenExpireTime: requiredDate('access_token_expire_time', wire.accessTokenExpireTime),
    refreshToken: wire.refreshToken,
    refreshTokenExpireTime: requiredDate('refresh_token_expire_time', wire.refreshTokenExpireTime),
    refreshAfterTime: requiredDate('refresh_after_time', wire.refreshAfterTime),
  };
}

function revocationReasonOf({ state, revocationReason }: Session__Output): RevocationReason | null {
  if (state !== 'SESSION_STATE_REVOKED' && revocationReason === 'REVOCATION_REASON_UNSPECIFIED') return null;
  return REASONS[revocationReason] ?? 'unspecified';
}

function objectOf(wire: Struct__Output | null): Record<string, unknown> | null {
  try {
    return wire && structToObject(wire, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StructFault) throw unreadable('claims or data');
    throw error;
  }
}

/** A copy: what was decoded is a part of the whole answer's bytes. */
function bytesOf(wire: Buffer): Uint8Array | null {
  return wire.length === 0 ? null : new Uint8Array(wire);
}

function dateOf(wire: Timestamp__Output | null): Date | null {
  const ms = wire && timestampToMs(wire);
  return ms == null ? null : new Date(ms);
}

function requiredDate(field: string, wire: Timestamp__Output | null): Date {
  const date = dateOf(wire);
  if (date === null) throw unreadable(field);
  return date;
}

function msOf(wire: Duration__Output | null): number {
  return (wire && durationToMs(wire)) ?? 0;
}

/** What this service never answers. */
function unreadable(field: string): CallError {
  return new CallError('INTERNAL', `the answer cannot be read: ${field}`);
}

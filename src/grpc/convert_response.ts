import type { BegunSession, RefreshedSession } from '../domain/authority.ts';
import { etagOf, expireTimeMs } from '../domain/session.ts';
import type { SessionRecord } from '../domain/store.ts';
import type { Tokens } from '../domain/tokens.ts';
import type { Validation } from '../domain/validate.ts';
import type { RevocationReason } from '../revocation/revocation.ts';
import type { Struct } from '../wire/gen/google/protobuf/Struct.ts';
import type { CreateSessionResponse } from '../wire/gen/sessionauthority/v1/CreateSessionResponse.ts';
import type { RefreshSessionResponse } from '../wire/gen/sessionauthority/v1/RefreshSessionResponse.ts';
import type { Session } from '../wire/gen/sessionauthority/v1/Session.ts';
import type { Tokens as WireTokens } from '../wire/gen/sessionauthority/v1/Tokens.ts';
import type { ValidateSessionResponse } from '../wire/gen/sessionauthority/v1/ValidateSessionResponse.ts';
import { jsonToStruct } from '../wire/struct.ts';
import { msToDuration, msToTimestamp } from '../wire/time.ts';

const TOKEN_MODES = { pair: 'TOKEN_MODE_PAIR', opaque: 'TOKEN_MODE_OPAQUE' } as const;

const STATES = {
  active: 'SESSION_STATE_ACTIVE',
  expired: 'SESSION_STATE_EXPIRED',
  revoked: 'SESSION_STATE_REVOKED',
} as const;

const INACTIVE_REASONS = {
  expired: 'INACTIVE_REASON_EXPIRED',
  revoked: 'INACTIVE_REASON_REVOKED',
  superseded: 'INACTIVE_REASON_SUPERSEDED',
} as const;

export const REASONS = {
  unspecified: 'REVOCATION_REASON_UNSPECIFIED',
  logout: 'REVOCATION_REASON_LOGOUT',
  admin: 'REVOCATION_REASON_ADMIN',
  credential_change: 'REVOCATION_REASON_CREDENTIAL_CHANGE',
  account_disabled: 'REVOCATION_REASON_ACCOUNT_DISABLED',
  security: 'REVOCATION_REASON_SECURITY',
  session_limit: 'REVOCATION_REASON_SESSION_LIMIT',
  refresh_token_reuse: 'REVOCATION_REASON_REFRESH_TOKEN_REUSE',
  rotated: 'REVOCATION_REASON_ROTATED',
  device_replaced: 'REVOCATION_REASON_DEVICE_REPLACED',
} as const satisfies Record<RevocationReason, string>;

/** Without data, unless `full`. */
export function fromRecord({ session, status }: SessionRecord, full: boolean): Session {
  return {
    sessionId: session.sessionId,
    tenantId: session.tenantId,
    userId: session.userId,
    clientId: session.clientId,
    tokenMode: TOKEN_MODES[session.tokenMode],
    state: STATES[status.state],
    createTime: msToTimestamp(session.createTimeMs),
    lastActiveTime: msToTimestamp(session.lastActiveTimeMs),
    expireTime: msToTimestamp(expireTimeMs(session)),
    absoluteExpireTime: msToTimestamp(session.absoluteExpireTimeMs),
    authTime: msToTimestamp(session.authTimeMs),
    acr: session.acr,
    amr: [...session.amr],
    device: session.device,
    actor: session.actor,
    audiences: [...session.audiences],
    claims: structOf(session.claims),
    data: full ? structOf(session.data) : null,
    etag: etagOf(session),
    ...(status.state === 'revoked' && {
      revokeTime: msToTimestamp(status.timeMs),
      revocationReason: REASONS[status.reason],
    }),
  };
}

/** What CreateSession and RotateSession answer alike. */
export function fromBegun({ record, tokens, endedSessionIds, consistencyToken }: BegunSession): CreateSessionResponse {
  return {
    session: fromRecord(record, false),
    tokens: fromTokens(tokens),
    endedSessionIds: [...endedSessionIds],
    ...(consistencyToken !== null && { consistencyToken }),
  };
}

export function fromRefreshed({ record, tokens, deviceChange }: RefreshedSession): RefreshSessionResponse {
  return { session: fromRecord(record, false), tokens: fromTokens(tokens), deviceChange };
}

export function fromValidation(validation: Validation, full: boolean): ValidateSessionResponse {
  if (validation.kind === 'invalid') return { active: false, inactiveReason: 'INACTIVE_REASON_INVALID' };
  const { kind, subject, record, deviceChange, reusableUntilMs, stalenessMs } = validation;
  const active = kind === 'active';
  return {
    active,
    ...(!active && { inactiveReason: INACTIVE_REASONS[kind] }),
    sessionId: subject.sessionId,
    tenantId: subject.tenantId,
    userId: subject.userId,
    clientId: subject.clientId,
    expireTime: msToTimestamp(subject.expireTimeMs),
    authTime: msToTimestamp(subject.authTimeMs),
    acr: subject.acr,
    amr: [...subject.amr],
    actor: subject.actor,
    claims: subject.claims === null ? null : structOf(subject.claims),
    session: record === null ? null : fromRecord(record, full),
    deviceChange,
    ...(active && { reusableUntilTime: msToTimestamp(reusableUntilMs) }),
    staleness: msToDuration(stalenessMs),
  };
}

/** The most bytes that a session can take up in a message: a number costs up to 6 times its JSON. */
export function maxEncodedBytes({ session }: SessionRecord, full: boolean): number {
  const { claims, data, ...rest } = session;
  const json = Buffer.byteLength(claims) + (full ? Buffer.byteLength(data) : 0);
  return Buffer.byteLength(JSON.stringify(rest)) + 6 * json;
}

/** The same for the answer to a validation, whose short fields take less than 2 KiB. */
export function maxValidationBytes(validation: Validation, full: boolean): number {
  if (validation.kind === 'invalid') return 16;
  const { record, subject } = validation;
  const claims = typeof subject.claims === 'string' ? subject.claims : JSON.stringify(subject.claims);
  return 2048 + 6 * Buffer.byteLength(claims) + (record === null ? 0 : maxEncodedBytes(record, full));
}

function fromTokens(tokens: Tokens): WireTokens {
  if (tokens.kind === 'opaque') return { sessionToken: tokens.sessionToken };
  return {
    accessToken: tokens.accessToken,
    accessTokenExpireTime: msToTimestamp(tokens.accessTokenExpireTimeMs),
    refreshToken: tokens.refreshToken,
    refreshTokenExpireTime: msToTimestamp(tokens.refreshTokenExpireTimeMs),
    refreshAfterTime: msToTimestamp(tokens.refreshAfterTimeMs),
  };
}

function structOf(claims: string | Readonly<Record<string, unknown>>): Struct {
  return jsonToStruct(typeof claims === 'string' ? (JSON.parse(claims) as Record<string, unknown>) : claims);
}

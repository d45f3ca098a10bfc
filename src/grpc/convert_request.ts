import { DEFAULT_MAX_STALENESS_MS, LIMITS } from '../domain/limits.ts';
import type {
  CreateRequest,
  GetRequest,
  ListRequest,
  RefreshRequest,
  RevokeManyRequest,
  RevokeRequest,
  RotateRequest,
  UpdateRequest,
  ValidateRequest,
} from '../domain/requests.ts';
import type { SessionStatus, TokenMode } from '../domain/session.ts';
import type { CreateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/CreateSessionRequest.ts';
import type { GetSessionRequest__Output } from '../wire/gen/sessionauthority/v1/GetSessionRequest.ts';
import type { ListSessionsRequest__Output } from '../wire/gen/sessionauthority/v1/ListSessionsRequest.ts';
import type { RefreshSessionRequest__Output } from '../wire/gen/sessionauthority/v1/RefreshSessionRequest.ts';
import type { RevokeSessionRequest__Output } from '../wire/gen/sessionauthority/v1/RevokeSessionRequest.ts';
import type { RevokeSessionsRequest__Output } from '../wire/gen/sessionauthority/v1/RevokeSessionsRequest.ts';
import type { RotateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/RotateSessionRequest.ts';
import type { UpdateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/UpdateSessionRequest.ts';
import type { ValidateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/ValidateSessionRequest.ts';
import {
  absoluteTimeoutMs,
  actorOf,
  authTimeMs,
  changeOf,
  claimsOf,
  deviceOf,
  expectedTenant,
  handleOf,
  reasonOf,
} from './convert_field.ts';
import { Fields } from './fields.ts';

const TOKEN_MODES: Readonly<Record<string, TokenMode>> = {
  TOKEN_MODE_UNSPECIFIED: 'pair',
  TOKEN_MODE_PAIR: 'pair',
  TOKEN_MODE_OPAQUE: 'opaque',
};

const STATES: Readonly<Record<string, SessionStatus['state']>> = {
  SESSION_STATE_ACTIVE: 'active',
  SESSION_STATE_EXPIRED: 'expired',
  SESSION_STATE_REVOKED: 'revoked',
};

const STRONG: Readonly<Record<string, boolean>> = {
  CONSISTENCY_UNSPECIFIED: false,
  CONSISTENCY_LOCAL: false,
  CONSISTENCY_STRONG: true,
};

/** Whether a session is to be shown with its data. */
export const FULL_VIEW: Readonly<Record<string, boolean>> = {
  SESSION_VIEW_UNSPECIFIED: false,
  SESSION_VIEW_BASIC: false,
  SESSION_VIEW_FULL: true,
};

export function toCreateRequest(wire: CreateSessionRequest__Output): CreateRequest {
  const fields = new Fields();
  const request: CreateRequest = {
    requestId: fields.uuid('request_id', wire.requestId),
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    userId: fields.text('user_id', wire.userId, LIMITS.userId),
    clientId: fields.text('client_id', wire.clientId, LIMITS.clientId),
    tokenMode: fields.choice('token_mode', wire.tokenMode, TOKEN_MODES, 'pair'),
    claims: claimsOf(fields, 'claims', wire.claims),
    data: fields.json('data', wire.data, LIMITS.data),
    device: deviceOf(fields, wire.device),
    idleTimeoutMs: fields.durationMs('idle_timeout', wire.idleTimeout),
    absoluteTimeoutMs: absoluteTimeoutMs(fields, wire),
    authTimeMs: authTimeMs(fields, wire),
    acr: fields.text('acr', wire.acr, LIMITS.acr),
    amr: fields.texts('amr', wire.amr, LIMITS.amrItems, LIMITS.amrItem),
    actor: actorOf(fields, wire.actor),
    audiences: fields.texts('audiences', wire.audiences, LIMITS.audienceItems, LIMITS.audience),
    replaceDeviceSessions: wire.replaceDeviceSessions,
  };
  if (wire.replaceDeviceSessions && (wire.userId === '' || !wire.device?.deviceId)) {
    fields.fault('replace_device_sessions', 'needs user_id and device.device_id');
  }
  fields.check();
  return request;
}

export function toRefreshRequest(wire: RefreshSessionRequest__Output): RefreshRequest {
  const fields = new Fields();
  if (wire.refreshToken === '') fields.fault('refresh_token', 'required');
  const request: RefreshRequest = {
    requestId: fields.uuid('request_id', wire.requestId),
    refreshToken: wire.refreshToken,
    device: deviceOf(fields, wire.device),
    claims: claimsOf(fields, 'claims', wire.claims),
    tenantId: expectedTenant(fields, wire),
    clientId: wire.clientId === '' ? null : fields.text('client_id', wire.clientId, LIMITS.clientId),
  };
  fields.check();
  return request;
}

export function toValidateRequest(wire: ValidateSessionRequest__Output, fields = new Fields()): ValidateRequest {
  if (wire.credential === undefined) fields.fault('credential', 'required: access_token or session_token');
  fields.single('credential', wire.accessToken, wire.sessionToken);
  fields.choice('view', wire.view, FULL_VIEW, false);
  return {
    credential:
      wire.credential === 'sessionToken'
        ? { kind: 'session', token: wire.sessionToken ?? '' }
        : { kind: 'access', token: wire.accessToken ?? '' },
    strong: fields.choice('consistency', wire.consistency, STRONG, false),
    consistencyToken: fields.bytes('consistency_token', wire.consistencyToken, LIMITS.consistencyToken),
    tenantId: expectedTenant(fields, wire),
    audience: fields.text('audience', wire.audience, LIMITS.audience),
    device: deviceOf(fields, wire.device),
    touch: !wire.noTouch,
    includeClaims: wire.includeClaims,
    includeSession: wire.includeSession,
    maxStalenessMs: fields.durationMs('max_staleness', wire.maxStaleness) ?? DEFAULT_MAX_STALENESS_MS,
  };
}

export function toGetRequest(wire: GetSessionRequest__Output): GetRequest {
  const fields = new Fields();
  fields.choice('view', wire.view, FULL_VIEW, false);
  const request = {
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    handle: handleOf(fields, wire.session),
  };
  fields.check();
  return request;
}

export function toListRequest(wire: ListSessionsRequest__Output): ListRequest {
  const fields = new Fields();
  fields.choice('view', wire.view, FULL_VIEW, false);
  if (wire.pageSize < 0) fields.fault('page_size', 'must not be negative');
  if (wire.states.length > LIMITS.states) fields.fault('states', `more than ${LIMITS.states} items`);
  const states = wire.states
    .slice(0, LIMITS.states)
    .map((state, index) => fields.choice(`states[${index}]`, state, STATES, 'active'));
  const request: ListRequest = {
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    userId: fields.requiredText('user_id', wire.userId, LIMITS.userId),
    clientId: fields.text('client_id', wire.clientId, LIMITS.clientId),
    deviceId: fields.text('device_id', wire.deviceId, LIMITS.deviceId),
    states: states.length === 0 ? ['active'] : [...new Set(states)],
    pageSize: wire.pageSize === 0 ? LIMITS.defaultPageSize : Math.min(wire.pageSize, LIMITS.pageSize),
    pageToken: fields.text('page_token', wire.pageToken, LIMITS.pageToken),
  };
  fields.check();
  return request;
}

export function toUpdateRequest(wire: UpdateSessionRequest__Output): UpdateRequest {
  const fields = new Fields();
  if (wire.claims !== null && wire.mergeClaims !== null) fields.fault('merge_claims', 'not together with claims');
  if (wire.data !== null && wire.mergeData !== null) fields.fault('merge_data', 'not together with data');
  const request: UpdateRequest = {
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    handle: handleOf(fields, wire.session),
    claims: changeOf(claimsOf(fields, 'claims', wire.claims), claimsOf(fields, 'merge_claims', wire.mergeClaims)),
    data: changeOf(fields.json('data', wire.data, LIMITS.data), fields.json('merge_data', wire.mergeData, LIMITS.data)),
    deviceName: wire.deviceName === undefined ? null : fields.text('device_name', wire.deviceName, LIMITS.deviceName),
    etag: fields.text('etag', wire.etag, LIMITS.etag),
    supersedeAccessTokens: wire.supersedeAccessTokens,
  };
  fields.check();
  return request;
}

export function toRotateRequest(wire: RotateSessionRequest__Output): RotateRequest {
  const fields = new Fields();
  const request: RotateRequest = {
    requestId: fields.uuid('request_id', wire.requestId),
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    handle: handleOf(fields, wire.session),
    userId: fields.text('user_id', wire.userId, LIMITS.userId),
    authTimeMs: authTimeMs(fields, wire),
    acr: wire.acr === '' ? null : fields.text('acr', wire.acr, LIMITS.acr),
    amr: wire.amr.length === 0 ? null : fields.texts('amr', wire.amr, LIMITS.amrItems, LIMITS.amrItem),
    claims: claimsOf(fields, 'claims', wire.claims),
    data: fields.json('data', wire.data, LIMITS.data),
    device: deviceOf(fields, wire.device),
    idleTimeoutMs: fields.durationMs('idle_timeout', wire.idleTimeout),
    absoluteTimeoutMs: absoluteTimeoutMs(fields, wire),
  };
  fields.check();
  return request;
}

export function toRevokeRequest(wire: RevokeSessionRequest__Output): RevokeRequest {
  const fields = new Fields();
  const request: RevokeRequest = {
    requestId: fields.uuid('request_id', wire.requestId),
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    handle: handleOf(fields, wire.session),
    reason: reasonOf(fields, wire.reason, 'logout'),
    actor: actorOf(fields, wire.actor),
  };
  fields.check();
  return request;
}

export function toRevokeManyRequest(wire: RevokeSessionsRequest__Output): RevokeManyRequest {
  const fields = new Fields();
  const request: RevokeManyRequest = {
    requestId: fields.uuid('request_id', wire.requestId),
    tenantId: fields.text('tenant_id', wire.tenantId, LIMITS.tenantId),
    scope: scopeOf(fields, wire),
    deviceId: fields.text('device_id', wire.deviceId, LIMITS.deviceId),
    createTimeBeforeMs: fields.timeMs('create_time_before', wire.createTimeBefore),
    exceptSessionId: fields.uuid('except_session_id', wire.exceptSessionId),
    denyCreateUntilMs: fields.timeMs('deny_create_until_time', wire.denyCreateUntilTime),
    reason: reasonOf(fields, wire.reason, 'admin'),
    actor: actorOf(fields, wire.actor),
    dryRun: wire.dryRun,
  };
  if (request.scope.kind !== 'user') {
    const withUser = 'only with user_id';
    if (request.deviceId !== '') fields.fault('device_id', withUser);
    if (request.createTimeBeforeMs !== null) fields.fault('create_time_before', withUser);
    if (request.exceptSessionId !== '') fields.fault('except_session_id', withUser);
    if (request.denyCreateUntilMs !== null) fields.fault('deny_create_until_time', withUser);
  }
  fields.check();
  return request;
}

function scopeOf(fields: Fields, wire: RevokeSessionsRequest__Output): RevokeManyRequest['scope'] {
  fields.single('scope', wire.userId, wire.clientId, wire.wholeTenant);
  switch (wire.scope) {
    case 'userId':
      return { kind: 'user', userId: fields.requiredText('user_id', wire.userId ?? '', LIMITS.userId) };
    case 'clientId':
      return { kind: 'client', clientId: fields.requiredText('client_id', wire.clientId ?? '', LIMITS.clientId) };
    case 'wholeTenant':
      if (wire.wholeTenant !== true) fields.fault('whole_tenant', 'must be true');
      return { kind: 'tenant' };
    default:
      fields.fault('scope', 'required: user_id, client_id or whole_tenant');
      return { kind: 'tenant' };
  }
}

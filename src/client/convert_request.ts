import { randomUUID } from 'node:crypto';
import type { BatchValidateSessionsRequest } from '../wire/gen/sessionauthority/v1/BatchValidateSessionsRequest.ts';
import type { CreateSessionRequest as WireCreateSessionRequest } from '../wire/gen/sessionauthority/v1/CreateSessionRequest.ts';
import type { GetSessionRequest as WireGetSessionRequest } from '../wire/gen/sessionauthority/v1/GetSessionRequest.ts';
import type { ListSessionsRequest as WireListSessionsRequest } from '../wire/gen/sessionauthority/v1/ListSessionsRequest.ts';
import type { RefreshSessionRequest as WireRefreshSessionRequest } from '../wire/gen/sessionauthority/v1/RefreshSessionRequest.ts';
import type { RevokeSessionRequest as WireRevokeSessionRequest } from '../wire/gen/sessionauthority/v1/RevokeSessionRequest.ts';
import type { RevokeSessionsRequest as WireRevokeSessionsRequest } from '../wire/gen/sessionauthority/v1/RevokeSessionsRequest.ts';
import type { RotateSessionRequest as WireRotateSessionRequest } from '../wire/gen/sessionauthority/v1/RotateSessionRequest.ts';
import type { UpdateSessionRequest as WireUpdateSessionRequest } from '../wire/gen/sessionauthority/v1/UpdateSessionRequest.ts';
import type { ValidateSessionRequest as WireValidateSessionRequest } from '../wire/gen/sessionauthority/v1/ValidateSessionRequest.ts';
import type {
  CreateSessionRequest,
  GetSessionRequest,
  GivenRevocationReason,
  ListSessionsRequest,
  RefreshSessionRequest,
  RevokeSessionRequest,
  RevokeSessionsRequest,
  RotateSessionRequest,
  SessionView,
  TokenMode,
  UpdateSessionRequest,
  ValidateSessionRequest,
} from './client_types.ts';
import { RequestFields } from './request_fields.ts';

/**
 * A message of the contract of which every field is named, undefined where it is unset: one that the contract gains does not
 * compile until it is. The discriminators of oneofs are the loader's own.
 */
export type Named<T> = {
  [K in Exclude<keyof T, 'handle' | 'credential' | 'scope' | `_${string}`>]-?: T[K] | undefined;
};

const TOKEN_MODES = { pair: 'TOKEN_MODE_PAIR', opaque: 'TOKEN_MODE_OPAQUE' } as const satisfies Record<
  TokenMode,
  string
>;

const VIEWS = { basic: 'SESSION_VIEW_BASIC', full: 'SESSION_VIEW_FULL' } as const satisfies Record<SessionView, string>;

const CONSISTENCIES = { local: 'CONSISTENCY_LOCAL', strong: 'CONSISTENCY_STRONG' } as const;

const STATES = {
  active: 'SESSION_STATE_ACTIVE',
  expired: 'SESSION_STATE_EXPIRED',
  revoked: 'SESSION_STATE_REVOKED',
} as const;

const REASONS = {
  logout: 'REVOCATION_REASON_LOGOUT',
  admin: 'REVOCATION_REASON_ADMIN',
  credential_change: 'REVOCATION_REASON_CREDENTIAL_CHANGE',
  account_disabled: 'REVOCATION_REASON_ACCOUNT_DISABLED',
  security: 'REVOCATION_REASON_SECURITY',
} as const satisfies Record<GivenRevocationReason, string>;

export function toCreateRequest(request: CreateSessionRequest): Named<WireCreateSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    requestId: requestIdOf(request),
    tenantId: request.tenantId,
    userId: request.userId,
    clientId: request.clientId,
    tokenMode: fields.choice('token_mode', request.tokenMode, TOKEN_MODES),
    claims: fields.struct('claims', request.claims),
    data: fields.struct('data', request.data),
    device: request.device as WireCreateSessionRequest['device'],
    idleTimeout: fields.duration('idle_timeout', request.idleTimeoutMs),
    absoluteTimeout: fields.duration('absolute_timeout', request.absoluteTimeoutMs),
    authTime: fields.time('auth_time', request.authTime),
    acr: request.acr,
    amr: listOf(request.amr),
    actor: request.actor as WireCreateSessionRequest['actor'],
    audiences: listOf(request.audiences),
    replaceDeviceSessions: request.replaceDeviceSessions,
  };
  fields.check();
  return wire;
}

export function toRefreshRequest(request: RefreshSessionRequest): Named<WireRefreshSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    requestId: requestIdOf(request),
    refreshToken: request.refreshToken,
    device: request.device as WireRefreshSessionRequest['device'],
    claims: fields.struct('claims', request.claims),
    tenantId: request.tenantId,
    clientId: request.clientId,
  };
  fields.check();
  return wire;
}

/** @param path of this request within another, such as `requests[1].` */
export function toValidateRequest(request: ValidateSessionRequest, path = ''): Named<WireValidateSessionRequest> {
  const fields = new RequestFields(path);
  const wire = {
    accessToken: request.accessToken,
    sessionToken: request.sessionToken,
    consistency: fields.choice('consistency', request.consistency, CONSISTENCIES),
    consistencyToken: request.consistencyToken,
    tenantId: request.tenantId,
    audience: request.audience,
    device: request.device as WireValidateSessionRequest['device'],
    noTouch: request.noTouch,
    includeClaims: request.includeClaims,
    includeSession: request.includeSession,
    view: fields.choice('view', request.view, VIEWS),
    maxStaleness: fields.duration('max_staleness', request.maxStalenessMs),
  };
  fields.check();
  return wire;
}

export function toBatchRequest(requests: readonly ValidateSessionRequest[]): Named<BatchValidateSessionsRequest> {
  return {
    requests: requests.map(
      (request, index) => toValidateRequest(request, `requests[${index}].`) as WireValidateSessionRequest,
    ),
  };
}

export function toGetRequest(request: GetSessionRequest): Named<WireGetSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    tenantId: request.tenantId,
    session: request.session as WireGetSessionRequest['session'],
    view: fields.choice('view', request.view, VIEWS),
  };
  fields.check();
  return wire;
}

export function toListRequest(request: ListSessionsRequest): Named<WireListSessionsRequest> {
  const fields = new RequestFields();
  const states = request.states?.map((state, index) => fields.choice(`states[${index}]`, state, STATES));
  const wire = {
    tenantId: request.tenantId,
    userId: request.userId,
    clientId: request.clientId,
    deviceId: request.deviceId,
    states: states?.filter((state) => state !== undefined),
    pageSize: fields.integer('page_size', request.pageSize),
    pageToken: request.pageToken,
    view: fields.choice('view', request.view, VIEWS),
  };
  fields.check();
  return wire;
}

export function toUpdateRequest(request: UpdateSessionRequest): Named<WireUpdateSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    tenantId: request.tenantId,
    session: request.session as WireUpdateSessionRequest['session'],
    claims: fields.struct('claims', request.claims),
    mergeClaims: fields.struct('merge_claims', request.mergeClaims),
    data: fields.struct('data', request.data),
    mergeData: fields.struct('merge_data', request.mergeData),
    deviceName: request.deviceName,
    etag: request.etag,
    supersedeAccessTokens: request.supersedeAccessTokens,
  };
  fields.check();
  return wire;
}

export function toRotateRequest(request: RotateSessionRequest): Named<WireRotateSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    requestId: requestIdOf(request),
    tenantId: request.tenantId,
    session: request.session as WireRotateSessionRequest['session'],
    userId: request.userId,
    authTime: fields.time('auth_time', request.authTime),
    acr: request.acr,
    amr: listOf(request.amr),
    claims: fields.struct('claims', request.claims),
    data: fields.struct('data', request.data),
    device: request.device as WireRotateSessionRequest['device'],
    idleTimeout: fields.duration('idle_timeout', request.idleTimeoutMs),
    absoluteTimeout: fields.duration('absolute_timeout', request.absoluteTimeoutMs),
  };
  fields.check();
  return wire;
}

export function toRevokeRequest(request: RevokeSessionRequest): Named<WireRevokeSessionRequest> {
  const fields = new RequestFields();
  const wire = {
    requestId: requestIdOf(request),
    tenantId: request.tenantId,
    session: request.session as WireRevokeSessionRequest['session'],
    reason: fields.choice('reason', request.reason, REASONS),
    actor: request.actor as WireRevokeSessionRequest['actor'],
  };
  fields.check();
  return wire;
}

export function toRevokeManyRequest(request: RevokeSessionsRequest): Named<WireRevokeSessionsRequest> {
  const fields = new RequestFields();
  const wire = {
    requestId: requestIdOf(request),
    tenantId: request.tenantId,
    userId: request.userId,
    clientId: request.clientId,
    wholeTenant: request.wholeTenant,
    deviceId: request.deviceId,
    createTimeBefore: fields.time('create_time_before', request.createTimeBefore),
    exceptSessionId: request.exceptSessionId,
    denyCreateUntilTime: fields.time('deny_create_until_time', request.denyCreateUntilTime),
    reason: fields.choice('reason', request.reason, REASONS),
    actor: request.actor as WireRevokeSessionsRequest['actor'],
    dryRun: request.dryRun,
  };
  fields.check();
  return wire;
}

/** Every request that may have one has one: without it no repeat is safe. */
function requestIdOf({ requestId }: { readonly requestId?: string | undefined }): string {
  return requestId || randomUUID();
}

function listOf(texts: readonly string[] | undefined): string[] | undefined {
  return texts && [...texts];
}

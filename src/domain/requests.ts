import type { RevocationReason } from '../revocation/revocation.ts';
import type { Actor, Device, SessionStatus, TokenMode } from './session.ts';
import type { JsonChange } from './store.ts';

/*
 * What callers may ask, checked field by field: within LIMITS, times and durations in ms, JSON as
 * canonical text. null means that the request left a field unset.
 */

export interface CreateRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly tokenMode: TokenMode;
  readonly claims: string | null;
  readonly data: string | null;
  readonly device: Device | null;
  readonly idleTimeoutMs: number | null;
  readonly absoluteTimeoutMs: number | null;
  readonly authTimeMs: number | null;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly actor: Actor | null;
  readonly audiences: readonly string[];
  readonly replaceDeviceSessions: boolean;
}

export interface RefreshRequest {
  readonly requestId: string;
  readonly refreshToken: string;
  readonly device: Device | null;
  readonly claims: string | null;
  readonly tenantId: string | null;
  readonly clientId: string | null;
}

export interface ValidateRequest {
  readonly credential: { readonly kind: 'access' | 'session'; readonly token: string };
  readonly strong: boolean;
  readonly consistencyToken: Uint8Array | null;
  readonly tenantId: string | null;
  /** Empty = any. */
  readonly audience: string;
  readonly device: Device | null;
  readonly touch: boolean;
  readonly includeClaims: boolean;
  readonly includeSession: boolean;
  readonly maxStalenessMs: number;
}

/** Names a session by its id or by a credential of it. */
export type SessionHandle =
  | { readonly kind: 'id'; readonly sessionId: string }
  | { readonly kind: 'session' | 'refresh' | 'access'; readonly token: string };

export interface GetRequest {
  readonly tenantId: string;
  readonly handle: SessionHandle;
}

export interface ListRequest {
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly deviceId: string;
  readonly states: readonly SessionStatus['state'][];
  readonly pageSize: number;
  /** Empty = the first page. */
  readonly pageToken: string;
}

export interface UpdateRequest {
  readonly tenantId: string;
  readonly handle: SessionHandle;
  readonly claims: JsonChange | null;
  readonly data: JsonChange | null;
  readonly deviceName: string | null;
  /** Empty = any. */
  readonly etag: string;
  readonly supersedeAccessTokens: boolean;
}

export interface RotateRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly handle: SessionHandle;
  /** Empty: the session keeps its user. */
  readonly userId: string;
  readonly authTimeMs: number | null;
  readonly acr: string | null;
  readonly amr: readonly string[] | null;
  readonly claims: string | null;
  readonly data: string | null;
  readonly device: Device | null;
  readonly idleTimeoutMs: number | null;
  readonly absoluteTimeoutMs: number | null;
}

export interface RevokeRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly handle: SessionHandle;
  readonly reason: RevocationReason;
  readonly actor: Actor | null;
}

export interface RevokeManyRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly scope:
    | { readonly kind: 'user'; readonly userId: string }
    | { readonly kind: 'client'; readonly clientId: string }
    | { readonly kind: 'tenant' };
  readonly deviceId: string;
  readonly createTimeBeforeMs: number | null;
  readonly exceptSessionId: string;
  readonly denyCreateUntilMs: number | null;
  readonly reason: RevocationReason;
  readonly actor: Actor | null;
  readonly dryRun: boolean;
}

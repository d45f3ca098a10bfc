import type { RevocationReason } from '../revocation/revocation.ts';

/*
 * What callers of SessionAuthorityClient hand over. A member that is undefined, or missing, leaves the field of the contract
 * unset; limits are those of the README.
 */

/** How to reach the service. */
export interface ConnectionOptions {
  /**
   * `host:port`; several, among which calls are spread, and of which one that is down is passed over; or a grpc-js URI such
   * as `dns:///sessions.internal:50051`, whose addresses are used in turn.
   */
  readonly target: string | readonly string[];
  /** PEM. Absent: plaintext, and then no proxy of the environment is used either. */
  readonly tls?:
    | {
        /** The authorities that may sign the service's certificate. */
        readonly rootCerts: Buffer;
        /** With `clientKey`: what this program shows of itself. */
        readonly clientCert?: Buffer | undefined;
        readonly clientKey?: Buffer | undefined;
      }
    | undefined;
  /** Sent with every call as `authorization: Bearer …`. Refused without TLS, unless all targets are of this machine. */
  readonly serviceToken?: string | undefined;
}

/** What every call takes last. */
export interface CallOptions {
  /** How long the call may take, other attempts and the waits between them included; 5000 where unset. */
  readonly deadlineMs?: number | undefined;
  /** Ends the call, which then rejects with the signal's reason. What was asked may have happened all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** A JSON object. NaN, infinite numbers, integers beyond 2^53 and what JSON has not are refused before anything is sent. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How a session's holder proves it: an access and a refresh token, or one opaque token for a cookie. */
export type TokenMode = 'pair' | 'opaque';

/** Whether sessions are shown without their `data`, or with it. */
export type SessionView = 'basic' | 'full';

/** The reasons that a caller may give. */
export type GivenRevocationReason = Extract<
  RevocationReason,
  'logout' | 'admin' | 'credential_change' | 'account_disabled' | 'security'
>;

/** What is known of the device that holds a session. */
export interface DeviceInput {
  /** The caller's own stable identifier of the device. */
  readonly deviceId?: string | undefined;
  readonly name?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly ipAddress?: string | undefined;
}

/** Who acts for the user (RFC 8693), or who asked for a revocation. */
export interface ActorInput {
  readonly userId: string;
  readonly tenantId?: string | undefined;
  readonly reason?: string | undefined;
}

/** Names a session by its id or by one credential of it. */
export type SessionHandle = OneOf<{
  readonly sessionId: string;
  readonly sessionToken: string;
  readonly refreshToken: string;
  readonly accessToken: string;
}>;

export interface CreateSessionRequest {
  /** A UUID that makes a repeat of the call safe; made by the client where unset. */
  readonly requestId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Unset for an anonymous session. */
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
  /** `pair` where unset. */
  readonly tokenMode?: TokenMode | undefined;
  /** Top-level claims of every access token. */
  readonly claims?: JsonObject | undefined;
  /** Stays on the server. */
  readonly data?: JsonObject | undefined;
  readonly device?: DeviceInput | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly absoluteTimeoutMs?: number | undefined;
  /** When the user was authenticated; now where unset. */
  readonly authTime?: Date | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
  readonly actor?: ActorInput | undefined;
  readonly audiences?: readonly string[] | undefined;
  /** Also end the user's other sessions of the same `deviceId`. */
  readonly replaceDeviceSessions?: boolean | undefined;
}

export interface RefreshSessionRequest {
  /** As in CreateSessionRequest. */
  readonly requestId?: string | undefined;
  readonly refreshToken: string;
  readonly device?: DeviceInput | undefined;
  /** Replaces the claims. */
  readonly claims?: JsonObject | undefined;
  /** The token must be of this tenant. */
  readonly tenantId?: string | undefined;
  /** The token must be of this client. */
  readonly clientId?: string | undefined;
}

export type ValidateSessionRequest = OneOf<{ readonly accessToken: string; readonly sessionToken: string }> & {
  /** `local` where unset: by the revocations that the instance has applied. `strong` reads the store. */
  readonly consistency?: 'local' | 'strong' | undefined;
  /** From the answer to a revocation, which the instance must have applied. */
  readonly consistencyToken?: Uint8Array | undefined;
  /** The credential must be of this tenant. */
  readonly tenantId?: string | undefined;
  /** Must be one of the credential's audiences. */
  readonly audience?: string | undefined;
  readonly device?: DeviceInput | undefined;
  /** Do not slide the idle timeout. */
  readonly noTouch?: boolean | undefined;
  readonly includeClaims?: boolean | undefined;
  readonly includeSession?: boolean | undefined;
  readonly view?: SessionView | undefined;
  /** How stale a `local` answer may be; 60000 where unset. */
  readonly maxStalenessMs?: number | undefined;
};

export interface GetSessionRequest {
  readonly tenantId?: string | undefined;
  readonly session: SessionHandle;
  readonly view?: SessionView | undefined;
}

export interface ListSessionsRequest {
  readonly tenantId?: string | undefined;
  readonly userId: string;
  readonly clientId?: string | undefined;
  readonly deviceId?: string | undefined;
  /** `active` alone where unset or empty. */
  readonly states?: readonly ('active' | 'expired' | 'revoked')[] | undefined;
  /** 50 where unset, 200 at most. A page may be shorter. */
  readonly pageSize?: number | undefined;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string | undefined;
  readonly view?: SessionView | undefined;
}

export interface UpdateSessionRequest {
  readonly tenantId?: string | undefined;
  readonly session: SessionHandle;
  /** Replaces all claims. */
  readonly claims?: JsonObject | undefined;
  /** Merged into the claims (RFC 7396: null removes). Not together with `claims`. */
  readonly mergeClaims?: JsonObject | undefined;
  /** Replaces all data. */
  readonly data?: JsonObject | undefined;
  /** Merged into the data. Not together with `data`. */
  readonly mergeData?: JsonObject | undefined;
  readonly deviceName?: string | undefined;
  /** Must equal the session's. An update without one is not repeated when its answer is lost. */
  readonly etag?: string | undefined;
  /** Access tokens issued before become inactive; the session lives on. */
  readonly supersedeAccessTokens?: boolean | undefined;
}

export interface RotateSessionRequest {
  /** As in CreateSessionRequest. */
  readonly requestId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly session: SessionHandle;
  /** The user who has just logged in on an anonymous session. */
  readonly userId?: string | undefined;
  readonly authTime?: Date | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
  readonly claims?: JsonObject | undefined;
  readonly data?: JsonObject | undefined;
  readonly device?: DeviceInput | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly absoluteTimeoutMs?: number | undefined;
}

export interface RevokeSessionRequest {
  /** As in CreateSessionRequest. */
  readonly requestId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly session: SessionHandle;
  /** `logout` where unset. */
  readonly reason?: GivenRevocationReason | undefined;
  readonly actor?: ActorInput | undefined;
}

export type RevokeSessionsRequest = OneOf<{
  /** Every session of the user. */
  readonly userId: string;
  /** Every session that the client opened. */
  readonly clientId: string;
  /** Every session of the tenant. */
  readonly wholeTenant: true;
}> & {
  /** As in CreateSessionRequest. */
  readonly requestId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** With `userId`: must match too. */
  readonly deviceId?: string | undefined;
  /** With `userId`: must match too. */
  readonly createTimeBefore?: Date | undefined;
  /** With `userId`: stays. */
  readonly exceptSessionId?: string | undefined;
  /** With `userId`: until then no session is opened for the user. */
  readonly denyCreateUntilTime?: Date | undefined;
  /** `admin` where unset. */
  readonly reason?: GivenRevocationReason | undefined;
  readonly actor?: ActorInput | undefined;
  /** Says what would end, and ends nothing. */
  readonly dryRun?: boolean | undefined;
};

export interface WatchRevocationsRequest {
  /** Every tenant that the caller may see where unset or empty. */
  readonly tenantIds?: readonly string[] | undefined;
  /** Names the subscriber to the service's operators. */
  readonly subscriberId?: string | undefined;
}

/** Exactly one of the members. */
type OneOf<T> = { [K in keyof T]: Pick<T, K> & { readonly [O in Exclude<keyof T, K>]?: never } }[keyof T];

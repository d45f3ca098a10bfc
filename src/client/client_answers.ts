import type { RevocationReason } from '../revocation/revocation.ts';
import type { TokenMode } from './client_types.ts';

/*
 * What SessionAuthorityClient answers. A text that is not known is empty; `unspecified` is a value of a later version of the
 * service.
 */

export interface Device {
  readonly deviceId: string;
  readonly name: string;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/** How the device in a request differs from the session's. */
export interface DeviceChange {
  readonly userAgentChanged: boolean;
  readonly ipAddressChanged: boolean;
}

/** Who acts for the user (RFC 8693). */
export interface Actor {
  readonly userId: string;
  readonly tenantId: string;
  readonly reason: string;
}

export interface Session {
  readonly sessionId: string;
  readonly tenantId: string;
  /** Empty for an anonymous session. */
  readonly userId: string;
  readonly clientId: string;
  readonly tokenMode: TokenMode | 'unspecified';
  readonly state: 'active' | 'expired' | 'revoked' | 'unspecified';
  readonly createTime: Date;
  readonly lastActiveTime: Date;
  /** The earlier of the idle and the absolute limit. */
  readonly expireTime: Date;
  readonly absoluteExpireTime: Date;
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly device: Device | null;
  readonly actor: Actor | null;
  readonly audiences: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  /** Null unless it was asked for with the view `full`. */
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly etag: string;
  readonly revokeTime: Date | null;
  /** Null where the session is not revoked. */
  readonly revocationReason: RevocationReason | null;
}

export interface PairTokens {
  readonly kind: 'pair';
  readonly accessToken: string;
  readonly accessTokenExpireTime: Date;
  readonly refreshToken: string;
  readonly refreshTokenExpireTime: Date;
  /** When to refresh: before expiry, and not all clients at once. */
  readonly refreshAfterTime: Date;
}

export interface OpaqueTokens {
  readonly kind: 'opaque';
  readonly sessionToken: string;
}

export type Tokens = PairTokens | OpaqueTokens;

/** A session that has begun. */
export interface BegunSession<T extends Tokens = Tokens> {
  readonly session: Session;
  readonly tokens: T;
  /** What ended for it. */
  readonly endedSessionIds: readonly string[];
  /** For ValidateSessionRequest; null where nothing was revoked. */
  readonly consistencyToken: Uint8Array | null;
}

export interface RefreshedSession {
  readonly session: Session;
  readonly tokens: PairTokens;
  /** Null where the request described no device. */
  readonly deviceChange: DeviceChange | null;
}

/** What a credential says, and whether it is good now. */
export type Validation = ActiveValidation | InactiveValidation;

interface ValidationContent {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly actor: Actor | null;
  /** Null unless asked for. */
  readonly claims: Readonly<Record<string, unknown>> | null;
  /** Null unless asked for. */
  readonly session: Session | null;
  /** Null where the session was not read, or the request described no device. */
  readonly deviceChange: DeviceChange | null;
  /** How far behind the store the revocations behind this answer may be; 0 for `strong`. */
  readonly stalenessMs: number;
  /** The store was out of reach and the recovery window answered. */
  readonly degraded: boolean;
}

export interface ActiveValidation extends ValidationContent {
  readonly active: true;
  readonly inactiveReason: null;
  readonly expireTime: Date;
  readonly authTime: Date;
  /** A subscriber that applies the revocation stream may reuse this answer until then. */
  readonly reusableUntilTime: Date | null;
}

export interface InactiveValidation extends ValidationContent {
  readonly active: false;
  /** Of an `invalid` credential nothing else is told. A `superseded` one is an access token to be refreshed. */
  readonly inactiveReason: 'invalid' | 'expired' | 'revoked' | 'superseded' | 'unspecified';
  readonly expireTime: Date | null;
  readonly authTime: Date | null;
  readonly reusableUntilTime: null;
}

export interface SessionPage {
  /** Newest first. */
  readonly sessions: readonly Session[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface UpdatedSession {
  readonly session: Session;
  /** Null unless access tokens were superseded. */
  readonly consistencyToken: Uint8Array | null;
}

export interface RevokedSession {
  /** False where it had ended before, or never was. */
  readonly revoked: boolean;
  readonly consistencyToken: Uint8Array | null;
}

export interface RevokedSessions {
  /** Null where the sessions were not ended one by one. */
  readonly sessionCount: number | null;
  readonly consistencyToken: Uint8Array | null;
}

/** A JSON Web Key Set (RFC 7517) of the public keys of access tokens. */
export interface JsonWebKeySet {
  readonly keys: readonly JsonWebKey[];
}

/** One public key (RFC 7517, section 4), with the members of its `kty`. */
export interface JsonWebKey {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

/** A subscription to revocations, till it is closed or refused. */
export interface RevocationSubscription {
  /** How old, in ms, the newest proof is that every revocation was handed out; Infinity before the first. */
  readonly ageMs: number;
  /** Ends the stream and its connection, without another event. */
  close(): void;
}

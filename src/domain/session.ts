import type { Generations, RevocationReason } from '../revocation/revocation.ts';

/** How a session's holder proves it: a token pair, or one opaque token. */
export type TokenMode = 'pair' | 'opaque';

/** What the caller knows of the client that holds the session; empty strings where unknown. */
export interface Device {
  readonly deviceId: string;
  readonly name: string;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/** Who acts for the user (RFC 8693, section 4.1). */
export interface Actor {
  readonly userId: string;
  readonly tenantId: string;
  readonly reason: string;
}

/** The state of a rotating credential. Neither a token nor a hash of one is part of it. */
export interface Credential {
  /** 16 random bytes, base64url; every token of the session carries them. */
  readonly nonce: string;
  /** The generation of the current token; the first is 1. */
  readonly generation: number;
  /** The key that tags the current token. */
  readonly keyId: number;
  /** Store times (ms) at which the last 8 spent generations were spent, the newest last. */
  readonly spentTimesMs: readonly number[];
  /** The request that spent the latest generation; empty where it named none. */
  readonly requestId: string;
  readonly requestHash: string;
}

/** One session as it is stored. All times are the store's clock, in ms since the epoch. */
export interface Session {
  /** A UUIDv7 (RFC 9562, section 5.7) whose last 16 bits are a hash of tenant and user. */
  readonly sessionId: string;
  readonly tenantId: string;
  /** Empty for an anonymous session. */
  readonly userId: string;
  readonly clientId: string;
  readonly tokenMode: TokenMode;
  readonly createTimeMs: number;
  readonly lastActiveTimeMs: number;
  /** 0 = no idle limit. */
  readonly idleTimeoutMs: number;
  readonly absoluteTimeoutMs: number;
  readonly absoluteExpireTimeMs: number;
  readonly authTimeMs: number;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly device: Device;
  readonly actor: Actor | null;
  readonly audiences: readonly string[];
  /** A JSON object as text. */
  readonly claims: string;
  /** A JSON object as text. */
  readonly data: string;
  /** Raised by every change of claims, data or device; the `ver` claim and the etag. */
  readonly version: number;
  /** Access tokens with a lower `ver` are superseded. */
  readonly minVersion: number;
  /** The minima in force when the session was created, or last brought forward. */
  readonly generations: Generations;
  readonly credential: Credential;
  /** Set where this very session was ended; one that a raised epoch ended keeps null. */
  readonly revocation: { readonly timeMs: number; readonly reason: RevocationReason } | null;
}

/** What a session is at a moment, its epochs taken into account. */
export type SessionStatus =
  | { readonly state: 'active' }
  | { readonly state: 'expired'; readonly timeMs: number }
  | { readonly state: 'revoked'; readonly timeMs: number; readonly reason: RevocationReason };

/** The minimum generation of one user, client, tenant, or of everything. */
export interface Epoch {
  readonly minGeneration: number;
  readonly raiseTimeMs: number;
  readonly reason: RevocationReason;
}

/** The records that apply to a session, in the order of its generations; undefined = never raised. */
export type Epochs = readonly [Epoch | undefined, Epoch | undefined, Epoch | undefined, Epoch | undefined];

/** The `sub` claim: the user, or the session itself where it is anonymous. */
export function subjectOf(session: { readonly userId: string; readonly sessionId: string }): string {
  return session.userId === '' ? session.sessionId : session.userId;
}

/** The earlier of the idle and the absolute limit, in ms. */
export function expireTimeMs(session: Session): number {
  if (session.idleTimeoutMs === 0) return session.absoluteExpireTimeMs;
  return Math.min(session.lastActiveTimeMs + session.idleTimeoutMs, session.absoluteExpireTimeMs);
}

/**
 * How long after a touch the next one writes nothing, in ms: half of a short idle timeout, else a session in steady
 * use would expire between two touches. Not for a session without an idle timeout, which no use slides.
 */
export function touchIntervalMs(session: Session, configuredMs: number): number {
  return Math.min(configuredMs, session.idleTimeoutMs / 2);
}

/** Whichever came first decides: its own revocation, an epoch of one of its scopes, or a limit. */
export function statusOf(session: Session, epochs: Epochs, nowMs: number): SessionStatus {
  let ended: { timeMs: number; reason: RevocationReason } | null = session.revocation;
  for (const [scope, epoch] of epochs.entries()) {
    if (epoch === undefined || (session.generations[scope] ?? 0) >= epoch.minGeneration) continue;
    if (ended === null || epoch.raiseTimeMs < ended.timeMs) ended = { timeMs: epoch.raiseTimeMs, reason: epoch.reason };
  }
  const expiry = expireTimeMs(session);
  if (ended !== null && ended.timeMs < expiry) return { state: 'revoked', ...ended };
  if (expiry <= nowMs) return { state: 'expired', timeMs: expiry };
  return ended === null ? { state: 'active' } : { state: 'revoked', ...ended };
}

/** The tag that `UpdateSession` compares; it changes with claims, data and device, not with use. */
export function etagOf(session: Session): string {
  return session.version.toString(36);
}

/** The version that an etag stands for; one that no session has where it is not an etag of ours. */
export function versionOf(etag: string): number {
  const version = Number.parseInt(etag, 36);
  return version.toString(36) === etag ? version : -1;
}

/** The device after a request that describes it anew; what the request leaves empty stays. */
export function describedDevice(present: Device, given: Device | null): Device {
  if (given === null) return present;
  return {
    deviceId: given.deviceId || present.deviceId,
    name: given.name || present.name,
    userAgent: given.userAgent || present.userAgent,
    ipAddress: given.ipAddress || present.ipAddress,
  };
}

export const UNKNOWN_DEVICE: Device = { deviceId: '', name: '', userAgent: '', ipAddress: '' };

export function sameDevice(a: Device, b: Device): boolean {
  return a.deviceId === b.deviceId && a.name === b.name && a.userAgent === b.userAgent && a.ipAddress === b.ipAddress;
}

/** How the device in a request differs from the session's; what the request leaves empty does not. */
export interface DeviceChange {
  readonly userAgentChanged: boolean;
  readonly ipAddressChanged: boolean;
}

export function deviceChange(present: Device, given: Device | null): DeviceChange | null {
  if (given === null) return null;
  return {
    userAgentChanged: given.userAgent !== '' && given.userAgent !== present.userAgent,
    ipAddressChanged: given.ipAddress !== '' && given.ipAddress !== present.ipAddress,
  };
}

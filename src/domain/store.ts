import type { LogPosition } from '../revocation/log.ts';
import type { RevocationReason } from '../revocation/revocation.ts';
import type { StoredKey } from '../token/keys.ts';
import type { Actor, Device, Session, SessionStatus, TokenMode } from './session.ts';

/** A session with what it was at the store's time of the step. */
export interface SessionRecord {
  readonly session: Session;
  readonly status: SessionStatus;
}

/** What makes a retry safe: where the record is kept, and a digest of what was asked. */
export interface RequestStamp {
  /** Digest of RPC, tenant and request id; a store adds the subject. */
  readonly key: string;
  readonly hash: string;
}

/** A session that does not exist yet: all but what the atomic step itself decides. */
export interface NewSession {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly tokenMode: TokenMode;
  readonly idleTimeoutMs: number;
  readonly absoluteTimeoutMs: number;
  /** null = the store's time. */
  readonly authTimeMs: number | null;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly device: Device;
  readonly actor: Actor | null;
  readonly audiences: readonly string[];
  readonly claims: string;
  readonly data: string;
  readonly nonce: string;
  readonly keyId: number;
}

/** What a credential in a handle proved, for the step to compare with the row. */
export interface CredentialProof {
  /** Of a refresh or session token. */
  readonly nonce?: string;
  /** Of a refresh token; a spent one no longer speaks for its session. */
  readonly generation?: number;
  /** Of an access token; a superseded one no longer speaks for its session. */
  readonly version?: number;
  /** Must be one of the session's. */
  readonly audience?: string;
}

/** Names a session within tenants; sessions of other tenants look unknown, and a step changes nothing of them. */
export interface SessionRef {
  /** Those of which it must be one: an empty list admits none, the empty string is a tenant. null = whichever it is of. */
  readonly tenantIds: readonly string[] | null;
  readonly sessionId: string;
  readonly proof?: CredentialProof;
}

export interface CreateCommand {
  readonly session: NewSession;
  readonly request: RequestStamp | null;
  readonly replaceDeviceSessions: boolean;
}

/** A session that a step began. */
export interface Begun {
  readonly record: SessionRecord;
  readonly endedSessionIds: readonly string[];
  /** The log's head after the step, where the step appended to it. */
  readonly head: LogPosition | null;
  readonly nowMs: number;
}

export type CreateOutcome =
  | (Begun & { readonly kind: 'created' })
  /** The request found its own earlier work. */
  | (Begun & { readonly kind: 'repeated' })
  | { readonly kind: 'request_reused' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'limit' };

export interface RefreshCommand {
  readonly sessionId: string;
  readonly nonce: string;
  readonly generation: number;
  /** The key that tags the successor. */
  readonly keyId: number;
  /** As in SessionRef: of no other tenant is a token exchanged, answered again, or taken for theft. */
  readonly tenantIds: readonly string[] | null;
  /** Where not null, the row must match, else the outcome is `unknown`. */
  readonly clientId: string | null;
  readonly requestId: string;
  readonly requestHash: string;
  readonly device: Device | null;
  readonly claims: string | null;
}

export type RefreshOutcome =
  | {
      /** `replayed`: the current token is given again and nothing was changed. */
      readonly kind: 'rotated' | 'replayed';
      readonly record: SessionRecord;
      /** The device before the step. */
      readonly previousDevice: Device;
      readonly nowMs: number;
    }
  /** A spent token came back late: the step has ended the session. */
  | { readonly kind: 'reused'; readonly tenantId: string }
  | { readonly kind: 'request_reused' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'unknown' };

export interface ReadCommand extends SessionRef {
  /** Slide the idle timeout of a live session where the last touch is older than the interval. */
  readonly touch: boolean;
}

export type ReadOutcome =
  | { readonly kind: 'found'; readonly record: SessionRecord; readonly nowMs: number }
  | { readonly kind: 'unknown' };

export interface ListQuery {
  readonly tenantId: string;
  readonly userId: string;
  /** Empty = any. */
  readonly clientId: string;
  readonly deviceId: string;
  readonly states: readonly SessionStatus['state'][];
  readonly limit: number;
  /** The last session of the page before; newest first. */
  readonly after: { readonly createTimeMs: number; readonly sessionId: string } | null;
}

export interface UpdateCommand {
  readonly ref: SessionRef;
  readonly claims: JsonChange | null;
  readonly data: JsonChange | null;
  readonly deviceName: string | null;
  /** The version that the row must have; null = any. */
  readonly version: number | null;
  readonly supersedeAccessTokens: boolean;
}

/** A new JSON object, or a merge patch (RFC 7396) for the present one; as text. */
export interface JsonChange {
  readonly kind: 'replace' | 'merge';
  readonly json: string;
}

export type UpdateOutcome =
  | {
      readonly kind: 'updated';
      readonly record: SessionRecord;
      readonly head: LogPosition | null;
      readonly nowMs: number;
    }
  | { readonly kind: 'etag_mismatch' }
  /** The merged result exceeds LIMITS. */
  | { readonly kind: 'too_large'; readonly field: 'claims' | 'data' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'unknown' };

export interface RotateCommand {
  readonly ref: SessionRef;
  readonly request: RequestStamp | null;
  readonly newSessionId: string;
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
  readonly nonce: string;
  readonly keyId: number;
}

export type RotateOutcome =
  | (Begun & { readonly kind: 'rotated' })
  | (Begun & { readonly kind: 'repeated' })
  | { readonly kind: 'request_reused' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'limit' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'other_user' }
  /** The absolute timeout counts from a start that is not moved, and would have passed already. */
  | { readonly kind: 'timeout_passed' }
  | { readonly kind: 'unknown' };

export interface RevokeCommand {
  readonly ref: SessionRef;
  readonly request: RequestStamp | null;
  readonly reason: RevocationReason;
}

export type RevokeOutcome =
  | {
      readonly kind: 'done';
      readonly revoked: boolean;
      /** The request found its own earlier work. */
      readonly repeated: boolean;
      readonly head: LogPosition | null;
    }
  | { readonly kind: 'request_reused' };

/** Whose minimum is raised. */
export type EpochScope =
  | { readonly kind: 'user'; readonly tenantId: string; readonly userId: string }
  | { readonly kind: 'client'; readonly tenantId: string; readonly clientId: string }
  | { readonly kind: 'tenant'; readonly tenantId: string }
  | { readonly kind: 'global' };

export interface RaiseCommand {
  readonly scope: EpochScope;
  readonly request: RequestStamp | null;
  readonly reason: RevocationReason;
  /** Of the user; empty = none. It must be live and is brought forward. */
  readonly exceptSessionId: string;
  /** Refuse the user's creates and rotations until then; null = leave what is recorded. */
  readonly denyCreateUntilMs: number | null;
  /** With one of these set the user's matching sessions end one by one and no minimum is raised. */
  readonly deviceId: string;
  readonly createTimeBeforeMs: number | null;
}

export type RaiseOutcome =
  | {
      readonly kind: 'done';
      /** Set where sessions ended one by one. */
      readonly count: number | null;
      /** The request found its own earlier work. */
      readonly repeated: boolean;
      readonly head: LogPosition;
    }
  | { readonly kind: 'request_reused' }
  | ExceptFault;

/** The session to be spared is not one of the user's, or has ended: nothing was done. */
export type ExceptFault = { readonly kind: 'except_unknown' } | { readonly kind: 'except_ended' };

export type CountOutcome = { readonly kind: 'counted'; readonly count: number } | ExceptFault;

/** What one round of sweeping removed. */
export interface SweepResult {
  readonly sessions: number;
  readonly requests: number;
  readonly epochs: number;
  readonly logEntries: number;
  /** Some batch was full: call again soon. */
  readonly more: boolean;
}

/**
 * Where sessions live. An ended session is readable for its retention, then unknown, swept or not. Every method is one
 * atomic step: every outcome of a race is decided in it, and a revocation is in the log in the same step. Times in outcomes are the store's. Outcomes
 * are values; only faults are thrown: a SessionError STORE_UNAVAILABLE where the store did not
 * answer, so that what was asked may or may not have happened.
 */
export interface SessionStore {
  create(command: CreateCommand): Promise<CreateOutcome>;
  /** One compare-and-set on nonce and generation. */
  refresh(command: RefreshCommand): Promise<RefreshOutcome>;
  /** Reads the primary: sees every revocation acknowledged before the call. */
  read(command: ReadCommand): Promise<ReadOutcome>;
  list(query: ListQuery): Promise<readonly SessionRecord[]>;
  update(command: UpdateCommand): Promise<UpdateOutcome>;
  rotate(command: RotateCommand): Promise<RotateOutcome>;
  revoke(command: RevokeCommand): Promise<RevokeOutcome>;
  /** Ends what a scope names, in one write however many sessions there are. */
  raise(command: RaiseCommand): Promise<RaiseOutcome>;
  /** How many live sessions `raise` would end; ends nothing. */
  count(command: RaiseCommand): Promise<CountOutcome>;
  /** Removes at most `batch` of each kind of what is past its time. */
  sweep(batch: number): Promise<SweepResult>;
}

/** Keys that all instances on one store share. */
export interface KeyStore {
  keys(): Promise<readonly StoredKey[]>;
  /** Inserts unless use and sequence are taken; the caller reads again to learn who won. */
  insertKeyIfAbsent(key: StoredKey): Promise<void>;
}

/** Work that one instance at a time does. */
export interface Lease {
  /**
   * Whether this instance has the work for the next `forMs` ms. The holder keeps it by asking again in time; one that
   * crashed loses it when its time is over.
   */
  holdLease(name: string, forMs: number): Promise<boolean>;
}

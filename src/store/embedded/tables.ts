import type { ListQuery } from '../../domain/store.ts';
import type { Epoch, Session } from '../../domain/session.ts';
import type { LogEntry, LogPosition } from '../../revocation/log.ts';
import type { StoredKey } from '../../token/keys.ts';

/** What an epoch is kept under. `subject` is the user or client id; empty for tenant and global. */
export interface EpochKey {
  readonly scope: 'user' | 'client' | 'tenant' | 'global';
  readonly tenantId: string;
  readonly subject: string;
}

/** An epoch as it is stored: a raised minimum, a refusal of creates, or both. */
export interface EpochRecord {
  readonly epoch: Epoch | null;
  readonly denyCreateUntilMs: number | null;
  /** No session that the epoch ended can be live after this. */
  readonly keepUntilMs: number;
}

/** A session as it is stored. */
export interface StoredSession {
  readonly session: Session;
  /** Whether it is known to be below no minimum; else the epochs tell. */
  readonly meetsMinima: boolean;
}

/** What was done under a request id. */
export interface RequestRecord {
  readonly requestHash: string;
  /** Empty where the request made no session. */
  readonly sessionId: string;
  /** The generation that the session's credential had after the request. */
  readonly generation: number;
  readonly result: {
    readonly endedSessionIds?: readonly string[];
    readonly revoked?: boolean;
    readonly count?: number | null;
    readonly head: LogPosition | null;
  };
  readonly expireTimeMs: number;
}

/** Who has a lease, and until when. */
export interface LeaseRecord {
  readonly holder: string;
  readonly expireTimeMs: number;
}

/** What a lifetime bounds: access tokens, or sessions by their absolute limit. */
export type LifetimeKind = 'access_token' | 'session';

/**
 * The tables of an embedded engine, as its steps see them within one transaction: all reads and
 * writes are synchronous, and nobody else's step runs in between.
 */
export interface Tables {
  session(sessionId: string): StoredSession | undefined;
  insertSession(session: Session, purgeTimeMs: number): void;
  /** Writes what updates and refreshes change: no column that an index holds. */
  updateSession(session: Session): void;
  /** Ends this very session, to be purged after `purgeTimeMs`. */
  revokeSession(sessionId: string, revocation: NonNullable<Session['revocation']>, purgeTimeMs: number): void;
  /** Brings a session forward, past a minimum that spares it. */
  setUserGeneration(sessionId: string, generation: number): void;
  /** The one column that use changes. */
  touchSession(sessionId: string, lastActiveTimeMs: number): void;
  setPurgeTime(sessionId: string, purgeTimeMs: number): void;
  deleteSession(sessionId: string): void;
  /** The user's sessions that were not ended one by one and whose user generation is not below `minGeneration`. */
  unrevokedOfUser(tenantId: string, userId: string, minGeneration: number): Session[];
  /** How many sessions of the tenant (of one client where given), or of all there are, are live. */
  countLive(tenantId: string | null, clientId: string | null, nowMs: number, birthTimeMs: number): number;
  /**
   * The user's sessions after `after`, newest first, lazily; client and device already match. Where a minimum is
   * given, those alone that `unrevokedOfUser` gives.
   */
  listOfUser(query: Omit<ListQuery, 'states' | 'limit'>, minGeneration: number | null): Iterable<Session>;
  /** Sessions whose purge time has come, at most `limit`. */
  sessionsDue(nowMs: number, limit: number): Session[];

  epoch(key: EpochKey): EpochRecord | undefined;
  putEpoch(key: EpochKey, record: EpochRecord): void;
  deleteEpochsDue(nowMs: number, limit: number): number;

  request(key: string): RequestRecord | undefined;
  putRequest(key: string, record: RequestRecord): void;
  deleteRequestsDue(nowMs: number, limit: number): number;

  logHead(): LogPosition;
  appendLog(entry: LogEntry): void;
  /** Entries after `position`, oldest first. */
  logAfter(position: number, limit: number): LogEntry[];
  /** Removes entries up to and including `position`. */
  trimLog(position: number): void;

  /** The longest lifetime of the kind that is in force; 0 where none is. */
  longestLifetimeMs(kind: LifetimeKind, nowMs: number): number;
  /** Until when a lifetime is in force; 0 where it is not recorded. */
  lifetimeInForceUntilMs(kind: LifetimeKind, lifetimeMs: number): number;
  putLifetime(kind: LifetimeKind, lifetimeMs: number, inForceUntilMs: number): void;

  keys(): StoredKey[];
  insertKeyIfAbsent(key: StoredKey): void;

  lease(name: string): LeaseRecord | undefined;
  putLease(name: string, record: LeaseRecord): void;
}

/** What a write answers where another process holds the lock. */
export const BUSY = Symbol('busy');

/** Runs steps. A step that throws leaves nothing behind. */
export interface Engine {
  /** Identifies the store; a copy that was wiped and made anew has another. */
  readonly storeId: string;
  /** When the store was made: what an absent epoch reads as. */
  readonly birthTimeMs: number;
  read<T>(step: (tables: Tables) => T): T;
  /** Whether one commit costs as much as many, and undoes all of its steps where one throws; else each is run at once. */
  readonly sharesCommits: boolean;
  /** Never waits: where the answer is BUSY the step did not run. */
  write<T>(step: (tables: Tables) => T): T | typeof BUSY;
  /** Whether another process may have written since the last call; costs no disk access. */
  changedElsewhere(): boolean;
  close(): void;
}

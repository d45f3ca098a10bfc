import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Generations, Revocation, RevocationReason, RevocationScope } from './revocation.ts';
import { scopeName } from './scope_name.ts';

/** What a token says of itself that a revocation can refer to. */
export interface TokenIdentity {
  readonly kid: string;
  readonly sessionId: string;
  readonly tenantId: string;
  readonly subject: string;
  readonly clientId: string;
  readonly generations: Generations;
  readonly version: number;
}

type Scope<K extends RevocationScope['kind']> = Extract<RevocationScope, { kind: K }>;

/** What ends one session, without what all of one tenant share. */
interface SessionEntry {
  readonly tenantId: string;
  readonly minVersion: number;
  readonly discardTimeMs: number;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}

interface EpochEntry {
  readonly scope: Scope<'user' | 'client' | 'tenant' | 'global'>;
  readonly discardTimeMs: number;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}

/** A Map that grows or shrinks copies itself in one go: with a million entries in one, that takes 100 ms. */
const PARTS = 256;

/** Entries that are looked at in one turn of the event loop when they are discarded. */
const DISCARD_SLICE = 4096;

/**
 * The revocations that matter now, exact for what has been applied. They only accumulate (set
 * union, maximum), so applying one twice or out of order is harmless.
 */
export class RevocationSet {
  readonly #sessions = Array.from({ length: PARTS }, () => new Map<string, SessionEntry>());
  readonly #epochs = new Map<string, EpochEntry>();
  readonly #keys = new Map<string, Revocation>();
  /** A million sessions share the few names of their tenants and reasons. */
  readonly #names = new Map<string, string>();

  /** How many entries are held. */
  get size(): number {
    return this.#sessions.reduce((size, part) => size + part.size, this.#epochs.size + this.#keys.size);
  }

  apply(revocation: Revocation): void {
    const { scope, reason, revokeTimeMs } = revocation;
    const discardTimeMs = revocation.discardTimeMs ?? Number.POSITIVE_INFINITY;
    switch (scope.kind) {
      case 'session': {
        const { sessionId, minVersion } = scope;
        const tenantId = this.#shared(scope.tenantId);
        const shared = this.#shared(reason);
        this.#applySession(sessionId, { tenantId, minVersion, discardTimeMs, reason: shared, revokeTimeMs });
        return;
      }
      case 'key':
        this.#keys.set(scope.kid, revocation);
        return;
      case 'user':
      case 'client':
      case 'tenant':
      case 'global':
        this.#applyEpoch({ scope, discardTimeMs, reason, revokeTimeMs });
        return;
    }
  }

  /**
   * What is held, without a copy: reading may be spread over time while others apply and discard. It has all that
   * was held when it began and still is; what is applied meanwhile it may have or not.
   */
  *revocations(): Generator<Revocation, undefined> {
    yield* this.#keys.values();
    yield* first(this.#epochs.size, this.#epochs.values());
    for (const part of this.#sessions) {
      for (const [sessionId, entry] of first(part.size, part)) {
        const { tenantId, minVersion, discardTimeMs, reason, revokeTimeMs } = entry;
        yield { scope: { kind: 'session', tenantId, sessionId, minVersion }, discardTimeMs, reason, revokeTimeMs };
      }
    }
  }

  /** `superseded`: the session lives, but this token does not. */
  check(token: TokenIdentity): 'good' | 'revoked' | 'superseded' {
    if (this.#keys.has(token.kid) || this.#endedByEpoch(token)) return 'revoked';
    const entry = this.#partOf(token.sessionId).get(token.sessionId);
    if (entry === undefined) return 'good';
    if (entry.minVersion === 0) return 'revoked';
    return token.version < entry.minVersion ? 'superseded' : 'good';
  }

  /** Forgets what nothing can be accepted for any more, in slices: others apply and check meanwhile. */
  async discard(nowMs: number): Promise<void> {
    let seen = 0;
    for (const entries of [this.#epochs, ...this.#sessions]) {
      for (const [key, { discardTimeMs }] of entries) {
        if (discardTimeMs < nowMs) entries.delete(key);
        seen += 1;
        if (seen % DISCARD_SLICE === 0) await nextTurn();
      }
    }
    this.#names.clear();
  }

  #endedByEpoch({ tenantId, subject, clientId, generations, sessionId }: TokenIdentity): boolean {
    if (this.#epochs.size === 0) return false;
    const user = this.#epochs.get(scopeName({ kind: 'user', tenantId, userId: subject }));
    if (user?.scope.kind === 'user' && isBelow(generations[0], user) && user.scope.exceptSessionId !== sessionId) {
      return true;
    }
    const client = this.#epochs.get(scopeName({ kind: 'client', tenantId, clientId }));
    if (client !== undefined && isBelow(generations[1], client)) return true;
    const tenant = this.#epochs.get(scopeName({ kind: 'tenant', tenantId }));
    if (tenant !== undefined && isBelow(generations[2], tenant)) return true;
    const global = this.#epochs.get(scopeName({ kind: 'global' }));
    return global !== undefined && isBelow(generations[3], global);
  }

  /** By two hexadecimal digits of the id that are random, whoever owns the session. */
  #partOf(sessionId: string): Map<string, SessionEntry> {
    const index = 16 * hexDigit(sessionId.charCodeAt(30)) + hexDigit(sessionId.charCodeAt(31));
    return this.#sessions[index] as Map<string, SessionEntry>;
  }

  #applySession(sessionId: string, entry: SessionEntry): void {
    const sessions = this.#partOf(sessionId);
    const present = sessions.get(sessionId);
    if (present === undefined) {
      sessions.set(sessionId, entry);
      return;
    }
    const discardTimeMs = Math.max(present.discardTimeMs, entry.discardTimeMs);
    sessions.set(sessionId, { ...(isStronger(entry, present) ? entry : present), discardTimeMs });
  }

  #applyEpoch(entry: EpochEntry): void {
    const key = scopeName(entry.scope);
    const present = this.#epochs.get(key);
    if (present === undefined) {
      this.#epochs.set(key, entry);
      return;
    }
    const winner = entry.scope.minGeneration > present.scope.minGeneration ? entry : present;
    const discardTimeMs = Math.max(present.discardTimeMs, entry.discardTimeMs);
    this.#epochs.set(key, { ...winner, scope: mergedScope(winner.scope, present.scope, entry.scope), discardTimeMs });
  }

  #shared<T extends string>(name: T): T {
    const known = this.#names.get(name);
    if (known !== undefined) return known as T;
    this.#names.set(name, name);
    return name;
  }
}

/** Of a lower-case digit's code; of anything else some number below 16. */
function hexDigit(code: number): number {
  return ((code & 15) + 9 * ((code >> 6) & 1)) & 15;
}

/** At most `count` of those that come. */
function* first<T>(count: number, values: Iterable<T>): Generator<T, undefined> {
  let left = count;
  if (left === 0) return;
  for (const value of values) {
    yield value;
    left -= 1;
    if (left === 0) return;
  }
}

/** A session that has ended is not to be superseded any more. */
function isStronger(entry: SessionEntry, present: SessionEntry): boolean {
  if (present.minVersion === 0) return false;
  return entry.minVersion === 0 || entry.minVersion > present.minVersion;
}

function isBelow(generation: number, { scope }: EpochEntry): boolean {
  return generation < scope.minGeneration;
}

/** The higher minimum comes with its exception; on a tie an exception stays only where both name it. */
function mergedScope(winner: EpochEntry['scope'], a: EpochEntry['scope'], b: EpochEntry['scope']): EpochEntry['scope'] {
  if (winner.kind !== 'user' || a.kind !== 'user' || b.kind !== 'user') return winner;
  if (a.minGeneration !== b.minGeneration || a.exceptSessionId === b.exceptSessionId) return winner;
  return { ...winner, exceptSessionId: '' };
}

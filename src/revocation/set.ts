import { discardFrom, entriesOf } from './changing_map.ts';
import type { SessionEntry } from './packed_sessions.ts';
import type { Generations, Revocation, RevocationReason, RevocationScope } from './revocation.ts';
import { scopeName } from './scope_name.ts';
import { SessionTable } from './session_table.ts';

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

interface EpochEntry {
  readonly scope: Scope<'user' | 'client' | 'tenant' | 'global'>;
  readonly discardTimeMs: number;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}

/**
 * The revocations that matter now, exact for what has been applied. They only accumulate (set
 * union, maximum), so applying one twice or out of order is harmless.
 */
export class RevocationSet {
  readonly #sessions = new SessionTable();
  readonly #epochs = new Map<string, EpochEntry>();
  readonly #keys = new Map<string, Revocation>();

  /** How many entries are held. */
  get size(): number {
    return this.#sessions.size + this.#epochs.size + this.#keys.size;
  }

  apply(revocation: Revocation): void {
    const { scope, reason, revokeTimeMs } = revocation;
    const discardTimeMs = revocation.discardTimeMs ?? Number.POSITIVE_INFINITY;
    switch (scope.kind) {
      case 'session': {
        const { sessionId, tenantId, minVersion } = scope;
        this.#applySession(sessionId, { tenantId, minVersion, discardTimeMs, reason, revokeTimeMs });
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
    for (const [, epoch] of entriesOf(this.#epochs)) yield epoch;
    for (const [sessionId, entry] of this.#sessions.entries()) {
      const { tenantId, minVersion, discardTimeMs, reason, revokeTimeMs } = entry;
      yield { scope: { kind: 'session', tenantId, sessionId, minVersion }, discardTimeMs, reason, revokeTimeMs };
    }
  }

  /** `superseded`: the session lives, but this token does not. */
  check(token: TokenIdentity): 'good' | 'revoked' | 'superseded' {
    if (this.#keys.has(token.kid) || this.#endedByEpoch(token)) return 'revoked';
    const minVersion = this.#sessions.minVersion(token.sessionId);
    if (minVersion === undefined) return 'good';
    if (minVersion === 0) return 'revoked';
    return token.version < minVersion ? 'superseded' : 'good';
  }

  /** Forgets what nothing can be accepted for any more, in slices: others apply and check meanwhile. */
  async discard(nowMs: number): Promise<void> {
    // What fits into one slice is forgotten before this returns.
    await Promise.all([discardFrom(this.#epochs, nowMs), this.#sessions.discard(nowMs)]);
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

  #applySession(sessionId: string, entry: SessionEntry): void {
    const present = this.#sessions.get(sessionId);
    if (present === undefined) {
      this.#sessions.set(sessionId, entry);
      return;
    }
    const discardTimeMs = Math.max(present.discardTimeMs, entry.discardTimeMs);
    this.#sessions.set(sessionId, { ...(isStronger(entry, present) ? entry : present), discardTimeMs });
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

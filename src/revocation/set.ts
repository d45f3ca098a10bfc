import type { Generations, Revocation, RevocationScope } from './revocation.ts';

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

interface SessionEntry {
  readonly minVersion: number;
  readonly discardTimeMs: number;
}

interface EpochEntry {
  readonly minGeneration: number;
  /** Sorted out by the higher minimum; on a tie it stays only where both name it. */
  readonly exceptSessionId: string;
  readonly discardTimeMs: number;
}

/**
 * The revocations that matter now, exact for what has been applied. They only accumulate (set
 * union, maximum), so applying one twice or out of order is harmless.
 */
export class RevocationSet {
  readonly #sessions = new Map<string, SessionEntry>();
  readonly #epochs = new Map<string, EpochEntry>();
  readonly #kids = new Set<string>();

  /** How many entries are held. */
  get size(): number {
    return this.#sessions.size + this.#epochs.size + this.#kids.size;
  }

  apply({ scope, discardTimeMs }: Pick<Revocation, 'scope' | 'discardTimeMs'>): void {
    const discard = discardTimeMs ?? Number.POSITIVE_INFINITY;
    switch (scope.kind) {
      case 'session':
        this.#applySession(scope.sessionId, { minVersion: scope.minVersion, discardTimeMs: discard });
        return;
      case 'key':
        this.#kids.add(scope.kid);
        return;
      case 'user':
        this.#applyEpoch(epochKey(scope), { ...scope, discardTimeMs: discard });
        return;
      case 'client':
      case 'tenant':
      case 'global':
        this.#applyEpoch(epochKey(scope), {
          minGeneration: scope.minGeneration,
          exceptSessionId: '',
          discardTimeMs: discard,
        });
        return;
    }
  }

  /** `superseded`: the session lives, but this token does not. */
  check(token: TokenIdentity): 'good' | 'revoked' | 'superseded' {
    if (this.#kids.has(token.kid) || this.#endedByEpoch(token)) return 'revoked';
    const entry = this.#sessions.get(token.sessionId);
    if (entry === undefined) return 'good';
    if (entry.minVersion === 0) return 'revoked';
    return token.version < entry.minVersion ? 'superseded' : 'good';
  }

  /** Forgets what nothing can be accepted for any more. */
  discard(nowMs: number): void {
    for (const [sessionId, entry] of this.#sessions) {
      if (entry.discardTimeMs < nowMs) this.#sessions.delete(sessionId);
    }
    for (const [key, entry] of this.#epochs) {
      if (entry.discardTimeMs < nowMs) this.#epochs.delete(key);
    }
  }

  #endedByEpoch({ tenantId, subject, clientId, generations, sessionId }: TokenIdentity): boolean {
    if (this.#epochs.size === 0) return false;
    const user = this.#epochs.get(epochKey({ kind: 'user', tenantId, userId: subject }));
    if (user !== undefined && generations[0] < user.minGeneration && user.exceptSessionId !== sessionId) return true;
    const client = this.#epochs.get(epochKey({ kind: 'client', tenantId, clientId }));
    if (client !== undefined && generations[1] < client.minGeneration) return true;
    const tenant = this.#epochs.get(epochKey({ kind: 'tenant', tenantId }));
    if (tenant !== undefined && generations[2] < tenant.minGeneration) return true;
    const global = this.#epochs.get(epochKey({ kind: 'global' }));
    return global !== undefined && generations[3] < global.minGeneration;
  }

  #applySession(sessionId: string, entry: SessionEntry): void {
    const present = this.#sessions.get(sessionId);
    if (present === undefined) {
      this.#sessions.set(sessionId, entry);
      return;
    }
    const ended = present.minVersion === 0 || entry.minVersion === 0;
    this.#sessions.set(sessionId, {
      minVersion: ended ? 0 : Math.max(present.minVersion, entry.minVersion),
      discardTimeMs: Math.max(present.discardTimeMs, entry.discardTimeMs),
    });
  }

  #applyEpoch(key: string, entry: EpochEntry): void {
    const present = this.#epochs.get(key);
    if (present === undefined) {
      this.#epochs.set(key, entry);
      return;
    }
    const tie = present.minGeneration === entry.minGeneration;
    const winner = entry.minGeneration > present.minGeneration ? entry : present;
    const except = tie && present.exceptSessionId !== entry.exceptSessionId ? '' : winner.exceptSessionId;
    this.#epochs.set(key, {
      minGeneration: winner.minGeneration,
      exceptSessionId: except,
      discardTimeMs: Math.max(present.discardTimeMs, entry.discardTimeMs),
    });
  }
}

type EpochName =
  | { kind: 'user'; tenantId: string; userId: string }
  | { kind: 'client'; tenantId: string; clientId: string }
  | { kind: 'tenant'; tenantId: string }
  | { kind: 'global' };

/** Unambiguous for any ids: the tenant's length comes before it. */
function epochKey(name: EpochName | Extract<RevocationScope, { minGeneration: number }>): string {
  switch (name.kind) {
    case 'user':
      return `u${name.tenantId.length}:${name.tenantId}${name.userId}`;
    case 'client':
      return `c${name.tenantId.length}:${name.tenantId}${name.clientId}`;
    case 'tenant':
      return `t${name.tenantId}`;
    case 'global':
      return 'g';
  }
}

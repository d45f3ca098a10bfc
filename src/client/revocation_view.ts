import type { Revocation } from '../revocation/revocation.ts';
import { scopeName } from '../revocation/scope_name.ts';
import { RevocationSet, type TokenIdentity } from '../revocation/set.ts';
import { type growing, ViewAge } from './view_age.ts';

/** How old a view of the revocations may be, in ms. */
export interface Bounds {
  /** To this age it decides by itself. */
  readonly freshMs: number;
  /** To this age it decides where the service can not be asked. */
  readonly maxStaleMs: number;
}

/** Of whom a session is. */
export type SessionSubject = Pick<TokenIdentity, 'sessionId' | 'tenantId' | 'subject' | 'clientId'>;

/** When revocations of one subject came last. */
interface Arrival {
  readonly order: number;
  /** What that one spares. */
  readonly exceptSessionId: string;
  /** When one came last that does not spare the same; 0 where none did. */
  readonly otherOrder: number;
  readonly discardTimeMs: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * The revocations that streams have brought, one after the other, and what they are worth. Revocations are counted as they
 * come: that number tells whether one came before or after something else.
 */
export class RevocationView {
  readonly #age: ViewAge;
  readonly #set = new RevocationSet();
  readonly #arrivals = new Map<string, Arrival>();
  #order = 0;
  #isUnderstood = true;

  /** @param tenantIds those whose revocations are asked for; empty = all that this subscriber may see */
  constructor(tenantIds: readonly string[], grow?: typeof growing) {
    this.#age = new ViewAge(tenantIds, grow);
  }

  /** How many revocations have come. */
  get order(): number {
    return this.#order;
  }

  /** How many are held. */
  get size(): number {
    return this.#set.size;
  }

  /** Whether all that came could be read. */
  get isUnderstood(): boolean {
    return this.#isUnderstood;
  }

  /** How long ago everything that the stream is to bring was known to be here; Infinity until it has been once. */
  get ageMs(): number {
    return this.#age.ms;
  }

  /** Whether the stream tells of that tenant. */
  covers(tenantId: string): boolean {
    return this.#age.covers(tenantId);
  }

  /** A stream begins that tells of these tenants alone; empty = all. */
  open(tenantIds: readonly string[]): void {
    this.#age.open(tenantIds);
  }

  apply(revocation: Revocation): void {
    this.#order += 1;
    this.#set.apply(revocation);
    this.#note(revocation);
  }

  /** A checkpoint has come: everything was here so long ago. */
  prove(ageMs: number): void {
    this.#age.prove(ageMs);
  }

  /** Something came that can not be read: nobody can tell what it ends, so for good this view accepts nothing any more. */
  distrust(): void {
    this.#isUnderstood = false;
  }

  /** Forgets what nothing is accepted for any more; see RevocationSet. */
  discard(nowMs: number): Promise<void> {
    for (const [name, { discardTimeMs }] of this.#arrivals) if (discardTimeMs < nowMs) this.#arrivals.delete(name);
    return this.#set.discard(nowMs);
  }

  check(token: TokenIdentity): ReturnType<RevocationSet['check']> {
    return this.#set.check(token);
  }

  /** Whether what is not known to have ended may be accepted: at once, where the service can not be asked, or not at all. */
  trust(tenantId: string, { freshMs, maxStaleMs }: Bounds): 'fresh' | 'stale' | 'none' {
    if (!this.#isUnderstood) return 'none';
    const ageMs = this.#age.of(tenantId);
    // Whatever the bounds: nothing of this tenant was proven.
    if (ageMs === Number.POSITIVE_INFINITY) return 'none';
    if (ageMs <= freshMs) return 'fresh';
    return ageMs <= maxStaleMs ? 'stale' : 'none';
  }

  /** Whether the session itself is known to have ended. */
  hasEnded(session: SessionSubject): boolean {
    const newest = { kid: '', generations: [NEVER, NEVER, NEVER, NEVER], version: NEVER } as const;
    return this.#set.check({ ...newest, ...session }) === 'revoked';
  }

  /** Whether behind the first `order` revocations one came that may have ended the session, whose generations are not known. */
  mayHaveEnded({ sessionId, tenantId, subject, clientId }: SessionSubject, order: number): boolean {
    const user = this.#arrivals.get(scopeName({ kind: 'user', tenantId, userId: subject }));
    if (user !== undefined) {
      const named = user.exceptSessionId === sessionId ? user.otherOrder : user.order;
      if (named > order) return true;
    }
    return (
      this.#cameBehind(order, scopeName({ kind: 'client', tenantId, clientId })) ||
      this.#cameBehind(order, scopeName({ kind: 'tenant', tenantId })) ||
      this.#cameBehind(order, scopeName({ kind: 'global' }))
    );
  }

  /** Whether behind the first `order` revocations one came of its access tokens alone: its claims have changed. */
  hasChanged({ sessionId }: SessionSubject, order: number): boolean {
    return this.#cameBehind(order, scopeName({ kind: 'session', sessionId }));
  }

  #cameBehind(order: number, name: string): boolean {
    return (this.#arrivals.get(name)?.order ?? 0) > order;
  }

  #note({ scope, discardTimeMs }: Revocation): void {
    // These are final: the set tells all that there is to know.
    if (scope.kind === 'key' || (scope.kind === 'session' && scope.minVersion === 0)) return;
    const name = scopeName(scope);
    const last = this.#arrivals.get(name);
    const exceptSessionId = scope.kind === 'user' ? scope.exceptSessionId : '';
    this.#arrivals.set(name, {
      order: this.#order,
      exceptSessionId,
      otherOrder: last === undefined ? 0 : last.exceptSessionId === exceptSessionId ? last.otherOrder : last.order,
      discardTimeMs: Math.max(discardTimeMs ?? NEVER, last?.discardTimeMs ?? 0),
    });
  }
}

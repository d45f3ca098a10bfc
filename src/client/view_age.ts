/** Both clocks: the one stands still while the machine is suspended, the other may be set. */
interface Instant {
  readonly steadyMs: number;
  readonly wallMs: number;
}

const NEVER: Instant = { steadyMs: Number.POSITIVE_INFINITY, wallMs: Number.POSITIVE_INFINITY };

/** By their ids; null = every tenant. */
type Tenants = ReadonlySet<string> | null;

/** All revocations of these tenants were here that long ago. */
interface Proof {
  readonly tenants: Tenants;
  readonly ageMs: () => number;
}

/** What is so old now, in ms; the answer tells how old it is at the time of the call. */
export function growing(ageMs: number): () => number {
  const at = instant();
  return () => {
    const now = instant();
    return ageMs + Math.max(0, now.steadyMs - at.steadyMs, now.wallMs - at.wallMs);
  };
}

/**
 * How old the newest proofs are that a subscriber has every revocation: it had them all that long ago. They grow old by
 * themselves, and only another proof makes it less. One stream after the other may tell of other tenants, and each
 * proves what it tells of: what was proven of a tenant before goes on ageing, unless a stream does not tell of it.
 */
export class ViewAge {
  readonly #growing: typeof growing;
  #tenants: Tenants;
  #proofs: readonly Proof[] = [];

  /** @param tenantIds those that are asked for; empty = all */
  constructor(tenantIds: readonly string[], grow = growing) {
    this.#growing = grow;
    this.#tenants = tenantsOf(tenantIds);
  }

  /** In ms, of all tenants that are told of; Infinity where there is one of which nothing was proven. */
  get ms(): number {
    return this.#least((tenants) => tenants === this.#tenants);
  }

  /** In ms, of one tenant; Infinity where nothing of it was proven. */
  of(tenantId: string): number {
    return this.#least((tenants) => tenants === null || tenants.has(tenantId));
  }

  /** Whether revocations of that tenant come; till a stream tells whether those come that are asked for. */
  covers(tenantId: string): boolean {
    return this.#tenants === null || this.#tenants.has(tenantId);
  }

  /** A stream begins that tells of these tenants alone; empty = all. */
  open(tenantIds: readonly string[]): void {
    const tenants = tenantsOf(tenantIds);
    this.#tenants = tenants;
    this.#proofs = this.#proofs.map((proof) => ({ ...proof, tenants: common(proof.tenants, tenants) }));
  }

  /** The stream had all of its tenants' revocations so long ago. */
  prove(ageMs: number): void {
    const tenants = this.#tenants;
    // A server that lags behind another takes back nothing of what that one has proven.
    const newer = this.#proofs.filter((proof) => proof.ageMs() < ageMs);
    const isKnown = newer.some((proof) => proof.tenants === tenants);
    this.#proofs = isKnown ? newer : [...newer, { tenants, ageMs: this.#growing(ageMs) }];
  }

  #least(isMeant: (tenants: Tenants) => boolean): number {
    let leastMs = Number.POSITIVE_INFINITY;
    for (const { tenants, ageMs } of this.#proofs) if (isMeant(tenants)) leastMs = Math.min(leastMs, ageMs());
    return leastMs;
  }
}

/** For how long checkpoints of one stream were on their way. */
export class StreamDelay {
  /** The least differences between the service's clock and these: they hold no more delay than must be. */
  #least: Instant = NEVER;

  /** Another stream may be of another server, whose clock differs. */
  restart(): void {
    this.#least = NEVER;
  }

  /**
   * In ms, as far as that can be told: longer than others of its stream.
   *
   * @param asOfMs the service's clock when it wrote a checkpoint that has just come; null where it does not say
   */
  of(asOfMs: number | null): number {
    if (asOfMs === null) return 0;
    const { steadyMs, wallMs } = instant();
    // What was on its way while the machine was suspended shows by the one clock alone.
    const difference = { steadyMs: steadyMs - asOfMs, wallMs: wallMs - asOfMs };
    this.#least = {
      steadyMs: Math.min(this.#least.steadyMs, difference.steadyMs),
      wallMs: Math.min(this.#least.wallMs, difference.wallMs),
    };
    return Math.max(difference.steadyMs - this.#least.steadyMs, difference.wallMs - this.#least.wallMs);
  }
}

function instant(): Instant {
  return { steadyMs: performance.now(), wallMs: Date.now() };
}

function tenantsOf(tenantIds: readonly string[]): Tenants {
  return tenantIds.length === 0 ? null : new Set(tenantIds);
}

/** Of those that were told of, the ones that still are; the latter itself where these are all. */
function common(former: Tenants, tenants: Tenants): Tenants {
  if (former === null) return tenants;
  if (tenants === null) return former;
  const both = new Set([...tenants].filter((tenantId) => former.has(tenantId)));
  return both.size === tenants.size ? tenants : both;
}

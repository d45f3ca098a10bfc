/** Both clocks: the one stands still while the machine is suspended, the other may be set. */
interface Instant {
  readonly steadyMs: number;
  readonly wallMs: number;
}

const NEVER: Instant = { steadyMs: Number.POSITIVE_INFINITY, wallMs: Number.POSITIVE_INFINITY };

/**
 * How old the newest proof is that a subscriber has every revocation: it had them all that long ago. It grows by itself,
 * and only another proof makes it less.
 */
export class ViewAge {
  #proof: { readonly at: Instant; readonly ageMs: number } | null = null;
  /** The least differences between the service's clock and these on this stream: they hold no more delay than must be. */
  #least: Instant = NEVER;

  /** In ms; Infinity before the first proof. */
  get ms(): number {
    if (this.#proof === null) return Number.POSITIVE_INFINITY;
    const { at, ageMs } = this.#proof;
    const now = instant();
    return ageMs + Math.max(0, now.steadyMs - at.steadyMs, now.wallMs - at.wallMs);
  }

  /** Another stream may be of another server, whose clock differs. */
  restart(): void {
    this.#least = NEVER;
  }

  /**
   * A checkpoint has come.
   *
   * @returns for how many ms it was on its way, as far as that can be told: more than others of its stream
   */
  prove({ stalenessMs, asOfMs }: { readonly stalenessMs: number; readonly asOfMs: number | null }): number {
    const at = instant();
    const delayMs = asOfMs === null ? 0 : this.#delayMs(at, asOfMs);
    const ageMs = stalenessMs + delayMs;
    // A server that lags behind another takes back nothing of what that one has proven.
    if (ageMs <= this.ms) this.#proof = { at, ageMs };
    return delayMs;
  }

  /** What was on its way while the machine was suspended shows by the one clock alone. */
  #delayMs({ steadyMs, wallMs }: Instant, asOfMs: number): number {
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

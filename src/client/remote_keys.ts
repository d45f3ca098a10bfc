import { createPublicKey, type JsonWebKey as NodeJsonWebKey } from 'node:crypto';
import { isKeyFor, type VerificationKey } from '../token/keys.ts';
import type { JsonWebKey, JsonWebKeySet } from './client_answers.ts';

/** A successor is published an hour before it signs. */
const REFRESH_MS = 300_000;

/** Nobody makes the keys be asked for more often. */
const PAUSE_MS = 1_000;

const MAX_BACKOFF_MS = 60_000;

interface RemoteKey extends VerificationKey {
  readonly jwk: string;
}

/** The service's public keys, as it has told them last. */
export class RemoteKeys {
  readonly #fetch: () => Promise<JsonWebKeySet>;
  readonly #onFetched: () => void;
  #keys: ReadonlyMap<string, RemoteKey> = new Map();
  /** True where it succeeded. */
  #fetching: Promise<boolean> | null = null;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Keys have changed since the last fetch began. */
  #isOutdated = false;
  #fault: unknown = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Fetches at once.
   *
   * @param onFetched called whenever keys have come
   */
  constructor(fetch: () => Promise<JsonWebKeySet>, onFetched: () => void) {
    this.#fetch = fetch;
    this.#onFetched = onFetched;
    void this.#refresh();
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Why the last fetch failed; null where it did not. */
  get fault(): unknown {
    return this.#fault;
  }

  get(kid: string): VerificationKey | undefined {
    return this.#keys.get(kid);
  }

  /**
   * For a key that is not known: looks whether it is there by now, unless that was done within a second. Tells whether
   * what is known is what the service has.
   */
  async lookAgain(): Promise<boolean> {
    const wasFetched = this.#fetching === null && (this.#waitMs() > 0 || this.#isClosed);
    const succeeded = wasFetched ? this.#failures === 0 : await this.#refresh();
    return succeeded && !this.#isOutdated;
  }

  /** Keys have changed: fetches them as soon as may be. */
  refreshSoon(): void {
    this.#isOutdated = true;
    // That which is under way may have read them before.
    if (this.#fetching === null) this.#schedule(this.#waitMs());
    else void this.#fetching.then(() => this.#schedule(this.#waitMs()));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #waitMs(): number {
    return Math.max(0, this.#fetchedAtMs + PAUSE_MS - performance.now());
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  #refresh(): Promise<boolean> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = null;
      const backoffMs = Math.min(MAX_BACKOFF_MS, PAUSE_MS * 2 ** Math.min(this.#failures, 10));
      // Not all verifiers at once.
      this.#schedule((this.#failures === 0 ? REFRESH_MS : backoffMs) * (0.75 + Math.random() / 2));
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<boolean> {
    this.#fetchedAtMs = performance.now();
    this.#isOutdated = false;
    try {
      const keys = this.#read(await this.#fetch());
      // A service always has one.
      if (keys.size === 0) throw new Error('the service tells of no key that can be used');
      this.#keys = keys;
      this.#failures = 0;
      this.#fault = null;
    } catch (error) {
      this.#failures += 1;
      this.#fault = error;
      return false;
    }
    if (!this.#isClosed) this.#onFetched();
    return true;
  }

  /** A key that has not changed stays the same object. */
  #read({ keys }: JsonWebKeySet): ReadonlyMap<string, RemoteKey> {
    const read = new Map<string, RemoteKey>();
    for (const jwk of keys) {
      const known = this.#keys.get(jwk.kid);
      const key = known?.jwk === JSON.stringify(jwk) ? known : readKey(jwk);
      if (key !== null) read.set(jwk.kid, key);
    }
    return read;
  }
}

/** Null for one that signs no access tokens. */
function readKey(jwk: JsonWebKey): RemoteKey | null {
  const { kid, alg, use } = jwk;
  if (typeof kid !== 'string' || (alg !== 'ES256' && alg !== 'RS256') || (use !== undefined && use !== 'sig'))
    return null;
  try {
    const publicKey = createPublicKey({ key: jwk as NodeJsonWebKey, format: 'jwk' });
    return isKeyFor(alg, publicKey) ? { kid, algorithm: alg, publicKey, jwk: JSON.stringify(jwk) } : null;
  } catch {
    return null;
  }
}

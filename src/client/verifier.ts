import { EventEmitter } from 'node:events';
import type { Revocation } from '../revocation/revocation.ts';
import { createAccessTokenVerifier } from '../token/verify.ts';
import type { SessionAuthorityClient } from './client.ts';
import type { RevocationSubscription, Validation } from './client_answers.ts';
import type { CallOptions } from './client_types.ts';
import { RemoteKeys } from './remote_keys.ts';
import type { RevocationStreamEvent } from './watch_events.ts';
import { VerificationError, type VerifiedSession } from './verified_session.ts';
import { apart, VerifierCore, type VerifyOptions } from './verifier_core.ts';

const FRESH_MS = 5_000;
const MAX_STALE_MS = 60_000;
const READY_MS = 10_000;

/** The longest that any access token may live, where the service does not say. */
const MAX_ACCESS_TOKEN_TTL_MS = 24 * 3_600_000;

/** The largest difference to the service's clock. */
const CLOCK_SKEW_MS = 30_000;

/** Access tokens that are remembered, at 1 KiB each. */
const REMEMBERED_TOKENS = 10_000;

const KEYS_DEADLINE_MS = 5_000;

/**
 * A service that refuses to be watched may be mended, and one whose callers are being changed soon is: the bounds of the
 * time before another attempt, doubled from one to the next.
 */
const MIN_REFUSED_MS = 1_000;
const MAX_REFUSED_MS = 30_000;

/** A timer of more than 24.8 days would fire at once. */
const MAX_LOOK_MS = 3_600_000;

/** What a verifier needs of a client. */
export type VerifierAuthority = Pick<SessionAuthorityClient, 'validateSession' | 'getJwks' | 'watchRevocations'>;

export interface SessionVerifierOptions {
  /** A SessionAuthorityClient. It stays open when the verifier is closed. */
  readonly authority: VerifierAuthority;
  /** The service's TOKEN_ISSUER. */
  readonly issuer: string;
  /** For whom a credential must be: one of its audiences, by default the service's TOKEN_AUDIENCE. */
  readonly audience: string;
  /** Whose revocations to watch; of every tenant that this caller may see where unset or empty. Of others' sessions the service is asked. */
  readonly tenantIds?: readonly string[] | undefined;
  /** Names this program to the service's operators. */
  readonly subscriberId?: string | undefined;
  /** See VerifyOptions; 5000 where unset. */
  readonly freshMs?: number | undefined;
  /** See VerifyOptions; 60000 where unset. */
  readonly maxStaleMs?: number | undefined;
}

/** What a verifier knows, and how well; for metrics. */
export interface VerifierState {
  /**
   * By the verifier's `freshMs` and `maxStaleMs`: `fresh`, it decides by itself; `stale`, it asks, and decides by itself where
   * it gets no answer; `expired` and `unsynced` (not all was proven yet), it asks.
   */
  readonly freshness: 'unsynced' | 'fresh' | 'stale' | 'expired';
  /** How long ago, in ms, it was known to have every revocation of all tenants that it watches; Infinity where that never was. */
  readonly ageMs: number;
  /** Why there is no stream at present, in one line for people; null where there is one, or none was lost yet. */
  readonly fault: string | null;
  /** False for good once the service has sent a revocation that this version can not read: it asks. */
  readonly isUnderstood: boolean;
  /** How many revocations it holds. */
  readonly revocations: number;
  /** How many public keys it holds. */
  readonly keys: number;
}

/** A revocation that a verifier has applied. */
export interface RevokedEvent {
  readonly revocation: Revocation;
  /** Whether it names a session that has ended; for sessions of the same verifier. */
  readonly ends: (session: VerifiedSession) => boolean;
}

/** Listeners are called in the turn in which a frame has come. */
export interface VerifierEvents {
  revoked: [event: RevokedEvent];
  /** `freshness` or `isUnderstood` has changed. */
  state: [state: VerifierState];
}

/**
 * Tells whether access and session tokens are good, mostly without asking anybody: it keeps the service's public keys, and
 * a stream of its revocations. A token of a session that is known here to be revoked is refused whatever the service says.
 *
 * @example
 * const verifier = new SessionVerifier({ authority, issuer, audience });
 * await verifier.ready();
 * const { userId } = await verifier.verify(token);
 */
export class SessionVerifier extends EventEmitter<VerifierEvents> {
  readonly #options: SessionVerifierOptions;
  readonly #core: VerifierCore;
  readonly #keys: RemoteKeys;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<() => void>();
  #stream: RevocationSubscription;
  #maxAccessTokenTtlMs = MAX_ACCESS_TOKEN_TTL_MS;
  #reported: Pick<VerifierState, 'freshness' | 'isUnderstood'> = { freshness: 'unsynced', isUnderstood: true };
  /** Why there is no stream. */
  #fault: string | null = null;
  #isRefused = false;
  /** How often in a row. */
  #refusals = 0;
  #look: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** Connects at once. */
  constructor(options: SessionVerifierOptions) {
    super();
    this.#options = options;
    const { authority, issuer, audience, tenantIds = [] } = options;
    const { signal } = this.#closing;
    this.#keys = new RemoteKeys(
      () => authority.getJwks({ deadlineMs: KEYS_DEADLINE_MS, signal }),
      () => this.#wake(),
    );
    const ttlMs = () => this.#maxAccessTokenTtlMs;
    const tokens = createAccessTokenVerifier({
      issuer,
      audiences: [audience],
      key: (kid) => this.#keys.get(kid),
      now: Date.now,
      // What the service says may change with a new version of it.
      get maxLifetimeMs() {
        return ttlMs();
      },
      clockSkewMs: CLOCK_SKEW_MS,
      cacheSize: REMEMBERED_TOKENS,
    });
    this.#core = new VerifierCore({
      tokens,
      keys: this.#keys,
      send: (credential, deadlineMs, signal) => this.#send(credential, { deadlineMs, signal }),
      tenantIds,
      bounds: { freshMs: options.freshMs ?? FRESH_MS, maxStaleMs: options.maxStaleMs ?? MAX_STALE_MS },
      maxReuseMs: ttlMs,
      now: Date.now,
    });
    this.#stream = this.#watchRevocations();
  }

  /**
   * Resolves once keys are here and every revocation was; before that `verify` asks the service of every token.
   *
   * @param options.timeoutMs 10000 where unset
   * @throws Error which says what is missing, when the time is over, the verifier is closed or the service refuses to be watched
   */
  ready(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = () => {
        if (this.#closing.signal.aborted) end(() => reject(new Error('the verifier is closed')));
        else if (this.#isReady()) end(resolve);
        else if (this.#isRefused) end(() => reject(this.#notReady()));
      };
      const timer = setTimeout(() => end(() => reject(this.#notReady())), options.timeoutMs ?? READY_MS);
      this.#waiting.add(look);
      look();
    });
  }

  /**
   * What an access or session token says.
   *
   * @throws {VerificationError} where it is not accepted
   */
  verify(token: string, options?: VerifyOptions): Promise<VerifiedSession> {
    if (this.#closing.signal.aborted) {
      return Promise.reject(new VerificationError('unavailable', new Error('the verifier is closed')));
    }
    return this.#core.verify(token, options);
  }

  /**
   * Whether the session is known to have ended, by what the stream has brought till now. It is also said where that can not be
   * told without asking: at times of a session token's session, and of any whose tenant the stream does not tell of; then
   * verify the token again. A revocation is forgotten when the last token that it ends has expired: what lasts longer is to
   * be watched from its beginning.
   *
   * @throws TypeError for an object that this verifier's `verify` did not return
   */
  isRevoked(session: VerifiedSession): boolean {
    return this.#core.isRevoked(session);
  }

  /**
   * Calls back once when the session is revoked as `isRevoked` has it, or soon where it is already. A session that expires
   * is not revoked.
   *
   * @returns ends the watch
   * @throws TypeError for an object that this verifier's `verify` did not return
   */
  watch(session: VerifiedSession, onRevoked: () => void): () => void {
    return this.#core.watch(session, onRevoked);
  }

  get state(): VerifierState {
    const { ageMs, size, isUnderstood } = this.#core.view;
    return {
      freshness: this.#freshnessAt(ageMs),
      ageMs,
      fault: this.#fault,
      isUnderstood,
      revocations: size,
      keys: this.#keys.size,
    };
  }

  /** Ends the stream and all that is under way; no token is accepted any more. */
  close(): void {
    this.#closing.abort(new Error('the verifier is closed'));
    clearTimeout(this.#look);
    clearTimeout(this.#retry);
    this.#stream.close();
    this.#keys.close();
    this.#core.close();
    this.#wake();
    this.removeAllListeners();
  }

  #watchRevocations(): RevocationSubscription {
    const { authority, tenantIds, subscriberId } = this.#options;
    return authority.watchRevocations({ tenantIds, subscriberId }, (event) => this.#receive(event));
  }

  #watchAgain(): void {
    try {
      this.#stream = this.#watchRevocations();
    } catch (error) {
      // The client was closed before its verifier.
      this.#fault = error instanceof Error ? error.message : String(error);
    }
  }

  #receive(event: RevocationStreamEvent): void {
    this.#core.receive(event);
    switch (event.kind) {
      case 'opened':
        this.#fault = null;
        this.#isRefused = false;
        this.#refusals = 0;
        this.#maxAccessTokenTtlMs = event.maxAccessTokenTtlMs ?? MAX_ACCESS_TOKEN_TTL_MS;
        this.#report();
        return;
      case 'revocations':
        // Another key signs from now on.
        if (event.revocations.some(({ scope }) => scope.kind === 'key')) this.#keys.refreshSoon();
        this.#tell(event.revocations);
        return;
      case 'disconnected':
        this.#fault = event.text;
        return;
      case 'refused':
        this.#fault = event.refusal.text;
        this.#isRefused = true;
        this.#retry = setTimeout(() => this.#watchAgain(), this.#refusedRetryMs());
        this.#wake();
        return;
      case 'checkpoint':
      case 'unknown_scope':
        this.#report();
        this.#wake();
        return;
      default:
    }
  }

  #refusedRetryMs(): number {
    const ms = Math.min(MAX_REFUSED_MS, MIN_REFUSED_MS * 2 ** this.#refusals);
    if (ms < MAX_REFUSED_MS) this.#refusals += 1;
    // Not all verifiers at once.
    return ms * (0.75 + Math.random() / 2);
  }

  #tell(revocations: readonly Revocation[]): void {
    if (this.listenerCount('revoked') === 0) return;
    for (const revocation of revocations) {
      const ends = (session: VerifiedSession) => this.#core.isRevokedBy(revocation, session);
      apart(() => this.emit('revoked', { revocation, ends }));
    }
  }

  async #send(credential: string, options: CallOptions): Promise<Validation> {
    const { authority, audience } = this.#options;
    const asked = { consistency: 'strong', audience } as const;
    return credential.startsWith('sas_')
      ? authority.validateSession({ ...asked, sessionToken: credential, includeClaims: true }, options)
      : authority.validateSession({ ...asked, accessToken: credential }, options);
  }

  #isReady(): boolean {
    return this.#keys.size > 0 && this.#core.view.ageMs < Number.POSITIVE_INFINITY;
  }

  #notReady(): Error {
    const missing = this.#keys.size === 0 ? 'the public keys' : 'the revocations';
    const fault = this.#fault === null ? '' : `: ${this.#fault}`;
    return new Error(`the verifier is not ready, ${missing} have not come${fault}`, { cause: this.#keys.fault });
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #freshnessAt(ageMs: number): VerifierState['freshness'] {
    if (ageMs === Number.POSITIVE_INFINITY) return 'unsynced';
    const { freshMs = FRESH_MS, maxStaleMs = MAX_STALE_MS } = this.#options;
    if (ageMs <= Math.min(freshMs, maxStaleMs)) return 'fresh';
    return ageMs <= maxStaleMs ? 'stale' : 'expired';
  }

  /** Tells of a change, and comes back when time alone will have brought the next. */
  #report(): void {
    clearTimeout(this.#look);
    const { state } = this;
    const { freshMs = FRESH_MS, maxStaleMs = MAX_STALE_MS } = this.#options;
    const changesAtMs = state.freshness === 'fresh' ? Math.min(freshMs, maxStaleMs) : maxStaleMs;
    if (state.freshness === 'fresh' || state.freshness === 'stale') {
      const inMs = Math.ceil(changesAtMs - state.ageMs) + 1;
      this.#look = setTimeout(() => this.#report(), Math.min(Math.max(inMs, 1), MAX_LOOK_MS));
    }
    const { freshness, isUnderstood } = this.#reported;
    if (freshness === state.freshness && isUnderstood === state.isUnderstood) return;
    this.#reported = state;
    apart(() => this.emit('state', state));
  }
}

import type { Revocation } from '../revocation/revocation.ts';
import { scopeName } from '../revocation/scope_name.ts';
import type { AccessTokenVerifier } from '../token/verify.ts';
import { AccessVerification } from './access_verification.ts';
import type { Demand, KnownSession, KnownSessions } from './demand.ts';
import { OpaqueVerification } from './opaque_verification.ts';
import { Questions, type QuestionsParts } from './questions.ts';
import type { RemoteKeys } from './remote_keys.ts';
import { type Bounds, RevocationView } from './revocation_view.ts';
import type { RevocationStreamEvent } from './watch_events.ts';
import type { VerifiedSession } from './verified_session.ts';
import type { growing } from './view_age.ts';
import { namesOf, type Watch, WatchedSessions } from './watched_sessions.ts';

/** Forgetting goes through all that is held. */
const DISCARD_MS = 60_000;

const OF_THE_SERVICE_ALONE: Demand = { freshMs: -1, maxStaleMs: -1, isStrong: true };

/** What one call of `verify` may ask for. */
export interface VerifyOptions {
  /** How old, in ms, the view of the revocations may be on which to decide without asking the service. */
  readonly freshMs?: number | undefined;
  /** How old, in ms, it may be on which to decide where the service can not be asked. */
  readonly maxStaleMs?: number | undefined;
  /** `strong`: by an answer alone that the service reads from its store after the call; `local` where unset. */
  readonly consistency?: 'local' | 'strong' | undefined;
}

export interface VerifierCoreParts {
  readonly tokens: AccessTokenVerifier;
  readonly keys: Pick<RemoteKeys, 'lookAgain'>;
  /** Asks the service, STRONG. */
  readonly send: QuestionsParts['send'];
  /** Empty = all that this subscriber may see. */
  readonly tenantIds: readonly string[];
  readonly bounds: Bounds;
  /** The longest that an answer may be reused, in ms. */
  readonly maxReuseMs: () => number;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** How ages grow; by this machine's clocks where unset. */
  readonly grow?: typeof growing;
}

/** Decides on credentials by what a revocation stream brings, and asks the service where that does not tell. */
export class VerifierCore {
  readonly view: RevocationView;
  readonly #parts: VerifierCoreParts;
  readonly #usual: Demand;
  readonly #questions: Questions;
  readonly #sessions: KnownSessions = new WeakMap();
  readonly #access: AccessVerification;
  readonly #opaque: OpaqueVerification;
  readonly #watched = new WatchedSessions();
  #discardedAtMs: number;

  constructor(parts: VerifierCoreParts) {
    this.#parts = parts;
    this.#usual = demandOf({}, parts.bounds);
    const view = new RevocationView(parts.tenantIds, parts.grow);
    const questions = new Questions({ send: parts.send, mark: () => view.order, now: parts.now });
    const shared = { ...parts, view, questions, sessions: this.#sessions };
    this.view = view;
    this.#questions = questions;
    this.#access = new AccessVerification(shared);
    this.#opaque = new OpaqueVerification(shared);
    this.#discardedAtMs = parts.now();
  }

  /** Takes in what the stream tells. Must not throw, and so does nothing that a callback throws into. */
  receive(event: RevocationStreamEvent): void {
    switch (event.kind) {
      case 'opened':
        this.view.open(event.tenantIds);
        this.#tell(this.#watched.takeAllEnded());
        return;
      case 'revocations':
        for (const revocation of event.revocations) this.view.apply(revocation);
        if (this.#watched.size === 0) return;
        for (const revocation of event.revocations) this.#tell(this.#watched.take(revocation));
        return;
      case 'unknown_scope':
        this.view.distrust();
        return;
      case 'checkpoint':
        this.view.prove(event.ageMs);
        this.#discard(event.asOfMs);
        return;
      default:
    }
  }

  /** @throws {VerificationError} as a rejection */
  verify(token: string, options?: VerifyOptions): Promise<VerifiedSession> {
    const demand = options === undefined ? this.#usual : demandOf(options, this.#parts.bounds);
    return typeof token === 'string' && token.startsWith('sas_')
      ? this.#opaque.verify(token, demand)
      : this.#access.verify(token, demand);
  }

  /** @throws TypeError for an object that `verify` did not return */
  isRevoked(session: VerifiedSession): boolean {
    return this.#known(session).isRevoked();
  }

  /** Whether the revocation names a session that has ended. */
  isRevokedBy({ scope }: Revocation, session: VerifiedSession): boolean {
    const known = this.#known(session);
    return namesOf(known).includes(scopeName(scope)) && known.isRevoked();
  }

  /** @throws TypeError for an object that `verify` did not return */
  watch(session: VerifiedSession, onRevoked: () => void): () => void {
    const known = this.#known(session);
    const watch = { ...known, onRevoked };
    this.#watched.add(watch);
    // It may have ended between its verification and now.
    if (known.isRevoked()) {
      queueMicrotask(() => {
        if (this.#watched.remove(watch)) onRevoked();
      });
    }
    return () => void this.#watched.remove(watch);
  }

  /** Questions under way get no answer, and watches end. */
  close(): void {
    this.#questions.close();
    this.#watched.clear();
  }

  #tell(ended: readonly Watch[]): void {
    for (const { onRevoked } of ended) apart(() => onRevoked());
  }

  #known(session: VerifiedSession): KnownSession {
    const known = this.#sessions.get(session);
    if (known === undefined) throw new TypeError('this is no session that this verifier has verified');
    return known;
  }

  /** By the slower clock: what one of the two forgets too early the other may still accept tokens for. */
  #discard(asOfMs: number | null): void {
    const nowMs = this.#parts.now();
    if (Math.abs(nowMs - this.#discardedAtMs) < DISCARD_MS) return;
    this.#discardedAtMs = nowMs;
    void this.view.discard(Math.min(nowMs, asOfMs ?? nowMs));
  }
}

/** What a callback throws is thrown where nothing else is under way. */
export function apart(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function demandOf(options: VerifyOptions, usual: Bounds): Demand {
  if (options.consistency === 'strong') return OF_THE_SERVICE_ALONE;
  const { freshMs = usual.freshMs, maxStaleMs = usual.maxStaleMs } = options;
  return { freshMs: Math.min(freshMs, maxStaleMs), maxStaleMs, isStrong: false };
}

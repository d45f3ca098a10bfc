import type { AccessTokenClaims } from '../token/access_token.ts';
import type { AccessTokenVerifier } from '../token/verify.ts';
import { type Demand, type KnownSession, type KnownSessions, patienceMs } from './demand.ts';
import type { Questions } from './questions.ts';
import type { RemoteKeys } from './remote_keys.ts';
import type { RevocationView } from './revocation_view.ts';
import {
  inactiveReason,
  sessionOfToken,
  VerificationError,
  type VerificationReason,
  type VerifiedSession,
} from './verified_session.ts';

export interface AccessVerificationParts {
  readonly tokens: AccessTokenVerifier;
  readonly keys: Pick<RemoteKeys, 'lookAgain'>;
  readonly view: RevocationView;
  readonly questions: Questions;
  readonly sessions: KnownSessions;
}

/** A token that is genuine: one object for all that is known of it, since new ones are many. */
interface Genuine extends KnownSession {
  readonly claims: AccessTokenClaims;
  readonly session: VerifiedSession;
  /** How many revocations had come when it was last compared with them. */
  checkedAt: number;
}

/** Verifies access tokens. */
export class AccessVerification {
  readonly #parts: AccessVerificationParts;
  readonly #genuine = new WeakMap<AccessTokenClaims, Genuine>();

  constructor(parts: AccessVerificationParts) {
    this.#parts = parts;
  }

  verify(token: string, demand: Demand): Promise<VerifiedSession> {
    const found = this.#examine(token);
    if (found === 'unknown_key') return this.#withNewKeys(token, demand);
    if (typeof found === 'string') return Promise.reject(new VerificationError(found));
    const trust = this.#parts.view.trust(found.claims.tenantId, demand);
    return trust === 'fresh' ? Promise.resolve(found.session) : this.#ask(token, demand, trust);
  }

  /** All that is known without asking. */
  #examine(token: string): Genuine | Exclude<VerificationReason, 'unavailable'> | 'unknown_key' {
    const { tokens, view } = this.#parts;
    const verified = tokens.verify(token);
    if (verified.kind === 'expired') return 'expired';
    if (verified.kind === 'invalid') return verified.fault === 'kid' ? 'unknown_key' : 'invalid';
    const genuine = this.#genuine.get(verified.claims) ?? this.#meet(verified.claims);
    if (genuine.checkedAt !== view.order) {
      const verdict = view.check(genuine.claims);
      if (verdict !== 'good') return verdict;
      genuine.checkedAt = view.order;
    }
    return genuine;
  }

  #meet(claims: AccessTokenClaims): Genuine {
    const { view, sessions } = this.#parts;
    const session = sessionOfToken(claims);
    const isRevoked = () => !view.covers(claims.tenantId) || view.check(claims) === 'revoked';
    const genuine = { claims, session, checkedAt: -1, subject: claims, kid: claims.kid, isRevoked };
    this.#genuine.set(claims, genuine);
    sessions.set(session, genuine);
    return genuine;
  }

  async #withNewKeys(token: string, demand: Demand): Promise<VerifiedSession> {
    const isCurrent = await this.#parts.keys.lookAgain();
    const found = this.#examine(token);
    if (found !== 'unknown_key') return this.verify(token, demand);
    throw new VerificationError(isCurrent ? 'invalid' : 'unavailable');
  }

  async #ask(token: string, demand: Demand, trust: 'stale' | 'none'): Promise<VerifiedSession> {
    const { questions, view } = this.#parts;
    const outcome = await questions.ask(
      { key: token, kind: 'genuine', credential: token },
      patienceMs(trust === 'stale'),
      demand.isStrong,
    );
    // Time has passed: what has come meanwhile is final, whatever the service says.
    const found = this.#examine(token);
    if (typeof found === 'string') throw new VerificationError(found === 'unknown_key' ? 'invalid' : found);
    if (outcome.kind === 'answered') {
      if (!outcome.answer.active) throw new VerificationError(inactiveReason(outcome.answer));
      return this.#decidedBy('service', found);
    }
    switch (view.trust(found.claims.tenantId, demand)) {
      case 'fresh':
        return found.session;
      case 'stale':
        return this.#decidedBy('local_stale', found);
      case 'none':
        throw new VerificationError('unavailable', outcome.cause);
    }
  }

  #decidedBy(decidedBy: VerifiedSession['decidedBy'], genuine: Genuine): VerifiedSession {
    const decided = Object.freeze({ ...genuine.session, decidedBy });
    this.#parts.sessions.set(decided, genuine);
    return decided;
  }
}

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { hasOpaqueTokenForm } from '../token/opaque_token.ts';
import type { ActiveValidation } from './client_answers.ts';
import { type Demand, type KnownSessions, patienceMs } from './demand.ts';
import type { Outcome, Question, Questions } from './questions.ts';
import type { RevocationView, SessionSubject } from './revocation_view.ts';
import { inactiveReason, sessionOfAnswer, VerificationError, type VerifiedSession } from './verified_session.ts';

/** How many answers are held. */
const ANSWERS = 10_000;

/** A question whose answer is overtaken by a revocation is asked again, and so often at most. */
const ATTEMPTS = 4;

export interface OpaqueVerificationParts {
  readonly view: RevocationView;
  readonly questions: Questions;
  readonly sessions: KnownSessions;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** The longest that an answer may be reused, in ms. */
  readonly maxReuseMs: () => number;
}

/** The service's answer for a token that is good. */
interface Held {
  readonly subject: SessionSubject;
  /** As decided `local`. */
  readonly session: VerifiedSession;
  readonly reusableUntilMs: number;
  /** How many revocations had come when the service was asked: those may be in the answer, later ones are not. */
  readonly askedAt: number;
  /** The same when it was last compared with what came later. */
  checkedAt: number;
}

/** A session that is over stays over. */
type Ended = 'expired' | 'revoked';

/**
 * Verifies session tokens. Only the service can tell of them; its answers are reused for as long as it allows, and until a
 * revocation comes that may have ended the session.
 */
export class OpaqueVerification {
  readonly #parts: OpaqueVerificationParts;
  /** By a hash of the token. With `max` in place of `maxSize` all its places would be made at once. */
  readonly #answers = new LRUCache<string, Held | Ended>({ maxSize: ANSWERS, sizeCalculation: () => 1 });

  constructor(parts: OpaqueVerificationParts) {
    this.#parts = parts;
  }

  verify(token: string, demand: Demand): Promise<VerifiedSession> {
    if (!hasOpaqueTokenForm('sas_', token)) return Promise.reject(new VerificationError('invalid'));
    const key = hash('sha256', token, 'base64');
    const held = this.#recall(key);
    if (typeof held === 'string') return Promise.reject(new VerificationError(held));
    const trust = held === null ? 'none' : this.#parts.view.trust(held.subject.tenantId, demand);
    return held !== null && trust === 'fresh'
      ? Promise.resolve(held.session)
      : this.#ask(key, token, demand, trust === 'stale');
  }

  /** What is held of a token and still goes. */
  #recall(key: string): Held | Ended | null {
    const held = this.#answers.get(key);
    if (held === undefined || typeof held === 'string') return held ?? null;
    const state = this.#compare(held);
    if (state === 'ended') return 'revoked';
    return state === 'good' && this.#parts.now() < held.reusableUntilMs ? held : null;
  }

  /** `overtaken`: a later question has to tell. */
  #compare(held: Held): 'good' | 'ended' | 'overtaken' {
    const { view } = this.#parts;
    const { subject, askedAt } = held;
    if (held.checkedAt === view.order) return 'good';
    if (view.hasEnded(subject)) return 'ended';
    if (view.mayHaveEnded(subject, askedAt) || view.hasChanged(subject, askedAt)) return 'overtaken';
    held.checkedAt = view.order;
    return 'good';
  }

  async #ask(key: string, token: string, demand: Demand, hasFallback: boolean): Promise<VerifiedSession> {
    const kind = this.#answers.has(key) ? 'genuine' : 'unknown';
    const question: Question = { key, kind, credential: token };
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const outcome = await this.#parts.questions.ask(question, patienceMs(hasFallback), demand.isStrong);
      if (outcome.kind === 'unanswered') return this.#fallBack(key, demand, outcome.cause);
      const session = this.#take(key, outcome);
      if (session !== null) return session;
      cause = new Error('revocations come faster than answers');
    }
    throw new VerificationError('unavailable', cause);
  }

  #fallBack(key: string, demand: Demand, cause: unknown): VerifiedSession {
    const held = this.#recall(key);
    if (typeof held === 'string') throw new VerificationError(held);
    const trust = held === null ? 'none' : this.#parts.view.trust(held.subject.tenantId, demand);
    if (held === null || trust === 'none') throw new VerificationError('unavailable', cause);
    return trust === 'fresh' ? held.session : this.#decidedBy('local_stale', held);
  }

  /** Null where the answer is overtaken. */
  #take(key: string, { answer, mark }: Extract<Outcome, { kind: 'answered' }>): VerifiedSession | null {
    if (!answer.active) {
      const reason = inactiveReason(answer);
      if (reason === 'expired' || reason === 'revoked') this.#answers.set(key, reason);
      throw new VerificationError(reason);
    }
    const held = this.#hold(answer, mark);
    const state = this.#compare(held);
    if (state === 'overtaken') return null;
    this.#answers.set(key, held);
    if (state === 'ended') throw new VerificationError('revoked');
    return this.#decidedBy('service', held);
  }

  #hold(answer: ActiveValidation, askedAt: number): Held {
    const { sessionId, tenantId, userId, clientId, reusableUntilTime } = answer;
    const { now, maxReuseMs } = this.#parts;
    // What the recovery window answered was not read from the store.
    const allowedMs = answer.degraded ? 0 : (reusableUntilTime?.getTime() ?? 0);
    const held: Held = {
      subject: { sessionId, tenantId, subject: userId === '' ? sessionId : userId, clientId },
      session: Object.freeze({ ...sessionOfAnswer(answer), decidedBy: 'local' }),
      reusableUntilMs: Math.min(allowedMs, now() + maxReuseMs()),
      askedAt,
      checkedAt: -1,
    };
    this.#register(held.session, held);
    return held;
  }

  #decidedBy(decidedBy: VerifiedSession['decidedBy'], held: Held): VerifiedSession {
    const session = Object.freeze({ ...held.session, decidedBy });
    this.#register(session, held);
    return session;
  }

  #register(session: VerifiedSession, { subject, askedAt }: Held): void {
    const { view, sessions } = this.#parts;
    const isRevoked = () =>
      !view.covers(subject.tenantId) || view.hasEnded(subject) || view.mayHaveEnded(subject, askedAt);
    sessions.set(session, { subject, kid: '', isRevoked });
  }
}

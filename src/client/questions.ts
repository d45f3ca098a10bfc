import { setMaxListeners } from 'node:events';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Validation } from './client_answers.ts';

/** Of the questions of one kind at once. */
const RUNNING = 64;

/** Of questions that wait for their turn; beyond it the answer is that there is none. */
const WAITING = 10_000;

/**
 * An answer that was on its way for longer is none, for it may be older than what is remembered. No deadline sees to it: it
 * stands still while the machine is suspended.
 */
const LATE_MS = 30_000;

/** What became of a question. */
export type Outcome =
  | {
      readonly kind: 'answered';
      readonly answer: Validation;
      /** What `mark` said when it was sent. */
      readonly mark: number;
    }
  | { readonly kind: 'unanswered'; readonly cause: unknown };

interface Flight {
  readonly outcome: Promise<Outcome>;
  readonly progress: { isSent: boolean };
}

export interface Question {
  /** Names the credential. */
  readonly key: string;
  /** `genuine`: the service is known to have issued it. */
  readonly kind: 'genuine' | 'unknown';
  readonly credential: string;
}

export interface QuestionsParts {
  /** Asks the service of one credential; rejects where it can not tell. */
  readonly send: (credential: string, deadlineMs: number, signal: AbortSignal) => Promise<Validation>;
  /** Read right before a question is sent. */
  readonly mark: () => number;
  /** Ms since the epoch. */
  readonly now: () => number;
}

/** Asks the service of credentials: of each one question at a time, whoever asks, and of all a bounded number. */
export class Questions {
  readonly #parts: QuestionsParts;
  readonly #flights = new Map<string, Flight>();
  /** Anybody can make up a session token that only the service can tell from a good one: those wait behind each other alone. */
  readonly #limits = { genuine: pLimit(RUNNING), unknown: pLimit(RUNNING) };
  readonly #closing = new AbortController();

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
    // Each question listens.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Never rejects.
   *
   * @param patienceMs how long to wait for the answer, the wait for a turn included; whoever asks first decides
   * @param isStrict whether the answer must be to a question that is sent after this call
   */
  ask({ key, kind, credential }: Question, patienceMs: number, isStrict: boolean): Promise<Outcome> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#begin({ key, kind, credential }, patienceMs);
    if (!isStrict || !flight.progress.isSent) return flight.outcome;
    // All who wait for it then share the next.
    return flight.outcome.then(() => this.ask({ key, kind, credential }, patienceMs, false));
  }

  /** Those under way get no answer, and no later one does. */
  close(): void {
    this.#closing.abort(new Error('the verifier is closed'));
  }

  #begin({ key, kind, credential }: Question, patienceMs: number): Promise<Outcome> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve(unanswered(signal.reason));
    const limit = this.#limits[kind];
    if (limit.pendingCount >= WAITING) return Promise.resolve(unanswered(new Error('too many questions wait')));
    const progress = { isSent: false };
    const outcome = this.#fly(limit, progress, credential, patienceMs).finally(() => this.#flights.delete(key));
    this.#flights.set(key, { outcome, progress });
    return outcome;
  }

  /** Its turn may come when the time is over: then nothing is sent. */
  #fly(limit: LimitFunction, progress: Flight['progress'], credential: string, patienceMs: number): Promise<Outcome> {
    const { signal } = this.#closing;
    const untilMs = performance.now() + patienceMs;
    return new Promise((resolve) => {
      let isOver = false;
      const end = (outcome: Outcome) => {
        isOver = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', onClose);
        resolve(outcome);
      };
      const onClose = () => end(unanswered(signal.reason));
      const timer = setTimeout(() => end(unanswered(new Error('the service did not answer in time'))), patienceMs);
      signal.addEventListener('abort', onClose);
      void limit(async () => {
        if (isOver) return;
        progress.isSent = true;
        const { send, now } = this.#parts;
        const mark = this.#parts.mark();
        const sentAtMs = now();
        try {
          const leftMs = Math.max(1, Math.ceil(untilMs - performance.now()));
          const answer = await send(credential, leftMs, signal);
          if (Math.abs(now() - sentAtMs) > LATE_MS) throw new Error('the answer came too late');
          end({ kind: 'answered', answer, mark });
        } catch (cause) {
          end(unanswered(cause));
        }
      });
    });
  }
}

function unanswered(cause: unknown): Outcome {
  return { kind: 'unanswered', cause };
}

import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import type { Validation } from './client_answers.ts';

/** Of all questions at once. */
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
  readonly #limit = pLimit(RUNNING);
  readonly #closing = new AbortController();

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
    // Each question listens.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Never rejects.
   *
   * @param key names the credential
   * @param patienceMs how long to wait for the answer, the wait for a turn included; whoever asks first decides
   * @param isStrict whether the answer must be to a question that is sent after this call
   */
  ask(key: string, credential: string, patienceMs: number, isStrict: boolean): Promise<Outcome> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#begin(key, credential, patienceMs);
    if (!isStrict || !flight.progress.isSent) return flight.outcome;
    // All who wait for it then share the next.
    return flight.outcome.then(() => this.ask(key, credential, patienceMs, false));
  }

  /** Those under way get no answer, and no later one does. */
  close(): void {
    this.#closing.abort(new Error('the verifier is closed'));
  }

  #begin(key: string, credential: string, patienceMs: number): Promise<Outcome> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve(unanswered(signal.reason));
    if (this.#limit.pendingCount >= WAITING) return Promise.resolve(unanswered(new Error('too many questions wait')));
    const progress = { isSent: false };
    const outcome = this.#fly(progress, credential, patienceMs).finally(() => this.#flights.delete(key));
    this.#flights.set(key, { outcome, progress });
    return outcome;
  }

  /** Its turn may come when the time is over: then nothing is sent. */
  #fly(progress: Flight['progress'], credential: string, patienceMs: number): Promise<Outcome> {
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
      void this.#limit(async () => {
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

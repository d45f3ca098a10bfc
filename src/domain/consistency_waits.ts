import { SessionError } from '../error.ts';
import type { Caller } from './caller.ts';
import { LIMITS } from './limits.ts';

/** After which one that has too many waits is to try again. */
const RETRY_MS = 250;

/** Bounds how many consistency tokens are waited for at once on behalf of one caller. */
export class ConsistencyWaits {
  readonly #waiting = new Map<string, number>();

  /** @throws {SessionError} RATE_LIMITED */
  async within<T>({ name }: Caller, wait: () => Promise<T>): Promise<T> {
    const others = this.#waiting.get(name) ?? 0;
    if (others >= LIMITS.consistencyWaits) {
      throw new SessionError('RATE_LIMITED', 'consistency_token: the caller waits for too many already', {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#waiting.set(name, others + 1);
    try {
      return await wait();
    } finally {
      this.#leave(name);
    }
  }

  #leave(name: string): void {
    const left = (this.#waiting.get(name) ?? 0) - 1;
    if (left > 0) this.#waiting.set(name, left);
    else this.#waiting.delete(name);
  }
}

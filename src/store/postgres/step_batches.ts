import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import { SessionError } from '../../error.ts';
import { isRolledBack, toSessionError } from './faults.ts';

/** How commands of one kind are run. */
export interface BatchRules<C, O> {
  /**
   * Runs all commands in one step, with the driver's own errors; gives their outcomes in their order, null where one was
   * left for a step of its own.
   */
  readonly run: (commands: readonly C[], giveUpAtMs: number) => Promise<readonly (O | null)[]>;
  /** Runs what a batch left, or failed over, in a step of its own, with the driver's own errors; it may wait for locks. */
  readonly runAlone: (command: C, giveUpAtMs: number) => Promise<O>;
  /** No two commands of one batch have a name in common: the later sees what the earlier did. */
  readonly names: (command: C) => readonly string[];
  /** Commands in one batch at most. */
  readonly size: number;
  /** How many batches may be under way at once. */
  readonly lanes: number;
}

interface Waiting<C, O> {
  readonly command: C;
  readonly giveUpAtMs: number;
  readonly resolve: (outcome: O) => void;
  readonly reject: (error: SessionError) => void;
}

/**
 * Merges commands of one kind that come while others are under way into the next step: it is asked, committed and answered
 * once. Nothing waits while a lane is free.
 */
export class StepBatches<C, O> {
  readonly #rules: BatchRules<C, O>;
  /** In the order in which they came. In an outage many leave it by their deadlines, at once. */
  readonly #waiting = new Set<Waiting<C, O>>();
  #running = 0;
  #isStarting = false;

  constructor(rules: BatchRules<C, O>) {
    this.#rules = rules;
  }

  /** @throws {SessionError} STORE_UNAVAILABLE */
  do(command: C): Promise<O> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const wasWaiting = this.#waiting.delete(waiting);
        reject(wasWaiting ? tooLate() : toSessionError(new Error('the step took too long')));
      }, STORE_DEADLINE_MS);
      const waiting: Waiting<C, O> = {
        command,
        giveUpAtMs: performance.now() + STORE_DEADLINE_MS,
        resolve: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.add(waiting);
      if (this.#running < this.#rules.lanes) this.#startLane();
    });
  }

  /** In the next turn of the event loop: what comes in this one goes together. */
  #startLane(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      void this.#runLane();
    });
  }

  async #runLane(): Promise<void> {
    this.#running += 1;
    while (this.#waiting.size > 0) await this.#runBatch(this.#nextBatch());
    this.#running -= 1;
  }

  #nextBatch(): Waiting<C, O>[] {
    const taken = new Set<string>();
    const batch: Waiting<C, O>[] = [];
    for (const waiting of this.#waiting) {
      if (batch.length === this.#rules.size) break;
      const names = this.#rules.names(waiting.command);
      if (names.some((name) => taken.has(name))) continue;
      this.#waiting.delete(waiting);
      batch.push(waiting);
      for (const name of names) taken.add(name);
    }
    return batch;
  }

  async #runBatch(batch: readonly Waiting<C, O>[]): Promise<void> {
    try {
      // Each is answered by its own deadline; the step goes on for the last of them.
      const giveUpAtMs = Math.max(...batch.map((waiting) => waiting.giveUpAtMs));
      const outcomes = await this.#rules.run(
        batch.map(({ command }) => command),
        giveUpAtMs,
      );
      for (const [index, waiting] of batch.entries()) {
        const outcome = outcomes[index] ?? null;
        if (outcome !== null) waiting.resolve(outcome);
        else void this.#runAlone(waiting);
      }
    } catch (error) {
      for (const waiting of batch) {
        // One that can not be done keeps no other from being done.
        if (isRolledBack(error)) void this.#runAlone(waiting);
        else waiting.reject(toSessionError(error));
      }
    }
  }

  /** In no lane: one that waits for a lock keeps no other waiting. */
  async #runAlone({ command, giveUpAtMs, resolve, reject }: Waiting<C, O>): Promise<void> {
    try {
      resolve(await this.#rules.runAlone(command, giveUpAtMs));
    } catch (error) {
      reject(toSessionError(error));
    }
  }
}

function tooLate(): SessionError {
  return new SessionError('STORE_UNAVAILABLE', 'the store is too slow; nothing was changed');
}

import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import type { RevokeCommand, RevokeOutcome } from '../../domain/store.ts';
import { SessionError } from '../../error.ts';
import { isRolledBack, toSessionError } from './faults.ts';

const MAX_BATCH = 256;

/** What a step did for each of its commands, in their order. */
export interface Revoked {
  readonly outcomes: readonly RevokeOutcome[];
  /** Once the entries that it appended are delivered. */
  readonly delivered: Promise<void>;
}

/** Runs all commands in one step, with the driver's own errors. */
type RunBatch = (commands: readonly RevokeCommand[], giveUpAtMs: number) => Promise<Revoked>;

interface Waiting {
  readonly command: RevokeCommand;
  readonly giveUpAtMs: number;
  readonly resolve: (outcome: RevokeOutcome) => void;
  readonly reject: (error: SessionError) => void;
}

/**
 * Merges revokes that come while a step is under way into the next one: every step appends to one log, so that
 * they would wait for each other anyway, and a batch commits once.
 */
export class RevokeBatches {
  readonly #run: RunBatch;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(run: RunBatch) {
    this.#run = run;
  }

  revoke(command: RevokeCommand): Promise<RevokeOutcome> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const wasWaiting = this.#waiting.includes(waiting);
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(wasWaiting ? tooLate() : toSessionError(new Error('the step took too long')));
      }, STORE_DEADLINE_MS);
      const waiting: Waiting = {
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
      this.#waiting.push(waiting);
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#runBatch(this.#nextBatch());
    this.#running = false;
  }

  /** No two of one session or one request: the later sees what the earlier did. */
  #nextBatch(): Waiting[] {
    const taken = new Set<string>();
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const { ref, request } = waiting.command;
      const names = request === null ? [ref.sessionId] : [ref.sessionId, request.key];
      if (batch.length < MAX_BATCH && !names.some((name) => taken.has(name))) {
        batch.push(waiting);
        for (const name of names) taken.add(name);
      } else {
        left.push(waiting);
      }
    }
    this.#waiting = left;
    return batch;
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    let revoked: Revoked;
    try {
      // Each is answered by its own deadline; the step goes on for the last of them.
      const giveUpAtMs = Math.max(...batch.map((waiting) => waiting.giveUpAtMs));
      const commands = batch.map(({ command }) => command);
      revoked = await this.#run(commands, giveUpAtMs);
    } catch (error) {
      if (batch.length > 1 && isRolledBack(error)) {
        // One that fails, or waits for a lock, keeps no other from being done.
        await Promise.all(batch.map((waiting) => this.#runBatch([waiting])));
      } else {
        for (const { reject } of batch) reject(toSessionError(error));
      }
      return;
    }
    try {
      await revoked.delivered;
      for (const [index, { resolve }] of batch.entries()) resolve(revoked.outcomes[index] as RevokeOutcome);
    } catch (error) {
      // It is done, but not known here: whoever asks again is told.
      for (const { reject } of batch) reject(toSessionError(error));
    }
  }
}

function tooLate(): SessionError {
  return new SessionError('STORE_UNAVAILABLE', 'the store is too slow; nothing was changed');
}

import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import { SessionError } from '../../error.ts';
import type { LogPosition } from '../../revocation/log.ts';
import { BUSY, type Engine, type Tables } from './tables.ts';

const LOCK_RETRY_MS = 2;

/** What one transaction takes in: the event loop stands still until it has committed. */
const MAX_STEPS = 256;
const MAX_STEPS_MS = 10;

/** A turn of the event loop may last so long before the steps that came in it are committed. */
const MAX_TURN_MS = 5;

interface Waiting {
  readonly step: (tables: Tables) => unknown;
  readonly giveUpAtMs: number;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs the steps that come in one turn of the event loop in one transaction, in the order in which they come: they share
 * its commit, and none is answered before. A step sees what those before it wrote. Of one that throws nothing is left, and
 * the others run without it; where the commit fails all are told. A step that another process's lock, or the steps before
 * it, keep from running for STORE_DEADLINE_MS is refused.
 */
export class WriteQueue {
  readonly #engine: Engine;
  readonly #onCommit: (head: LogPosition) => void;
  #waiting: Waiting[] = [];
  #turnEnd: NodeJS.Immediate | undefined;
  #dueAtMs = Infinity;

  /** @param onCommit is told where the log stands, before the steps are answered */
  constructor(engine: Engine, onCommit: (head: LogPosition) => void) {
    this.#engine = engine;
    this.#onCommit = onCommit;
  }

  run<T>(step: (tables: Tables) => T): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ step, giveUpAtMs: performance.now() + STORE_DEADLINE_MS, resolve, reject });
      if (!this.#engine.sharesCommits) this.#commit();
      else if (this.#waiting.length === 1) this.#commitAfterTurn();
    }) as Promise<T>;
  }

  /** Commits in a turn that does not end: a caller that reads on and on there keeps nobody's step from running. */
  commitOverdue(): void {
    if (this.#dueAtMs < Infinity && performance.now() > this.#dueAtMs) this.#commit();
  }

  /** Refuses what waits. */
  close(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(unchanged('it is being closed'));
  }

  #commitAfterTurn(): void {
    this.#dueAtMs = performance.now() + MAX_TURN_MS;
    this.#turnEnd = setImmediate(() => this.#commit());
  }

  #commit(): void {
    clearImmediate(this.#turnEnd);
    this.#dueAtMs = Infinity;
    this.#refuseLate('it is too slow');
    if (this.#waiting.length === 0) return;
    const outcomes: unknown[] = [];
    let isStepRunning = false;
    const runSteps = (tables: Tables): LogPosition => {
      const endAtMs = performance.now() + MAX_STEPS_MS;
      for (const { step } of this.#waiting) {
        isStepRunning = true;
        outcomes.push(step(tables));
        isStepRunning = false;
        if (outcomes.length === MAX_STEPS || performance.now() > endAtMs) break;
      }
      return tables.logHead();
    };
    try {
      const head = this.#engine.write(runSteps);
      if (head === BUSY) return this.#waitForLock();
      this.#answer(this.#waiting.splice(0, outcomes.length), outcomes, head);
    } catch (error) {
      // Where a step failed the transaction was undone: those that stood before it run again. Where none began, none can.
      const [from, count] = isStepRunning ? [outcomes.length, 1] : [0, outcomes.length || this.#waiting.length];
      for (const { reject } of this.#waiting.splice(from, count)) reject(error);
    }
    if (this.#waiting.length > 0) this.#commitAfterTurn();
  }

  #answer(done: readonly Waiting[], outcomes: readonly unknown[], head: LogPosition): void {
    try {
      this.#onCommit(head);
      for (const [index, { resolve }] of done.entries()) resolve(outcomes[index]);
    } catch (error) {
      // They are done, but not known here: whoever asks again is told.
      for (const { reject } of done) reject(error);
    }
  }

  #waitForLock(): void {
    this.#refuseLate('another process keeps it locked');
    if (this.#waiting.length > 0) setTimeout(() => this.#commit(), LOCK_RETRY_MS);
  }

  #refuseLate(why: string): void {
    const nowMs = performance.now();
    // They come in the order of their deadlines.
    const onTime = this.#waiting.findIndex(({ giveUpAtMs }) => giveUpAtMs > nowMs);
    const late = this.#waiting.splice(0, onTime === -1 ? this.#waiting.length : onTime);
    for (const { reject } of late) reject(unchanged(why));
  }
}

function unchanged(why: string): SessionError {
  return new SessionError('STORE_UNAVAILABLE', `the store can not be written: ${why}; nothing was changed`);
}

import { LOG_START, type LogEntry, type LogPosition } from '../../revocation/log.ts';

const POLL_MS = 50;
/** How long after a failed reading the next one is tried. */
const RETRY_MS = 500;
const BATCH = 1000;

type Read = (after: number, limit: number) => Promise<readonly LogEntry[]>;

/** Follows the log of a database: what this instance appended as it is answered, what others did by polling. */
export class LogTail {
  readonly #read: Read;
  #listener: ((entries: readonly LogEntry[]) => void) | null = null;
  #delivered: LogPosition = LOG_START;
  #reading: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(read: Read) {
    this.#read = read;
  }

  follow(listener: (entries: readonly LogEntry[]) => void): void {
    this.#listener = listener;
    this.#delivered = LOG_START;
    this.#poll(0);
  }

  /** Delivers what a step of this instance appended, and before it what others appended. */
  async deliver(entries: readonly LogEntry[]): Promise<void> {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined || this.#listener === null) return;
    if (this.#reading === null && first.previousTag === this.#delivered.tag) {
      this.#handOver(entries);
      return;
    }
    // A reading that was under way may have begun before the step.
    for (let reading = 1; reading <= 2 && this.#delivered.position < last.position; reading += 1) await this.#catchUp();
    // Not there: the log lost its tail meanwhile. What was acknowledged holds here all the same.
    if (this.#delivered.position < last.position) this.#listener?.(entries);
  }

  /** Ends the polling; waits for a reading that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listener = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#reading?.catch(() => {});
  }

  #poll(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#catchUp().then(
        () => this.#poll(POLL_MS),
        () => this.#poll(RETRY_MS),
      );
    }, afterMs);
    this.#timer.unref();
  }

  /** Reads to the end of the log; whoever comes meanwhile waits for the same reading. */
  #catchUp(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const entries = await this.#read(this.#delivered.position, BATCH);
      const [first] = entries;
      if (first === undefined || this.#listener === null) return;
      if (first.position === this.#delivered.position + 1 && first.previousTag !== this.#delivered.tag) {
        // Another log than the one that was followed, restored or after a failover: from its low end, where repeats do no harm.
        this.#delivered = LOG_START;
        continue;
      }
      this.#handOver(entries);
      if (entries.length < BATCH) return;
    }
  }

  #handOver(entries: readonly LogEntry[]): void {
    this.#delivered = entries.at(-1) ?? this.#delivered;
    this.#listener?.(entries);
  }
}

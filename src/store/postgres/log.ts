import { LOG_START, type LogEntry, type LogPosition } from '../../revocation/log.ts';

const POLL_MS = 50;
/** How long after a failed reading the next one is tried. */
const RETRY_MS = 500;
const BATCH = 1000;
/** More than are appended while the answer to a step is on its way. */
const RECENT_TAGS = 4 * BATCH;

/** Entries from a position on, that one included. */
type Read = (from: number, limit: number) => Promise<readonly LogEntry[]>;

/** Follows the log of a database: what this instance appended as it is answered, what others did by polling. */
export class LogTail {
  readonly #read: Read;
  /** Tags of what was delivered last, oldest first. */
  readonly #recentTags = new Set<string>();
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
    for (let reading = 1; reading <= 2 && !this.#recentTags.has(last.tag); reading += 1) await this.#catchUp();
    // Not there: the log lost its tail meanwhile. What was acknowledged holds here all the same.
    if (!this.#recentTags.has(last.tag)) this.#listener?.(entries);
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
    while (this.#listener !== null) {
      const cursor = this.#delivered;
      const entries = await this.#read(cursor.position, BATCH);
      if (cursor !== this.#delivered) continue;
      if (cursor.position > 0 && entries[0]?.tag !== cursor.tag) {
        // The head is never trimmed: this is another log, restored or after a failover, or it was trimmed past the cursor. From
        // its low end, where repeats do no harm.
        this.#delivered = LOG_START;
        continue;
      }
      this.#handOver(cursor.position > 0 ? entries.slice(1) : entries);
      if (entries.length < BATCH) return;
    }
  }

  #handOver(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.#delivered = entries.at(-1) ?? this.#delivered;
    for (const { tag } of entries) this.#recentTags.add(tag);
    for (const tag of this.#recentTags) {
      if (this.#recentTags.size <= RECENT_TAGS) break;
      this.#recentTags.delete(tag);
    }
    this.#listener?.(entries);
  }
}

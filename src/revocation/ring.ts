import { type LogBreak, type LogEntry, type LogPosition, LOG_START } from './log.ts';

/** Entries that are passed on together at most. */
export const BATCH_ENTRIES = 512;

/** How long an entry may be kept back for others to come with it; the first after a quiet time is not. */
const COALESCE_MS = 2;

/** One position a partition. */
export type LogPositions = readonly LogPosition[];

/** Entries that came together, with what the log had delivered before and behind them. */
export interface Batch {
  readonly entries: readonly LogEntry[];
  readonly before: LogPositions;
  readonly after: LogPositions;
}

/** How the ring stands to somebody's positions. */
export type Place =
  /** All that is behind them begins in this batch, or comes next. */
  | { readonly kind: 'here'; readonly sequence: number }
  /** Entries of this partition behind them are not here any more. */
  | { readonly kind: 'behind'; readonly partition: number }
  /** One of them was not delivered here yet, or never will be. */
  | { readonly kind: 'ahead' }
  /** One of them is of a tail that the log lost. */
  | { readonly kind: 'truncated' };

/**
 * The latest entries that a process followed, in batches that are numbered one by one. Whoever reads them is a number here,
 * however many they are.
 */
export class RevocationRing {
  readonly #onBatch: () => void;
  readonly #capacity: number;
  #batches: Batch[] = [];
  /** The number of the first batch that is kept. */
  #first = 0;
  #kept = 0;
  #heads: LogPositions;
  #pending: LogEntry[] = [];
  #timer: NodeJS.Timeout | null = null;
  #soon: NodeJS.Immediate | null = null;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #lastBreak: LogBreak = 'compacted';
  #breaks = 0;

  /**
   * @param onBatch called after some were added, or the log broke
   * @param capacity in entries
   */
  constructor(partitions: number, onBatch: () => void, capacity: number) {
    this.#onBatch = onBatch;
    this.#capacity = capacity;
    this.#heads = Array.from({ length: partitions }, (_, partition) => ({ ...LOG_START, partition }));
  }

  /** Behind the last batch. */
  get heads(): LogPositions {
    return this.#heads;
  }

  /** The number that the next batch gets. */
  get next(): number {
    return this.#first + this.#batches.length;
  }

  /** How often the log did not go on from what had been delivered: numbers of batches before count no more. */
  get breaks(): number {
    return this.#breaks;
  }

  /** Why it last did not. */
  get lastBreak(): LogBreak {
    return this.#lastBreak;
  }

  /** undefined where it is not kept any more. */
  batch(sequence: number): Batch | undefined {
    return this.#batches[sequence - this.#first];
  }

  /** Entries in the order of their partitions, each behind what was added of it before; in a later turn they are batches. */
  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#pending.push(entry);
    if (this.#timer !== null || this.#soon !== null) return;
    const dueMs = this.#flushedAtMs + COALESCE_MS - performance.now();
    // Not before whoever revoked is answered: those who are told may be many.
    if (dueMs <= 0) this.#soon = setImmediate(() => this.flush());
    else this.#timer = setTimeout(() => this.flush(), dueMs);
  }

  /** Makes batches of what was added since the last one. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#soon !== null) clearImmediate(this.#soon);
    this.#timer = null;
    this.#soon = null;
    if (this.#pending.length === 0) return;
    const entries = this.#pending;
    this.#pending = [];
    this.#flushedAtMs = performance.now();
    for (let start = 0; start < entries.length; start += BATCH_ENTRIES) {
      this.#append(entries.slice(start, start + BATCH_ENTRIES));
    }
    this.#onBatch();
  }

  /** The log goes on from another position than the last that was added. */
  break(from: LogPosition, kind: LogBreak): void {
    this.flush();
    this.#first = this.next;
    this.#batches = [];
    this.#kept = 0;
    this.#heads = movedTo(this.#heads, [from]);
    this.#breaks += 1;
    this.#lastBreak = kind;
    this.#onBatch();
  }

  /** Where those positions go on. */
  locate(positions: LogPositions): Place {
    const low = this.#batches[0]?.before ?? this.#heads;
    let behind: number | null = null;
    let isAhead = false;
    for (const at of positions) {
      const { partition, position } = at;
      const [floor, head] = [positionIn(low, partition), positionIn(this.#heads, partition)];
      if (position < floor.position) behind = partition;
      else if (position > head.position) isAhead = true;
      else if (this.#tagAt(partition, position, floor) !== at.tag) return { kind: 'truncated' };
    }
    if (isAhead) return { kind: 'ahead' };
    if (behind !== null) return { kind: 'behind', partition: behind };
    if (isCovered(this.#heads, positions)) return { kind: 'here', sequence: this.next };
    // The last batch before which there is nothing that they lack.
    const later = this.#search(({ before }) => !isCovered(before, positions));
    return { kind: 'here', sequence: this.#first + later - 1 };
  }

  #tagAt(partition: number, position: number, floor: LogPosition): string | undefined {
    if (position === floor.position) return floor.tag;
    const index = this.#search(({ after }) => positionIn(after, partition).position >= position);
    const entries = this.#batches[index]?.entries ?? [];
    return entries.find((entry) => entry.partition === partition && entry.position === position)?.tag;
  }

  /** The index of the first batch for which this is so, as it is then for all later ones. */
  #search(isSo: (batch: Batch) => boolean): number {
    let [low, high] = [0, this.#batches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isSo(this.#batches[middle] as Batch)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #append(entries: readonly LogEntry[]): void {
    const before = this.#heads;
    this.#heads = movedTo(before, entries);
    this.#batches.push({ entries, before, after: this.#heads });
    this.#kept += entries.length;
    this.#forget();
  }

  #forget(): void {
    let gone = 0;
    while (this.#kept > this.#capacity) {
      this.#kept -= this.#batches[gone]?.entries.length ?? 0;
      gone += 1;
    }
    if (gone === 0) return;
    this.#batches.splice(0, gone);
    this.#first += gone;
  }
}

/** Whether everything up to `low` is known to somebody with these positions. */
export function isCovered(low: LogPositions, positions: LogPositions): boolean {
  return positions.every(({ partition, position }) => positionIn(low, partition).position <= position);
}

/** The positions after these entries of any partitions, in their order. */
export function movedTo(positions: LogPositions, entries: readonly LogPosition[]): LogPositions {
  const moved = [...positions];
  for (const { partition, position, tag } of entries) moved[partition] = { partition, position, tag };
  return moved;
}

export function positionIn(positions: LogPositions, partition: number): LogPosition {
  return positions[partition] ?? { ...LOG_START, partition };
}

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BreakListener,
  type EntriesListener,
  floorOf,
  type LogEntry,
  type LogPosition,
  type LogReading,
} from './log.ts';

/** How often to prove that what was read is what the store holds. */
const BEAT_MS = 1_000;

const BATCH = 500;

/** A replica that is promoted lags by much less. */
const KEPT_ENTRIES = 1000;

/** One a second. */
const HEAL_ATTEMPTS = 60;

/** A reading may have begun before the entries were appended, or be of a log that loses them. */
const OWN_READINGS = 3;

/** How a follower reaches the log of a store. */
export interface LogSource {
  readonly partitions: number;
  /** How often to look at the heads: seldom where hints tell of what is appended. */
  readonly pollMs: number;
  /** As RevocationLog has it. */
  readonly after: (position: LogPosition, count: number) => Promise<LogReading>;
  /** The tag of the partition's head, as cheaply as it can be had; null where there is none. */
  readonly headTag: (partition: number) => Promise<string | null>;
  /** The heads of all partitions, by a write that outlasts a failover. */
  readonly fencedHeads: () => Promise<readonly LogPosition[]>;
  /** Puts back what a failover lost. */
  readonly heal: (partition: number, lost: readonly LogEntry[]) => Promise<void>;
}

/** One partition as it was delivered. */
interface Track {
  readonly partition: number;
  delivered: LogPosition;
  /** The newest of what was delivered: a failover may have lost them. */
  recent: readonly LogEntry[];
  /** Readings of one partition come one after the other; this one is over when the last has ended, however it did. */
  reading: Promise<void>;
  /** The reading that has not begun yet. */
  due: Promise<void> | null;
}

/** Follows all partitions of a log for one listener. */
export class LogFollower {
  readonly #source: LogSource;
  #tracks: readonly Track[] = [];
  #onEntries: EntriesListener = () => {};
  #onBreak: BreakListener = () => {};
  #timers: NodeJS.Timeout[] = [];
  #isPolling = false;
  #isBeating = false;
  /** Since when (performance.now) all that was then in the store has been delivered. */
  #freshAtMs = Number.NEGATIVE_INFINITY;

  constructor(source: LogSource) {
    this.#source = source;
  }

  follow(onEntries: EntriesListener, onBreak: BreakListener = () => {}): void {
    this.#onEntries = onEntries;
    this.#onBreak = onBreak;
    this.#freshAtMs = Number.NEGATIVE_INFINITY;
    this.#tracks = Array.from({ length: this.#source.partitions }, (_, partition) => ({
      partition,
      delivered: floorOf(partition, []),
      recent: [],
      reading: Promise.resolve(),
      due: null,
    }));
    this.stop();
    this.#timers = [
      setInterval(() => void this.#poll(), this.#source.pollMs).unref(),
      setInterval(() => void this.#beat(), BEAT_MS).unref(),
    ];
    void this.#poll();
    void this.#beat();
  }

  /** How many ms what was delivered may lag behind the store. */
  stalenessMs(): number {
    return Math.ceil(performance.now() - this.#freshAtMs);
  }

  /** Delivers what a step of this process appended, after what came before it. */
  async deliverOwn(partition: number, entries: readonly LogEntry[]): Promise<void> {
    const track = this.#tracks[partition];
    const last = entries.at(-1);
    if (track === undefined || last === undefined) return;
    for (let attempt = 0; attempt < OWN_READINGS; attempt += 1) {
      if (has(track, last) || (this.#deliver(track, entries) && has(track, last))) return;
      await this.#read(track);
    }
    if (!has(track, last)) throw new Error('the log does not hold what was appended to it');
  }

  /** Another process appended to the partition. */
  hint(partition: number): void {
    const track = this.#tracks[partition];
    if (track !== undefined) this.#read(track).catch(() => {});
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** Whether the entries go on from what was delivered; those that were delivered already are passed over. */
  #deliver(track: Track, entries: readonly LogEntry[]): boolean {
    const news = entries.filter(({ position }) => position > track.delivered.position);
    const [first] = news;
    const last = news.at(-1);
    if (first === undefined || last === undefined) return true;
    if (first.previousTag !== track.delivered.tag || first.position !== track.delivered.position + 1) return false;
    track.delivered = positionOf(last);
    track.recent = [...track.recent, ...news].slice(-KEPT_ENTRIES);
    this.#onEntries(news);
    return true;
  }

  /** One reading at a time; whoever comes meanwhile gets one that begins after it came. */
  #read(track: Track): Promise<void> {
    if (track.due !== null) return track.due;
    track.due = this.#readAfter(track, track.reading);
    track.reading = track.due.catch(() => {});
    return track.due;
  }

  async #readAfter(track: Track, previous: Promise<void>): Promise<void> {
    await previous;
    track.due = null;
    await this.#catchUp(track);
  }

  async #catchUp(track: Track): Promise<void> {
    const tracks = this.#tracks;
    let held: readonly LogEntry[] = [];
    const present = new Set<string>();
    let lowest = 1;
    for (;;) {
      const asked = track.delivered;
      const { kind, entries } = await this.#source.after(asked, BATCH);
      // Another listener has begun to follow meanwhile.
      if (tracks !== this.#tracks) return;
      const [first] = entries;
      if (kind !== 'continues' && track.delivered === asked) {
        held = track.recent;
        track.recent = [];
        track.delivered = floorOf(track.partition, entries);
        this.#onBreak(track.delivered, kind);
        lowest = first?.position ?? 1;
        present.clear();
      }
      for (const { tag } of held.length > 0 ? entries : []) present.add(tag);
      if (this.#deliver(track, entries) && entries.length < BATCH) break;
    }
    // What is put back is delivered by a reading that comes after this one.
    const lost = held.filter(({ position, tag }) => position >= lowest && !present.has(tag));
    if (lost.length > 0) void this.#heal(track, lost);
  }

  /** What was delivered and is not in the log any more, though nobody has trimmed it. */
  async #heal(track: Track, lost: readonly LogEntry[]): Promise<void> {
    for (let attempt = 0; attempt < HEAL_ATTEMPTS && this.#timers.length > 0; attempt += 1) {
      try {
        return await this.#source.heal(track.partition, lost);
      } catch {
        // The new master may not be reached yet.
        await sleep(BEAT_MS, undefined, { ref: false });
      }
    }
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    await Promise.allSettled(this.#tracks.map((track) => this.#look(track)));
    this.#isPolling = false;
  }

  async #look(track: Track): Promise<void> {
    const tag = await this.#source.headTag(track.partition);
    if (tag !== null && tag !== track.delivered.tag) await this.#read(track);
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    const sinceMs = performance.now();
    const tracks = this.#tracks;
    try {
      const heads = await this.#source.fencedHeads();
      await Promise.all(heads.map((head) => this.#reach(head)));
      if (tracks === this.#tracks) this.#freshAtMs = sinceMs;
    } catch {
      // It is stale, and says so.
    } finally {
      this.#isBeating = false;
    }
  }

  async #reach(head: LogPosition): Promise<void> {
    const track = this.#tracks[head.partition];
    if (track === undefined || track.delivered.tag === head.tag) return;
    await this.#read(track);
    // What was read may be of a server that was deposed, while the head is of another.
    const isThere = track.delivered.tag === head.tag || track.recent.some(({ tag }) => tag === head.tag);
    if (!isThere) throw new Error('the head of the log was not delivered');
  }
}

/** Where another tag was delivered at its position, that one is of a tail that a failover lost. */
function has({ delivered, recent }: Track, { position, tag }: LogEntry): boolean {
  if (position >= delivered.position) return tag === delivered.tag;
  const at = recent[position - (recent[0]?.position ?? 0)];
  // What is behind by more than is remembered was overtaken by what came after it.
  return at === undefined || at.tag === tag;
}

function positionOf({ partition, position, tag }: LogPosition): LogPosition {
  return { partition, position, tag };
}

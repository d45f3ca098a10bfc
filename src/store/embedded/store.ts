import { randomUUID } from 'node:crypto';
import type {
  CreateCommand,
  KeyStore,
  Lease,
  ListQuery,
  RaiseCommand,
  ReadCommand,
  RefreshCommand,
  RevokeCommand,
  RotateCommand,
  SessionStore,
  SweepResult,
  UpdateCommand,
} from '../../domain/store.ts';
import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import {
  type BreakListener,
  type EntriesListener,
  floorOf,
  LOG_START,
  type LogPosition,
  type LogReading,
  type RevocationLog,
  readingFrom,
} from '../../revocation/log.ts';
import { create } from './create.ts';
import { announcementIsDue, list, read, sweepSessions, touch, touchIsDue } from './read.ts';
import { refresh } from './refresh.ts';
import { count, raise, revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import type { Step } from './step.ts';
import type { Engine, Tables } from './tables.ts';
import { update } from './update.ts';
import { WriteQueue } from './write_queue.ts';
import type { StoredKey } from '../../token/keys.ts';

const READ_LOG_BATCH = 1000;

/**
 * The store contract over an engine in this process. Steps run synchronously, one after the other; those that read
 * each in a transaction of its own, those that write as WriteQueue has it.
 */
export class EmbeddedStore implements SessionStore, KeyStore, RevocationLog, Lease {
  readonly partitions = 1;
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #rules: StoreRules;
  readonly #clock: ClockOffset;
  readonly #instanceId = randomUUID();
  #delivered: LogPosition = LOG_START;
  #freshenedAtMs = 0;
  #isBehind = false;
  #onEntries: EntriesListener = () => {};
  #onBreak: BreakListener = () => {};

  private constructor(engine: Engine, rules: StoreRules, clock: ClockOffset) {
    this.#engine = engine;
    this.#writes = new WriteQueue(engine, (head) => {
      if (head.tag !== this.#delivered.tag) this.#deliver();
    });
    this.#rules = rules;
    this.#clock = clock;
  }

  static async open(engine: Engine, rules: StoreRules, clock: ClockOffset): Promise<EmbeddedStore> {
    return new EmbeddedStore(engine, rules, clock);
  }

  get storeId(): string {
    return this.#engine.storeId;
  }

  async create(command: CreateCommand) {
    return this.#write((step) => create(step, command));
  }

  async refresh(command: RefreshCommand) {
    return this.#write((step) => refresh(step, command));
  }

  async read(command: ReadCommand) {
    const { outcome, due } = this.#read((step) => {
      const outcome = read(step, command);
      return { outcome, due: touchIsDue(step, command, outcome) || announcementIsDue(step, outcome) };
    });
    return due ? this.#write((step) => touch(step, command)) : outcome;
  }

  async list(query: ListQuery) {
    return this.#read((step) => list(step, query));
  }

  async update(command: UpdateCommand) {
    return this.#write((step) => update(step, command));
  }

  async rotate(command: RotateCommand) {
    return this.#write((step) => rotate(step, command));
  }

  async revoke(command: RevokeCommand) {
    return this.#write((step) => revoke(step, command));
  }

  async raise(command: RaiseCommand) {
    return this.#write((step) => raise(step, command));
  }

  async count(command: RaiseCommand) {
    return this.#read((step) => count(step, command));
  }

  async sweep(batch: number): Promise<SweepResult> {
    const sessions = await this.#write((step) => sweepSessions(step, batch));
    const requests = await this.#write((step) => step.tables.deleteRequestsDue(step.nowMs, batch));
    const epochs = await this.#write((step) => step.tables.deleteEpochsDue(step.nowMs, batch));
    const logEntries = await this.#write((step) => trimLog(step, batch));
    return {
      sessions: sessions.removed,
      requests,
      epochs,
      logEntries,
      more: sessions.more || [requests, epochs, logEntries].some((removed) => removed === batch),
    };
  }

  async keys(): Promise<readonly StoredKey[]> {
    return this.#read((step) => step.tables.keys());
  }

  async insertKeyIfAbsent(key: StoredKey): Promise<void> {
    await this.#write((step) => step.tables.insertKeyIfAbsent(key));
  }

  async holdLease(name: string, forMs: number): Promise<boolean> {
    return this.#write((step) => holdLease(step, name, this.#instanceId, forMs));
  }

  follow(onEntries: EntriesListener, onBreak: BreakListener = () => {}): void {
    this.#onEntries = onEntries;
    this.#onBreak = onBreak;
    this.#delivered = LOG_START;
    this.#deliver();
  }

  /** Looks for other processes' entries at most once a millisecond. */
  freshen(): number {
    const nowMs = Date.now();
    if (nowMs !== this.#freshenedAtMs) {
      // What could not be delivered is tried again: a change that was noticed is never forgotten.
      this.#isBehind = this.#engine.changedElsewhere() || this.#isBehind;
      if (this.#isBehind) this.#deliver();
      this.#isBehind = false;
      this.#freshenedAtMs = nowMs;
    }
    return 0;
  }

  async after(position: LogPosition, count: number): Promise<LogReading> {
    return this.#after(position, count);
  }

  /** Refuses the writes that have not begun. */
  close(): void {
    this.#writes.close();
    this.#engine.close();
  }

  #step(tables: Tables): Step {
    const nowMs = Date.now() + this.#clock.ms;
    return { tables, nowMs, rules: this.#rules, engine: this.#engine, epochs: new Map(), meetingMinima: new Set() };
  }

  #read<T>(step: (step: Step) => T): T {
    this.#writes.commitOverdue();
    return this.#engine.read((tables) => step(this.#step(tables)));
  }

  /** Entries that the step appended are delivered before its outcome is returned. */
  #write<T>(step: (step: Step) => T): Promise<T> {
    return this.#writes.run((tables) => step(this.#step(tables)));
  }

  #deliver(): void {
    for (;;) {
      const { kind, entries } = this.#after(this.#delivered, READ_LOG_BATCH);
      if (kind !== 'continues') {
        this.#delivered = floorOf(0, entries);
        this.#onBreak(this.#delivered, kind);
      }
      const last = entries.at(-1);
      if (last === undefined) return;
      this.#delivered = { partition: last.partition, position: last.position, tag: last.tag };
      this.#onEntries(entries);
      if (entries.length < READ_LOG_BATCH) return;
    }
  }

  /** The entry at the position comes with those behind it, for its tag to be compared. */
  #after(at: LogPosition, count: number): LogReading {
    return this.#engine.read((tables) => {
      const [first, ...rest] = tables.logAfter(at.position - 1, count + 1);
      if (first?.position === at.position && first.tag === at.tag) return { kind: 'continues', entries: rest };
      return readingFrom(at, tables.logAfter(LOG_START.position, count));
    });
  }
}

function holdLease({ tables, nowMs }: Step, name: string, holder: string, forMs: number): boolean {
  const present = tables.lease(name);
  if (present !== undefined && present.holder !== holder && present.expireTimeMs > nowMs) return false;
  tables.putLease(name, { holder, expireTimeMs: nowMs + forMs });
  return true;
}

/** Removes what is past its discard time from the log's low end; the head entry stays. */
function trimLog(step: Step, batch: number): number {
  const entries = step.tables.logAfter(LOG_START.position, batch + 1).slice(0, -1);
  const kept = entries.findIndex(({ revocation }) => (revocation.discardTimeMs ?? Number.MAX_VALUE) >= step.nowMs);
  const trimmed = kept === -1 ? entries : entries.slice(0, kept);
  const last = trimmed.at(-1);
  if (last !== undefined) step.tables.trimLog(last.position);
  return trimmed.length;
}

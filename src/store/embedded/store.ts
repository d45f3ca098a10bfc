import type {
  ClockOffset,
  CreateCommand,
  KeyStore,
  ListQuery,
  RaiseCommand,
  ReadCommand,
  RefreshCommand,
  RevokeCommand,
  RotateCommand,
  SessionStore,
  StoreRules,
  SweepResult,
  UpdateCommand,
} from '../../domain/store.ts';
import { LOG_START, type LogEntry, type RevocationLog } from '../../revocation/log.ts';
import { create } from './create.ts';
import { list, read, sweepSessions, touch, touchIsDue } from './read.ts';
import { refresh } from './refresh.ts';
import { count, raise, revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import { announceLifetime, type Step } from './step.ts';
import type { Engine, Tables } from './tables.ts';
import { update } from './update.ts';
import type { StoredKey } from '../../token/keys.ts';

const READ_LOG_BATCH = 1000;

/**
 * The store contract over an engine in this process. Steps run synchronously, one after the other,
 * each in one transaction of the engine.
 */
export class EmbeddedStore implements SessionStore, KeyStore, RevocationLog {
  readonly #engine: Engine;
  readonly #rules: StoreRules;
  readonly #clock: ClockOffset;
  #delivered = LOG_START.position;
  #freshenedAtMs = 0;
  #listener: (entries: readonly LogEntry[]) => void = () => {};

  constructor(engine: Engine, rules: StoreRules, clock: ClockOffset) {
    this.#engine = engine;
    this.#rules = rules;
    this.#clock = clock;
    this.#announce();
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
      return { outcome, due: touchIsDue(step, command, outcome) };
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
    this.#announce();
    const sessions = this.#write((step) => sweepSessions(step, batch));
    const requests = this.#write((step) => step.tables.deleteRequestsDue(step.nowMs, batch));
    const epochs = this.#write((step) => step.tables.deleteEpochsDue(step.nowMs, batch));
    const logEntries = this.#write((step) => trimLog(step, batch));
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
    this.#write((step) => step.tables.insertKeyIfAbsent(key));
  }

  follow(listener: (entries: readonly LogEntry[]) => void): void {
    this.#listener = listener;
    this.#delivered = LOG_START.position;
    this.#deliver();
  }

  /** Looks for other processes' entries at most once a millisecond. */
  freshen(): number {
    const nowMs = Date.now();
    if (nowMs !== this.#freshenedAtMs) {
      this.#freshenedAtMs = nowMs;
      if (this.#engine.changedElsewhere()) this.#deliver();
    }
    return 0;
  }

  close(): void {
    this.#engine.close();
  }

  /** Answers about opaque tokens, which issue nothing, are reused for as long as an access token lives. */
  #announce(): void {
    this.#write((step) => announceLifetime(step, 'access_token', this.#rules.accessTokenTtlMs));
  }

  #step(tables: Tables): Step {
    return { tables, nowMs: Date.now() + this.#clock.ms, rules: this.#rules, engine: this.#engine };
  }

  #read<T>(step: (step: Step) => T): T {
    return this.#engine.read((tables) => step(this.#step(tables)));
  }

  /** Entries that the step appended are delivered before its outcome is returned. */
  #write<T>(step: (step: Step) => T): T {
    const { outcome, head } = this.#engine.write((tables) => {
      const outcome = step(this.#step(tables));
      return { outcome, head: tables.logHead() };
    });
    if (head.position > this.#delivered) this.#deliver();
    return outcome;
  }

  #deliver(): void {
    for (;;) {
      const entries = this.#engine.read((tables) => tables.logAfter(this.#delivered, READ_LOG_BATCH));
      const last = entries.at(-1);
      if (last === undefined) return;
      this.#delivered = last.position;
      this.#listener(entries);
    }
  }
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

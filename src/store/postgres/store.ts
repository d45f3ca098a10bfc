import type {
  CountOutcome,
  CreateCommand,
  CreateOutcome,
  ExceptFault,
  KeyStore,
  Lease,
  ListQuery,
  RaiseCommand,
  RaiseOutcome,
  ReadCommand,
  ReadOutcome,
  RefreshCommand,
  RefreshOutcome,
  RevokeCommand,
  RevokeOutcome,
  RotateCommand,
  RotateOutcome,
  SessionRecord,
  SessionStore,
  SweepResult,
  UpdateCommand,
  UpdateOutcome,
} from '../../domain/store.ts';
import type { Device } from '../../domain/session.ts';
import { LogFollower, type LogSource } from '../../revocation/follower.ts';
import type { BreakListener, EntriesListener, LogPosition, LogReading, RevocationLog } from '../../revocation/log.ts';
import type { StoredKey } from '../../token/keys.ts';
import { type Row, toStoredKey } from '../rows.ts';
import { toSessionError } from './faults.ts';
import { LogHints } from './hints.ts';
import { listStatement } from './list.ts';
import type { PostgresPool, Statement } from './pool.ts';
import { RevokeBatches, type Revoked } from './revoke_batches.ts';
import {
  exceptValue,
  newSessionJson,
  refValues,
  revocationsJson,
  rotationJson,
  scopeValues,
  timeText,
  uuidOf,
} from './commands.ts';
import { type OutcomeRow, type SessionRow, type StatusRow, toBegun, toEntries, toRecord } from './rows.ts';
import { STATEMENTS } from './statements.ts';

/** What the store is made of. */
export interface PostgresParts {
  readonly pool: PostgresPool;
  readonly source: LogSource;
  /** The rules as every step is given them. */
  readonly rulesText: () => string;
  readonly storeId: string;
  /** Of this instance, in this process. */
  readonly instanceId: string;
}

/** The store contract over PostgreSQL. Each step is one function of the database, called in one round trip. */
export class PostgresStore implements SessionStore, KeyStore, RevocationLog, Lease {
  readonly partitions: number;
  readonly storeId: string;
  readonly #pool: PostgresPool;
  readonly #rulesText: () => string;
  readonly #instanceId: string;
  readonly #source: LogSource;
  readonly #follower: LogFollower;
  readonly #hints: LogHints;
  readonly #revokes: RevokeBatches;

  constructor({ pool, source, rulesText, storeId, instanceId }: PostgresParts) {
    this.storeId = storeId;
    this.partitions = source.partitions;
    this.#pool = pool;
    this.#rulesText = rulesText;
    this.#instanceId = instanceId;
    this.#source = source;
    this.#follower = new LogFollower(source);
    this.#hints = new LogHints(pool, storeId, instanceId);
    this.#revokes = new RevokeBatches((commands, giveUpAtMs) => this.#revokeAll(commands, giveUpAtMs));
  }

  async create({ session, request, replaceDeviceSessions }: CreateCommand): Promise<CreateOutcome> {
    const values = [newSessionJson(session), replaceDeviceSessions, request?.key ?? null, request?.hash ?? null];
    return toBegun<CreateOutcome>(await this.#step(STATEMENTS.create, values));
  }

  async refresh(command: RefreshCommand): Promise<RefreshOutcome> {
    const { device } = command;
    const row = await this.#step(STATEMENTS.refresh, [
      uuidOf(command.sessionId),
      command.tenantIds,
      command.clientId,
      command.nonce,
      command.generation,
      command.keyId,
      command.requestId,
      command.requestHash,
      device?.deviceId ?? '',
      device?.name ?? '',
      device?.userAgent ?? '',
      device?.ipAddress ?? '',
      command.claims,
    ]);
    const kind = row.kind as RefreshOutcome['kind'];
    switch (kind) {
      case 'rotated':
      case 'replayed':
        return {
          kind,
          record: toRecord(row),
          previousDevice: row.previous_device as Device,
          nowMs: Date.parse(row.at_time),
        };
      case 'reused':
        return { kind, tenantId: toRecord(row).session.tenantId };
      case 'request_reused':
      case 'expired':
      case 'revoked':
      case 'unknown':
        return { kind };
    }
  }

  async read(command: ReadCommand): Promise<ReadOutcome> {
    const row = await this.#step(STATEMENTS.read, [...refValues(command), command.touch]);
    return row.kind === 'found'
      ? { kind: 'found', record: toRecord(row), nowMs: Date.parse(row.at_time) }
      : { kind: 'unknown' };
  }

  async list(query: ListQuery): Promise<readonly SessionRecord[]> {
    const { text, values } = listStatement(query, this.#rulesText());
    // Its text depends on the query: preparing each would fill the server's memory.
    return (await this.#pool.run<{ session: SessionRow; status: StatusRow }>({ name: '', text }, values)).map(toRecord);
  }

  async update(command: UpdateCommand): Promise<UpdateOutcome> {
    const { claims, data } = command;
    const row = await this.#step(STATEMENTS.update, [
      ...refValues(command.ref),
      claims?.kind ?? null,
      claims?.json ?? null,
      data?.kind ?? null,
      data?.json ?? null,
      command.deviceName,
      command.version,
      command.supersedeAccessTokens,
    ]);
    const kind = row.kind as UpdateOutcome['kind'];
    switch (kind) {
      case 'updated':
        return {
          kind,
          record: toRecord(row),
          head: (row.result as { head: LogPosition | null }).head,
          nowMs: Date.parse(row.at_time),
        };
      case 'too_large':
        return { kind, field: (row.result as { field: 'claims' | 'data' }).field };
      case 'etag_mismatch':
      case 'ended':
      case 'unknown':
        return { kind };
    }
  }

  async rotate(command: RotateCommand): Promise<RotateOutcome> {
    const { request } = command;
    const values = [...refValues(command.ref), rotationJson(command), request?.key ?? null, request?.hash ?? null];
    return toBegun<RotateOutcome>(await this.#step(STATEMENTS.rotate, values));
  }

  revoke(command: RevokeCommand): Promise<RevokeOutcome> {
    return this.#revokes.revoke(command);
  }

  async raise(command: RaiseCommand): Promise<RaiseOutcome> {
    const { request } = command;
    const row = await this.#step(STATEMENTS.raise, [
      ...scopeValues(command.scope),
      command.reason,
      exceptValue(command),
      timeText(command.denyCreateUntilMs),
      command.deviceId,
      timeText(command.createTimeBeforeMs),
      request?.key ?? null,
      request?.hash ?? null,
    ]);
    const kind = row.kind as 'done' | 'repeated' | 'request_reused' | ExceptFault['kind'];
    if (kind !== 'done' && kind !== 'repeated') return { kind };
    const { count, head } = row.result as { count: number | null; head: LogPosition };
    return { kind: 'done', repeated: kind === 'repeated', count, head };
  }

  async count(command: RaiseCommand): Promise<CountOutcome> {
    const { scope, deviceId, createTimeBeforeMs } = command;
    const [rules, named, except] = [this.#rulesText(), scopeValues(scope), exceptValue(command)];
    const [checked] = await this.#pool.run<{ fault: ExceptFault['kind'] | null }>(STATEMENTS.exceptFault, [
      rules,
      ...named,
      except,
    ]);
    if (checked?.fault != null) return { kind: checked.fault };
    const [, tenantId, subject] = named;
    const [counted] =
      scope.kind === 'user'
        ? await this.#pool.run<{ live: number }>(STATEMENTS.countSelected, [
            rules,
            ...named,
            except,
            deviceId,
            timeText(createTimeBeforeMs),
          ])
        : await this.#pool.run<{ live: number }>(STATEMENTS.countLive, [rules, tenantId || null, subject || null]);
    return { kind: 'counted', count: counted?.live ?? 0 };
  }

  async sweep(batch: number): Promise<SweepResult> {
    const [row] = await this.#pool.run<Omit<SweepResult, 'logEntries'> & { log_entries: number }>(STATEMENTS.sweep, [
      this.#rulesText(),
      batch,
    ]);
    if (row === undefined) throw new Error('nest_auth_sweep gives one row');
    const { log_entries: logEntries, ...removed } = row;
    return { ...removed, logEntries };
  }

  async holdLease(name: string, forMs: number): Promise<boolean> {
    return (await this.#pool.run(STATEMENTS.holdLease, [this.#rulesText(), name, this.#instanceId, forMs])).length > 0;
  }

  async keys(): Promise<readonly StoredKey[]> {
    return (await this.#pool.run<Row>(STATEMENTS.keys, [])).map(toStoredKey);
  }

  async insertKeyIfAbsent({
    use,
    sequence,
    keyId,
    algorithm,
    publicJwk,
    sealed,
    activeTimeMs,
  }: StoredKey): Promise<void> {
    const values = [use, sequence, keyId, algorithm, publicJwk, Buffer.from(sealed), activeTimeMs];
    await this.#pool.run(STATEMENTS.insertKey, values);
  }

  follow(onEntries: EntriesListener, onBreak?: BreakListener): void {
    this.#follower.follow(onEntries, onBreak);
    this.#hints.listen(() => this.#follower.hint(0));
  }

  after(position: LogPosition, count: number): Promise<LogReading> {
    return this.#source.after(position, count);
  }

  freshen(): number {
    return this.#follower.stalenessMs();
  }

  async close(): Promise<void> {
    this.#follower.stop();
    await Promise.all([this.#hints.close(), this.#pool.close()]);
  }

  /** Entries that the step appended are delivered before its outcome is returned. */
  async #step(statement: Statement, values: readonly unknown[]): Promise<OutcomeRow> {
    const [row] = await this.#pool.run<{ outcome: OutcomeRow }>(statement, [this.#rulesText(), ...values]);
    if (row === undefined) throw new Error(`${statement.name} gives one row`);
    await this.#deliver(row.outcome);
    return row.outcome;
  }

  async #revokeAll(commands: readonly RevokeCommand[], giveUpAtMs: number): Promise<Revoked> {
    const values = [this.#rulesText(), revocationsJson(commands)];
    const [row] = await this.#pool.tryRun<{ outcome: OutcomeRow }>(STATEMENTS.revoke, values, giveUpAtMs);
    if (row === undefined) throw new Error('nest_auth_revoke gives one row');
    const outcomes = row.outcome.result as readonly RevokeOutcome[];
    return { outcomes, delivered: this.#deliver(row.outcome) };
  }

  async #deliver({ entries }: OutcomeRow): Promise<void> {
    if (entries !== null) this.#hints.tell();
    try {
      await this.#follower.deliverOwn(0, toEntries(entries));
    } catch (error) {
      // It is done, but other instances' entries before it could not be read: whoever asks again is told.
      throw toSessionError(error);
    }
  }
}

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
import { LogFollower, type LogSource } from '../../revocation/follower.ts';
import type { BreakListener, EntriesListener, LogPosition, LogReading, RevocationLog } from '../../revocation/log.ts';
import type { StoredKey } from '../../token/keys.ts';
import { type Row, toStoredKey } from '../rows.ts';
import { LogHints } from './hints.ts';
import { listStatement } from './list.ts';
import type { PostgresPool } from './pool.ts';
import { exceptValue, refValues, rotationJson, scopeValues, timeText } from './commands.ts';
import { type SessionRow, type StatusRow, toBegun, toRecord } from './rows.ts';
import { STATEMENTS } from './statements.ts';
import { Steps } from './steps.ts';

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
  readonly #steps: Steps;

  constructor({ pool, source, rulesText, storeId, instanceId }: PostgresParts) {
    this.storeId = storeId;
    this.partitions = source.partitions;
    this.#pool = pool;
    this.#rulesText = rulesText;
    this.#instanceId = instanceId;
    this.#source = source;
    this.#follower = new LogFollower(source);
    this.#hints = new LogHints(pool, storeId, instanceId);
    this.#steps = new Steps({ pool, rulesText, follower: this.#follower, hints: this.#hints });
  }

  create(command: CreateCommand): Promise<CreateOutcome> {
    return this.#steps.creates.do(command);
  }

  refresh(command: RefreshCommand): Promise<RefreshOutcome> {
    return this.#steps.refreshes.do(command);
  }

  read(command: ReadCommand): Promise<ReadOutcome> {
    return this.#steps.reads.do(command);
  }

  async list(query: ListQuery): Promise<readonly SessionRecord[]> {
    const { text, values } = listStatement(query, this.#rulesText());
    // Its text depends on the query: preparing each would fill the server's memory.
    return (await this.#pool.run<{ session: SessionRow; status: StatusRow }>({ name: '', text }, values)).map(toRecord);
  }

  async update(command: UpdateCommand): Promise<UpdateOutcome> {
    const { claims, data } = command;
    const row = await this.#steps.run(STATEMENTS.update, [
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
    return toBegun<RotateOutcome>(await this.#steps.run(STATEMENTS.rotate, values));
  }

  revoke(command: RevokeCommand): Promise<RevokeOutcome> {
    return this.#steps.revokes.do(command);
  }

  async raise(command: RaiseCommand): Promise<RaiseOutcome> {
    const { request } = command;
    const row = await this.#steps.run(STATEMENTS.raise, [
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
}

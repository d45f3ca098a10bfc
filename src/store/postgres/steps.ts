import type {
  CreateCommand,
  CreateOutcome,
  ReadCommand,
  ReadOutcome,
  RefreshCommand,
  RefreshOutcome,
  RevokeCommand,
  RevokeOutcome,
} from '../../domain/store.ts';
import type { LogFollower } from '../../revocation/follower.ts';
import {
  createNames,
  createsJson,
  createValues,
  readsJson,
  readValues,
  refreshesJson,
  refreshValues,
  revocationsJson,
} from './commands.ts';
import { toSessionError } from './faults.ts';
import type { LogHints } from './hints.ts';
import type { PostgresPool, Statement } from './pool.ts';
import { type OutcomeRow, toBegun, toEntries, toRead, toRefreshed } from './rows.ts';
import { STATEMENTS } from './statements.ts';
import { StepBatches } from './step_batches.ts';

/** What a batch and its answer may hold is bounded by this many times the LIMITS of a session: a few MiB. */
const MAX_BATCH = 64;
/** Revocations carry no data of sessions. */
const MAX_REVOKES = 256;
/** While the server works on one batch the next is made ready, and a connection that hangs does not stop all. */
const LANES = 2;

/** What steps are run with. */
export interface StepParts {
  readonly pool: PostgresPool;
  /** The rules as every step is given them. */
  readonly rulesText: () => string;
  readonly follower: LogFollower;
  readonly hints: LogHints;
}

/** Commands of one kind: many at once by `each`; what that leaves, one by one by `one`. */
interface StepKind<C, O> {
  readonly each: Statement;
  readonly commandsJson: (commands: readonly C[]) => string;
  readonly one: Statement;
  readonly values: (command: C) => readonly unknown[];
  readonly outcome: (row: OutcomeRow) => O;
  readonly names: (command: C) => readonly string[];
}

/** Runs steps. Entries that one appended are delivered before its outcome is given. */
export class Steps {
  readonly creates: StepBatches<CreateCommand, CreateOutcome>;
  readonly refreshes: StepBatches<RefreshCommand, RefreshOutcome>;
  readonly reads: StepBatches<ReadCommand, ReadOutcome>;
  readonly revokes: StepBatches<RevokeCommand, RevokeOutcome>;
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.creates = this.#batches({
      each: STATEMENTS.createEach,
      commandsJson: createsJson,
      one: STATEMENTS.create,
      values: createValues,
      outcome: toBegun<CreateOutcome>,
      names: createNames,
    });
    this.refreshes = this.#batches({
      each: STATEMENTS.refreshEach,
      commandsJson: refreshesJson,
      one: STATEMENTS.refresh,
      values: refreshValues,
      outcome: toRefreshed,
      names: ({ sessionId }) => [sessionId],
    });
    this.reads = this.#batches({
      each: STATEMENTS.readEach,
      commandsJson: readsJson,
      one: STATEMENTS.read,
      values: readValues,
      outcome: toRead,
      names: () => [],
    });
    this.revokes = new StepBatches({
      run: (commands, giveUpAtMs) => this.#revoke(commands, giveUpAtMs),
      runAlone: async (command, giveUpAtMs) => (await this.#revoke([command], giveUpAtMs))[0] as RevokeOutcome,
      names: ({ ref, request }) => (request === null ? [ref.sessionId] : [ref.sessionId, request.key]),
      size: MAX_REVOKES,
      lanes: LANES,
    });
  }

  /** @throws {SessionError} STORE_UNAVAILABLE */
  async run(statement: Statement, values: readonly unknown[]): Promise<OutcomeRow> {
    try {
      return await this.#tryRun(statement, values);
    } catch (error) {
      throw toSessionError(error);
    }
  }

  /** The same, with the driver's own errors. */
  async #tryRun(statement: Statement, values: readonly unknown[], giveUpAtMs?: number): Promise<OutcomeRow> {
    const { pool, rulesText } = this.#parts;
    const [row] = await pool.tryRun<{ outcome: OutcomeRow }>(statement, [rulesText(), ...values], giveUpAtMs);
    if (row === undefined) throw new Error(`${statement.name} gives one row`);
    await this.#deliver(row.outcome);
    return row.outcome;
  }

  /** What appends to the log is left for a step of its own. */
  #batches<C, O>({ each, commandsJson, one, values, outcome, names }: StepKind<C, O>): StepBatches<C, O> {
    const { pool, rulesText } = this.#parts;
    return new StepBatches({
      run: async (commands, giveUpAtMs) => {
        const asked = [rulesText(), commandsJson(commands)];
        const [row] = await pool.tryRun<{ outcomes: readonly (OutcomeRow | null)[] }>(each, asked, giveUpAtMs);
        if (row === undefined) throw new Error(`${each.name} gives one row`);
        return row.outcomes.map((done) => (done === null ? null : outcome(done)));
      },
      runAlone: async (command, giveUpAtMs) => outcome(await this.#tryRun(one, values(command), giveUpAtMs)),
      names,
      size: MAX_BATCH,
      lanes: LANES,
    });
  }

  async #revoke(commands: readonly RevokeCommand[], giveUpAtMs: number): Promise<readonly RevokeOutcome[]> {
    const { result } = await this.#tryRun(STATEMENTS.revoke, [revocationsJson(commands)], giveUpAtMs);
    return result as readonly RevokeOutcome[];
  }

  async #deliver({ entries }: OutcomeRow): Promise<void> {
    const { follower, hints } = this.#parts;
    if (entries !== null) hints.tell();
    try {
      await follower.deliverOwn(0, toEntries(entries));
    } catch (error) {
      // It is done, but other instances' entries before it could not be read: whoever asks again is told.
      throw toSessionError(error);
    }
  }
}

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
import { LogFollower } from '../../revocation/follower.ts';
import type {
  BreakListener,
  EntriesListener,
  LogEntry,
  LogPosition,
  LogReading,
  RevocationLog,
} from '../../revocation/log.ts';
import type { StoredKey } from '../../token/keys.ts';
import { type Client, closeClient, openClient } from './client.ts';
import { within } from './fault.ts';
import { Fences } from './fence.ts';
import { keysOf, type PartitionKeys } from './keys.ts';
import type { RedisLocation, RedisOptions } from './location.ts';
import { openStore, type StoreIdentity } from './open.ts';
import { count, raise } from './raise.ts';
import { rotate } from './rotate.ts';
import { list, number, toEntries, toHealed } from './rows.ts';
import { newTagSeed, Runner, type RunnerParts } from './runner.ts';
import { create, listSessions, read, refresh, revoke, update } from './session_steps.ts';

/** Hints tell of what is appended; one may be lost with its connection. */
const POLL_MS = 500;

/** Opens a store on Redis; throws an error of one line where something is not as it must be. */
export async function openRedisStore(
  location: RedisLocation,
  options: RedisOptions,
  rules: StoreRules,
  clock: ClockOffset,
): Promise<RedisStore> {
  const keys = keysOf(options.keyPrefix, options.partitions);
  const client = openClient(location, options.sentinel);
  const opened = [client];
  try {
    const identity = await openStore(client, keys, clock);
    opened.push(openClient(location, options.sentinel), openClient(location, options.sentinel));
    const [, fencing = client, subscriber = client] = opened;
    const store = new RedisStore({ client, fencing, subscriber }, { location, options, identity, keys, rules, clock });
    await store.announce();
    return store;
  } catch (error) {
    for (const each of opened) closeClient(each);
    throw error;
  }
}

interface Clients {
  readonly client: Client;
  /** A WAIT keeps everybody waiting behind it. */
  readonly fencing: Client;
  readonly subscriber: Client;
}

interface StoreParts {
  readonly location: RedisLocation;
  readonly options: RedisOptions;
  readonly identity: StoreIdentity;
  readonly keys: ReturnType<typeof keysOf>;
  readonly rules: StoreRules;
  readonly clock: ClockOffset;
}

/** Sessions in Redis: one script for each step, over the keys of one partition. */
export class RedisStore implements SessionStore, KeyStore, RevocationLog, Lease {
  readonly storeId: string;
  readonly partitions: number;
  readonly #clients: Clients;
  readonly #rules: StoreRules;
  readonly #parts: RunnerParts;
  readonly #follower: LogFollower;
  readonly #owner = randomUUID();
  /** Where the next sweep begins. */
  #sweepFrom = 0;

  constructor(clients: Clients, { location, options, identity, keys, rules, clock }: StoreParts) {
    const { client, fencing, subscriber } = clients;
    this.storeId = identity.storeId;
    this.partitions = keys.partitions.length;
    this.#clients = clients;
    this.#rules = rules;
    const lasting = [rules.accessTokenTtlMs, rules.maxAbsoluteTimeoutMs, rules.endedSessionRetentionMs].map(String);
    const instance = newTagSeed();
    let calls = 0;
    const context = () => {
      const tagSeed = `${instance}${(calls += 1)}`;
      return [identity.storeId, String(identity.birthTimeMs), String(Math.trunc(clock.ms)), tagSeed, ...lasting];
    };
    const fences = new Fences({
      client: fencing,
      context,
      waitReplicas: options.waitReplicas,
      alwaysReplicated: location.kind === 'redis-sentinel',
    });
    this.#follower = new LogFollower({
      partitions: keys.partitions.length,
      pollMs: POLL_MS,
      after: (position, count) => this.after(position, count),
      headTag: (partition) => client.hget(this.#partition(partition).state, 'tag'),
      heal: (partition, lost) => this.#heal(partition, lost),
      fencedHeads: () => this.#fencedHeads(),
    });
    this.#parts = { client, keys, fences, follower: this.#follower, context };
    subscriber.on('message', (channel: string, appender: string) => {
      // What this one has appended comes with the answer to the step.
      if (appender !== instance) this.#follower.hint(keys.partitions.findIndex(({ log }) => log === channel));
    });
  }

  create(command: CreateCommand) {
    return this.#run((runner) => create(runner, this.#rules, command));
  }

  refresh(command: RefreshCommand) {
    return this.#run((runner) => refresh(runner, this.#rules, command));
  }

  read(command: ReadCommand) {
    return this.#run((runner) => read(runner, this.#rules, command));
  }

  list(query: ListQuery) {
    return this.#run((runner) => listSessions(runner, query));
  }

  update(command: UpdateCommand) {
    return this.#run((runner) => update(runner, command));
  }

  rotate(command: RotateCommand) {
    return this.#run((runner) => rotate(runner, this.#rules, command));
  }

  revoke(command: RevokeCommand) {
    return this.#run((runner) => revoke(runner, command));
  }

  raise(command: RaiseCommand) {
    return this.#run((runner) => raise(runner, command));
  }

  count(command: RaiseCommand) {
    return this.#run((runner) => count(runner, command));
  }

  /** Requests and epochs are forgotten by Redis itself, and so are sessions that nobody sweeps. */
  async sweep(batch: number): Promise<SweepResult> {
    const { partitions } = this.#parts.keys;
    const from = this.#sweepFrom;
    this.#sweepFrom = (from + 1) % partitions.length;
    const total = { sessions: 0, requests: 0, epochs: 0, logEntries: 0, more: false };
    for (const partition of [...partitions.slice(from), ...partitions.slice(0, from)]) {
      const left = { sessions: batch - total.sessions, entries: batch - total.logEntries };
      const [sessions, entries, looked] = await this.#run(async (runner) => {
        return (await runner.run(partition, 'sweep', left)).rest.map(number);
      });
      total.sessions += sessions ?? 0;
      total.logEntries += entries ?? 0;
      const isFull = left.sessions > 0 && looked === left.sessions;
      total.more ||= isFull || total.sessions === batch || total.logEntries === batch;
    }
    return total;
  }

  /** Tells every partition of this instance's lifetimes. */
  async announce(): Promise<void> {
    await Promise.all(
      this.#parts.keys.partitions.map((partition) =>
        this.#run((runner) => runner.run(partition, 'sweep', { sessions: 0, entries: 0 })),
      ),
    );
  }

  async keys(): Promise<readonly StoredKey[]> {
    return this.#run(async () => {
      const stored = await this.#clients.client.hvals(this.#firstPartition().signingKeys);
      return stored.map(toStoredKey);
    });
  }

  async insertKeyIfAbsent(key: StoredKey): Promise<void> {
    await this.#run(async ({ deadlineMs }) => {
      const first = this.#firstPartition();
      const sealed = Buffer.from(key.sealed).toString('base64');
      const json = JSON.stringify({ ...key, sealed });
      await this.#clients.client.hsetnx(first.signingKeys, `${key.use}:${key.sequence}`, json);
      await this.#parts.fences.confirm(first, null, deadlineMs);
    });
  }

  async holdLease(name: string, forMs: number): Promise<boolean> {
    return this.#run(async (runner) => {
      const step = await runner.run(this.#firstPartition(), 'hold_lease', { name, owner: this.#owner, forMs });
      return step.rest[0] === 1;
    });
  }

  follow(onEntries: EntriesListener, onBreak?: BreakListener): void {
    this.#follower.follow(onEntries, onBreak);
    const { subscriber } = this.#clients;
    const channels = this.#parts.keys.partitions.map(({ log }) => log);
    const subscribe = () => void subscriber.subscribe(...channels).catch(() => {});
    if (subscriber.status === 'ready') subscribe();
    subscriber.on('ready', subscribe);
  }

  freshen(): number {
    return this.#follower.stalenessMs();
  }

  after({ partition, position, tag }: LogPosition, count: number): Promise<LogReading> {
    return this.#run(async (runner) => {
      const step = await runner.run(this.#partition(partition), 'log_after', { position, tag, count });
      const kind = step.kind === 'compacted' || step.kind === 'truncated' ? step.kind : 'continues';
      return { kind, entries: toEntries(partition, list(step.rest[0])) };
    });
  }

  close(): void {
    this.#follower.stop();
    for (const client of Object.values(this.#clients) as Client[]) closeClient(client);
  }

  #run<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    const runner = new Runner(this.#parts);
    return within(runner.deadlineMs, work(runner));
  }

  /** Every instance that held them may come with them. */
  async #heal(partition: number, lost: readonly LogEntry[]): Promise<void> {
    const entries = lost.map(({ tag, revocation }) => ({ tag, ...toHealed(revocation) }));
    await this.#run((runner) => runner.run(this.#partition(partition), 'heal', { entries }));
  }

  #fencedHeads(): Promise<readonly LogPosition[]> {
    return this.#run((runner) =>
      Promise.all(this.#parts.keys.partitions.map((partition) => runner.fencedHead(partition))),
    );
  }

  #firstPartition(): PartitionKeys {
    return this.#partition(0);
  }

  #partition(index: number): PartitionKeys {
    const partition = this.#parts.keys.partitions[index];
    if (partition === undefined) throw new RangeError('there is no such partition');
    return partition;
  }
}

function toStoredKey(json: string): StoredKey {
  const key = JSON.parse(json) as Omit<StoredKey, 'sealed'> & { readonly sealed: string };
  return { ...key, sealed: Buffer.from(key.sealed, 'base64') };
}

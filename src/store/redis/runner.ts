import { randomUUID } from 'node:crypto';
import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import { ownerBits } from '../../domain/session_id.ts';
import type { LogFollower } from '../../revocation/follower.ts';
import type { LogPosition } from '../../revocation/log.ts';
import type { Client } from './client.ts';
import type { Fences } from './fence.ts';
import { type Keys, type PartitionKeys, partitionOf } from './keys.ts';
import { runScript } from './link.ts';
import type { Reply } from './rows.ts';
import { SCRIPTS, type ScriptName } from './scripts.ts';
import { type Step, toJson, toStep } from './step.ts';

type Command = Readonly<Record<string, unknown>>;

/** Tokens are signed for what these answer. */
const ISSUING: ReadonlySet<ScriptName> = new Set(['create', 'refresh', 'rotate', 'login_begin', 'login_enter']);

/** What steps are run with. */
export interface RunnerParts {
  readonly client: Client;
  readonly keys: Keys;
  readonly fences: Fences;
  readonly follower: LogFollower;
  /** What every script is given before its command. */
  readonly context: () => readonly string[];
}

/**
 * Runs the steps of one operation, all within its deadline. What a step appends to the log is delivered here before the
 * step is answered, and confirmed.
 */
export class Runner {
  readonly deadlineMs = performance.now() + STORE_DEADLINE_MS;
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  get partitions(): readonly PartitionKeys[] {
    return this.#parts.keys.partitions;
  }

  /** The partition of a session. */
  partitionOf(sessionId: string): PartitionKeys {
    return this.#partition(partitionOf(sessionId, this.partitions.length));
  }

  partitionOfUser(tenantId: string, userId: string): PartitionKeys {
    return this.#partition(ownerBits(tenantId, userId) % this.partitions.length);
  }

  /** A step whose outcome acknowledges a revocation only where it has appended one. */
  async run(partition: PartitionKeys, script: ScriptName, command: Command): Promise<Step> {
    const { client } = this.#parts;
    const running = runScript(client, partition, SCRIPTS[script], this.#args(command), this.deadlineMs);
    // What follows the log itself tries again when it is time.
    const reply = script === 'log_after' ? await running : await this.#lookIfFailed(partition, running);
    const step = toStep(partition.index, reply);
    if (step.appended.length > 0) await Promise.all([this.confirm(step.head), this.#deliver(step)]);
    else if (ISSUING.has(script)) await this.#confirmMaster(partition);
    return step;
  }

  /** A master that was deposed must not issue tokens beyond what the discard time of a revocation allows for. */
  async #confirmMaster(partition: PartitionKeys): Promise<void> {
    const { follower, fences } = this.#parts;
    if (follower.stalenessMs() <= STORE_DEADLINE_MS) return;
    await fences.confirm(partition, null, this.deadlineMs);
  }

  /**
   * A step that acknowledges a revocation whatever it finds: one that was there before counts as well. Where it appends
   * nothing it may be run twice.
   */
  async runFenced(partition: PartitionKeys, script: ScriptName, command: Command): Promise<Step> {
    const appendedIn = (reply: Reply) => {
      const { appended, head } = toStep(partition.index, reply);
      return appended.length > 0 ? head : null;
    };
    const { fences } = this.#parts;
    const writing = fences.write(partition, SCRIPTS[script], this.#args(command), this.deadlineMs, appendedIn);
    const reply = await this.#lookIfFailed(partition, writing);
    const step = toStep(partition.index, reply);
    await this.#deliver(step);
    return step;
  }

  /** A step that may be run twice, and sees whatever was acknowledged before. */
  async readFenced(partition: PartitionKeys, script: ScriptName, command: Command): Promise<Step> {
    const { fences } = this.#parts;
    const reply = await fences.read(partition, SCRIPTS[script], this.#args(command), this.deadlineMs);
    return toStep(partition.index, reply);
  }

  /** Confirms that an entry will outlast a failover. */
  async confirm(head: LogPosition | null): Promise<void> {
    if (head !== null) await this.#parts.fences.confirm(this.#partition(head.partition), head, this.deadlineMs);
  }

  /** The head of a partition's log, on a server whose replicas have it. */
  async fencedHead(partition: PartitionKeys): Promise<LogPosition> {
    const reply = await this.#parts.fences.confirm(partition, null, this.deadlineMs);
    return toStep(partition.index, reply).head;
  }

  /** Of what it has appended an instance is told by the answer alone: without one, it reads the log. */
  async #lookIfFailed(partition: PartitionKeys, running: Promise<Reply>): Promise<Reply> {
    try {
      return await running;
    } catch (error) {
      this.#parts.follower.hint(partition.index);
      throw error;
    }
  }

  #deliver({ head, appended }: Step): Promise<void> {
    return this.#parts.follower.deliverOwn(head.partition, appended);
  }

  #args(command: Command): readonly string[] {
    return [...this.#parts.context(), toJson(command)];
  }

  #partition(index: number): PartitionKeys {
    const partition = this.partitions[index];
    if (partition === undefined) throw new RangeError(`there is no partition ${index}`);
    return partition;
  }
}

/** Random hex, from which a script makes the tags of what it appends. */
export function newTagSeed(): string {
  return randomUUID().replaceAll('-', '');
}

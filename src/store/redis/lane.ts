import { Redis } from 'ioredis';
import type { LogPosition } from '../../revocation/log.ts';
import { type Client, hasReplica, nodeOf } from './client.ts';
import { isNoScript, notReplicated } from './fault.ts';
import type { PartitionKeys } from './keys.ts';
import { list, type Reply } from './rows.ts';
import { type Script, SCRIPTS } from './scripts.ts';

/** How long one WAIT may take; two of them, one behind the other, are within the store's deadline. */
const WAIT_MS = 1_500;

export type Head = Pick<LogPosition, 'position' | 'tag'>;

/** What is to be confirmed together with others on the same server. */
export interface Item {
  readonly partition: PartitionKeys;
  /** Run on the connection that is fenced, just before. */
  readonly step: { readonly script: Script; readonly args: readonly string[] } | null;
  /** What the log must still hold. */
  readonly head: Head | null;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (fault: StepFault) => void;
}

/** Whether the step itself was answered, and how; a fault without a reply leaves its outcome unknown. */
export class StepFault extends Error {
  readonly reply: Reply | undefined;

  constructor(cause: unknown, reply?: Reply) {
    super('not confirmed', { cause });
    this.reply = reply;
  }
}

export const LOST = new Error('the log does not hold what was appended to it');

export interface FenceOptions {
  readonly client: Client;
  /** What every script is given before its command. */
  readonly context: () => readonly string[];
  /** How many replicas must have it; null = half of those that were ever connected. */
  readonly waitReplicas: number | null;
  /** A server of this kind has one at least, connected or not. */
  readonly alwaysReplicated: boolean;
}

/** One connection, on which one round follows the other. */
export class Lane {
  readonly #node: Redis;
  readonly #options: FenceOptions;
  #waiting: Item[] = [];
  #isRunning = false;
  /** As the server said last. */
  #isMaster = false;
  #mostOnline = 0;
  /** By the last WAIT: for how many it waited, and how many came. */
  #requested = 0;
  #acknowledged = 0;
  /** The server does not know the scripts by their digests. */
  #sendsText = false;

  constructor(node: Redis, options: FenceOptions) {
    this.#node = node;
    this.#options = options;
  }

  add(item: Omit<Item, 'resolve' | 'reject'>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...item, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      // Whatever comes in this turn of the event loop is of the same round.
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#waiting;
      this.#waiting = [];
      await this.#confirm(round).catch((error: unknown) => {
        for (const item of round) item.reject(new StepFault(error));
      });
    }
    this.#isRunning = false;
  }

  async #confirm(round: readonly Item[]): Promise<void> {
    const partitions = [...new Set(round.map(({ partition }) => partition))];
    const fences = fencesOf(round);
    const { replies, fenced } = await this.#send(round, fences);
    if ([...fenced.values()].every(({ error }) => error !== null) && fences.size < partitions.length) {
      // It says nothing of the other partitions.
      const others = partitions.filter((partition) => !fences.has(partition));
      const { fenced: each } = await this.#send([], new Map(others.map((partition) => [partition, []])));
      for (const [partition, answer] of each) fenced.set(partition, answer);
    }
    const fault = await this.#replicationFault(partitions);
    for (const item of round) settle(item, replies.get(item), fenced.get(item.partition), fences, fault);
  }

  /** One pipeline: steps, fences, and last the server's role and the WAIT. */
  async #send(round: readonly Item[], fences: FencedHeads) {
    const pipeline = this.#node.pipeline();
    const steps = round.filter(({ step }) => step !== null);
    for (const { partition, step } of steps) {
      if (step !== null) pipeline.callBuffer(...this.#call(partition, step.script, step.args));
    }
    for (const [partition, heads] of fences) {
      const command = JSON.stringify({ heads: heads.map(({ position, tag }) => [position, tag]) });
      pipeline.callBuffer(...this.#call(partition, SCRIPTS.fence, [...this.#options.context(), command]));
    }
    pipeline.call('ROLE');
    this.#requested = this.#required([]);
    if (this.#requested > 0) pipeline.call('WAIT', String(this.#requested), String(WAIT_MS));
    const answers = ((await pipeline.exec()) ?? []).map(([error, value]) => ({ error, value: value as Reply }));
    const rest = answers.slice(steps.length + fences.size);
    this.#readRole(rest[0]?.value);
    this.#acknowledged = Number(rest[1]?.value ?? 0);
    this.#sendsText = answers.some(({ error }) => isNoScript(error));
    return {
      replies: new Map(steps.map((item, index) => [item, answers[index]])),
      fenced: new Map([...fences.keys()].map((partition, index) => [partition, answers[steps.length + index] ?? NONE])),
    };
  }

  #call({ state, guard }: PartitionKeys, { sha, source }: Script, args: readonly string[]): [string, ...string[]] {
    const [command, script] = this.#sendsText ? ['EVAL', source] : ['EVALSHA', sha];
    return [command, script, '2', state, guard, ...args];
  }

  #readRole(role: unknown): void {
    const [name, , replicas] = Array.isArray(role) ? (role as unknown[]) : [];
    this.#isMaster = name === 'master';
    const online = this.#isMaster && Array.isArray(replicas) ? replicas.length : 0;
    this.#mostOnline = Math.max(this.#mostOnline, online);
  }

  /**
   * Half of those that were ever connected: a deposed master and its successor can not both have them, and one that
   * hangs keeps nobody waiting.
   */
  #required(partitions: readonly PartitionKeys[]): number {
    const { client, waitReplicas, alwaysReplicated } = this.#options;
    if (waitReplicas !== null) return waitReplicas;
    const isKnown =
      client instanceof Redis ? alwaysReplicated : partitions.some((partition) => hasReplica(client, partition));
    return Math.max(Math.ceil(this.#mostOnline / 2), isKnown ? 1 : 0);
  }

  async #replicationFault(partitions: readonly PartitionKeys[]): Promise<Error | null> {
    if (!this.#isMaster) {
      // It is looked for anew.
      if (this.#options.client instanceof Redis) this.#node.disconnect(true);
      return new Error('READONLY the server is no master');
    }
    const required = this.#required(partitions);
    if (this.#acknowledged < required && this.#requested < required) {
      this.#acknowledged = Number(await this.#node.call('WAIT', String(required), String(WAIT_MS)));
    }
    if (this.#acknowledged >= required) return this.#ownershipFault(partitions);
    return notReplicated(`${this.#acknowledged} of ${required} replicas confirmed it`);
  }

  #ownershipFault(partitions: readonly PartitionKeys[]): Error | null {
    const { client } = this.#options;
    const isOwner = partitions.every((partition) => nodeOf(client, partition) === this.#node);
    return isOwner ? null : new Error('MOVED the partition');
  }
}

interface Answer {
  readonly error: Error | null;
  readonly value: Reply;
}

const NONE: Answer = { error: new Error('the server gave no answer'), value: null };

/** By partition: the heads that its log must hold, each once. */
type FencedHeads = ReadonlyMap<PartitionKeys, readonly Head[]>;

/**
 * What runs on the connection that is fenced needs no fence of its own partition: whichever write comes after it, a server
 * that confirms that one has confirmed all before.
 */
function fencesOf(round: readonly Item[]): FencedHeads {
  const fences = new Map<PartitionKeys, Head[]>();
  for (const { partition, step, head } of round) {
    if (step !== null && head === null) continue;
    const heads = fences.get(partition) ?? [];
    fences.set(partition, heads);
    if (head !== null && !heads.some(({ tag }) => tag === head.tag)) heads.push(head);
  }
  const last = round.at(-1);
  if (fences.size === 0 && last !== undefined) fences.set(last.partition, []);
  return fences;
}

function settle(
  item: Item,
  answer: Answer | undefined,
  fenced: Answer | undefined,
  fences: FencedHeads,
  fault: Error | null,
): void {
  const { partition, head } = item;
  if (answer?.error != null) return item.reject(new StepFault(answer.error));
  const reply = answer?.value;
  const wrong = fenced?.error ?? fault;
  if (wrong !== null) return item.reject(new StepFault(wrong, reply));
  if (head !== null) {
    const index = (fences.get(partition) ?? []).findIndex(({ tag }) => tag === head.tag);
    const [, , , , , held] = list(fenced?.value ?? null);
    if (list(held)[index] !== 1) return item.reject(new StepFault(LOST, reply));
  }
  item.resolve(reply ?? fenced?.value ?? null);
}

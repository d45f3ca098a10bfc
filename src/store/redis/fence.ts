import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { SessionError } from '../../error.ts';
import { nodeOf, untilReady } from './client.ts';
import { isNoScript, isOtherStore, isRefusal, notReplicated, reasonOf } from './fault.ts';
import type { PartitionKeys } from './keys.ts';
import { type FenceOptions, type Head, type Item, Lane, LOST, StepFault } from './lane.ts';
import type { Reply } from './rows.ts';
import type { Script } from './scripts.ts';

const RETRY_MS = 50;

/** How long to go on looking for an entry that the log does not hold: the connection may be to a deposed master. */
const LOST_MS = 1_000;

/** How long to go on looking for a server that can be read from. */
const UNREACHABLE_MS = 2_000;

/**
 * Confirms that what was read or written will outlast a failover: on one connection a script that writes, then WAIT. Many
 * callers share one round. A read or a revocation may run on that same connection just before: what a deposed master
 * answers is then never taken for true.
 */
export class Fences {
  readonly #options: FenceOptions;
  readonly #lanes = new WeakMap<Redis, Lane>();

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Confirms that the log holds this entry (null: no matter which), on a server whose replicas have it. */
  confirm(partition: PartitionKeys, head: Head | null, deadlineMs: number): Promise<Reply> {
    const attempt = () => this.#submit(partition, null, head);
    const lostByMs = performance.now() + LOST_MS;
    return repeat(attempt, ({ cause }) => (cause === LOST ? Math.min(lostByMs, deadlineMs) : deadlineMs));
  }

  /** Runs a step that may be repeated: one that reads. */
  read(partition: PartitionKeys, script: Script, args: readonly string[], deadlineMs: number): Promise<Reply> {
    const attempt = () => this.#submit(partition, { script, args }, null);
    const reachedByMs = Math.min(deadlineMs, performance.now() + UNREACHABLE_MS);
    return repeat(attempt, ({ cause, reply }) => (isRefusal(cause) || reply !== undefined ? deadlineMs : reachedByMs));
  }

  /**
   * Runs a step that writes. Where it was answered but not confirmed: what it appended is looked for, on whichever server
   * serves the partition then; a step that appended nothing has changed nothing that counts, and is asked again.
   */
  async write(
    partition: PartitionKeys,
    script: Script,
    args: readonly string[],
    deadlineMs: number,
    appendedIn: (reply: Reply) => Head | null,
  ): Promise<Reply> {
    let appended: { readonly reply: Reply; readonly head: Head } | null = null;
    const attempt = async () => {
      try {
        return await this.#submit(partition, { script, args }, null);
      } catch (fault) {
        const reply = fault instanceof StepFault ? fault.reply : undefined;
        const head = reply === undefined ? null : appendedIn(reply);
        if (reply !== undefined && head !== null) appended = { reply, head };
        throw fault;
      }
    };
    try {
      return await repeat(attempt, ({ cause, reply }) => {
        return appended === null && (isRefusal(cause) || reply !== undefined) ? deadlineMs : 0;
      });
    } catch (error) {
      const done = appended as { readonly reply: Reply; readonly head: Head } | null;
      if (done === null) throw error;
      await this.confirm(partition, done.head, deadlineMs);
      return done.reply;
    }
  }

  async #submit(partition: PartitionKeys, step: Item['step'], head: Head | null): Promise<Reply> {
    const { client } = this.#options;
    const node = nodeOf(client, partition);
    if (node === undefined) throw new StepFault(new Error('CLUSTERDOWN no node serves the partition'));
    if (node.status !== 'ready') {
      await untilReady(node, performance.now() + RETRY_MS).catch((error: unknown) => {
        // Nothing was sent.
        throw new StepFault(new Error('LOADING the server can not be reached', { cause: error }));
      });
    }
    return this.#laneOf(node).add({ partition, step, head });
  }

  #laneOf(node: Redis): Lane {
    const known = this.#lanes.get(node);
    if (known !== undefined) return known;
    const lane = new Lane(node, this.#options);
    this.#lanes.set(node, lane);
    return lane;
  }
}

/** Tries again until the time that `untilMs` gives for a fault, and throws then what the fault comes from. */
async function repeat(attempt: () => Promise<Reply>, untilMs: (fault: StepFault) => number): Promise<Reply> {
  for (;;) {
    const beganMs = performance.now();
    try {
      return await attempt();
    } catch (fault) {
      if (!(fault instanceof StepFault)) throw fault;
      const { cause, reply } = fault;
      // Another one may take as long.
      const nowMs = performance.now();
      if (!isOtherStore(cause) && nowMs + (nowMs - beganMs) + RETRY_MS < untilMs(fault)) {
        if (!isNoScript(cause)) await sleep(RETRY_MS);
        continue;
      }
      if (cause === LOST || reply !== undefined)
        throw cause instanceof SessionError ? cause : notReplicated(reasonOf(cause));
      throw cause;
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { isNoScript, isRefusal } from './fault.ts';
import { type Client, nodeOf, untilReady } from './client.ts';
import type { PartitionKeys } from './keys.ts';
import type { Reply } from './rows.ts';
import type { Script } from './scripts.ts';

const RETRY_MS = 30;

/** How long a step waits for a connection that is being made. */
const READY_MS = 1_000;

/** Runs a script on a partition; what the server refused to begin is asked again until `deadlineMs`. */
export async function runScript(
  client: Client,
  partition: PartitionKeys,
  script: Script,
  args: readonly string[],
  deadlineMs: number,
): Promise<Reply> {
  const keys = [partition.state, partition.guard];
  for (;;) {
    if (performance.now() >= deadlineMs) throw new Error('the deadline has passed');
    try {
      await untilPartitionReady(client, partition, deadlineMs);
      return await evaluate(client, script, keys, args);
    } catch (error) {
      if (!isRefusal(error) || performance.now() + RETRY_MS >= deadlineMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

async function untilPartitionReady(client: Client, partition: PartitionKeys, deadlineMs: number): Promise<void> {
  const readyByMs = Math.min(deadlineMs, performance.now() + READY_MS);
  if (client.status !== 'ready') await untilReady(client, readyByMs);
  const node = nodeOf(client, partition);
  if (node === undefined) return;
  if (node.status !== 'ready') await untilReady(node, readyByMs);
  gatherWrites(node);
}

/** What is sent in one turn of the event loop goes out together: a system call for each costs as much as the rest of it. */
function gatherWrites({ stream }: Redis): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}

/** Text in the reply is bytes, since some of it is packed. By its digest; by its text where the server does not know it, or has forgotten it. */
export async function evaluate(
  client: Client,
  { sha, source }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<Reply> {
  try {
    return (await client.callBuffer('EVALSHA', sha, String(keys.length), ...keys, ...args)) as Reply;
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return (await client.callBuffer('EVAL', source, String(keys.length), ...keys, ...args)) as Reply;
  }
}

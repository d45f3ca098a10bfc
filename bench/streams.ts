import { range } from '../test/grpc/expect.ts';
import type { BenchProcess, StartProcess } from './process.ts';

const SUBSCRIBER_PROCESSES = 2;

/** The longest that the contract allows: what is counted are revocations. */
export const HEARTBEAT_S = 10;

/** Those that are counted are never what limits. */
const WIDE_WINDOW = 1 << 20;

/** Opens streams of revocations from a few processes. */
export async function subscribe(start: StartProcess, port: number, streams: number): Promise<readonly BenchProcess[]> {
  const count = Math.min(streams, SUBSCRIBER_PROCESSES);
  const processes = await Promise.all(range(count).map(() => start('subscribers')));
  await Promise.all(processes.map((each) => each.ask('open', port, streams / count, HEARTBEAT_S, WIDE_WINDOW)));
  return processes;
}

/** Waits until every stream has so many revocations, and tells when the last had come to the last of them. */
export async function arrivalMs(subscribers: readonly BenchProcess[], revocations: number): Promise<number> {
  await Promise.all(subscribers.map((each) => each.ask('reach', 'revocations', revocations)));
  return Math.max(...(await Promise.all(subscribers.map((each) => each.ask<number>('arrivedMs')))));
}

import { costs, inTurn, type Result } from './measure.ts';
import { type BenchProcess, withProcesses } from './process.ts';
import { subscribe } from './streams.ts';

const STREAMS = 1000;
const ROUNDS = 3;

const LEAST_RATIO = 1 / 1.3;

const ENV = {
  STORE_URL: 'memory:',
  GRPC_ADDRESS: '127.0.0.1:0',
  HTTP_ADDRESS: '127.0.0.1:0',
  MAX_CONNECTIONS_PER_PEER: '10000',
  AUDIT_FILE: '/dev/null',
};

interface Held {
  readonly liveBytes: number;
  readonly residentBytes: number;
}

/** What a subscriber costs to whom nothing is sent, each with a connection of its own; the floor is a stream of grpc-js. */
export async function idleStreams(): Promise<readonly Result[]> {
  const { ours, floor } = await inTurn(ROUNDS, {
    floor: () => withProcesses(async (start) => held(await start('bare_streams'), start, false)),
    ours: () => withProcesses(async (start) => held(await start('instance', ENV), start, true)),
  });
  const of = (rounds: readonly Held[], what: keyof Held) => rounds.map((round) => round[what] / STREAMS / 1024);
  const row = (name: string, what: keyof Held, bar: number | null) =>
    costs(`memory per idle subscriber, ${name}`, of(ours, what), 'KiB', of(floor, what), bar);
  return [row('live', 'liveBytes', LEAST_RATIO), row('resident', 'residentBytes', null)];
}

async function held(
  server: BenchProcess,
  start: Parameters<typeof subscribe>[0],
  hasCheckpoints: boolean,
): Promise<Held> {
  const port = await server.ask<number>('port');
  // What is loaded and compiled at first use does not count.
  const first = await subscribe(start, port, 1);
  if (hasCheckpoints) await first[0]?.ask('reach', 'checkpoints', 1);
  const before = await server.usage();
  const subscribers = await subscribe(start, port, STREAMS);
  if (hasCheckpoints) await Promise.all(subscribers.map((each) => each.ask('reach', 'checkpoints', 1)));
  const after = await server.usage();
  return {
    liveBytes: after.liveBytes - before.liveBytes,
    residentBytes: after.residentBytes - before.residentBytes,
  };
}

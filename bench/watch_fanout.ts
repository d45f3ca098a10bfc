import { setTimeout as sleep } from 'node:timers/promises';
import { encode, RPCS, SessionClient } from '../test/grpc/client.ts';
import { inParallel, open, range } from '../test/grpc/expect.ts';
import { BareClient } from '../test/process/bare_client.ts';
import { cost, inTurn, median, plain, rate, type Result } from './measure.ts';
import { type BenchProcess, withProcesses } from './process.ts';
import { HEARTBEAT_S, subscribe } from './streams.ts';

const STREAMS = 1000;
const STALLED_STREAMS = 10;
const REVOCATIONS = 10_000;
const IN_FLIGHT = 256;
const ROUNDS = 3;

/** What gRPC begins with: those that don't read block soon. */
const USUAL_WINDOW = 65_535;

/** A stream is ended when it has been blocked for 10 s and the next look finds it. */
const ENDED_WITHIN_MS = 60_000;

const LEAST_RATIO = 0.7;

const ENV = {
  STORE_URL: 'memory:',
  GRPC_ADDRESS: '127.0.0.1:0',
  HTTP_ADDRESS: '127.0.0.1:0',
  MAX_CONNECTIONS_PER_PEER: '10000',
  // Every record of it would go to the table's terminal.
  AUDIT_FILE: '/dev/null',
};

/** What one process of subscribers was sent. */
interface Counts {
  readonly messages: number;
  readonly bytes: number;
  /** Revocations of the stream that has the most. */
  readonly most: number;
}

/** How one round went: for all streams that read together. */
interface Round {
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Of the server, and of the subscribers. */
  readonly cpuUs: number;
  readonly subscribersCpuUs: number;
  /** What the server held on to more at the end than at the beginning, and at most with garbage. */
  readonly keptBytes: number;
  readonly mostBytes: number;
}

/**
 * A thousand streams of one instance, each of which gets ten thousand revocations. The floor is a bare grpc-js server that
 * writes as many frames of the same mean size, from one Buffer, to as many streams; what the revocations themselves cost
 * is measured without streams and taken off. Subscribers are plain node:http2, a connection each.
 */
export async function watchFanout(): Promise<readonly Result[]> {
  let last: Round | null = null;
  const rounds = await inTurn(ROUNDS, {
    alone: () => serviceRound(0, 0),
    service: async () => (last = await serviceRound(STREAMS, 0)),
    stalled: () => serviceRound(STREAMS, STALLED_STREAMS),
    stalledAlone: () => serviceRound(0, STALLED_STREAMS),
    floor: () => floorRound((last?.messages ?? 0) / STREAMS, (last?.bytes ?? 0) / (last?.messages ?? 1)),
  });
  const { alone, service, stalled, stalledAlone, floor } = rounds;
  const of = (list: readonly Round[], what: (round: Round) => number) => median(list.map(what));
  const aloneUs = of(alone, ({ cpuUs }) => cpuUs);
  const perMessage = (own: number) => (round: Round) => (round.cpuUs - own) / round.messages;
  const perSecond = (round: Round) => round.messages / round.seconds;
  const kept = (round: Round) => round.keptBytes / 2 ** 20;
  const most = (round: Round) => round.mostBytes / 2 ** 20;
  const ceiling = (round: Round) => round.messages / (round.subscribersCpuUs / 1e6);
  return [
    plain(
      'frames to each stream',
      of(service, ({ messages }) => messages / STREAMS),
      'frames',
    ),
    plain(
      'mean size of a frame',
      of(service, ({ bytes, messages }) => bytes / messages),
      'bytes',
    ),
    plain(
      'revocations delivered',
      of(service, ({ seconds }) => (REVOCATIONS * STREAMS) / seconds),
      '/s',
    ),
    rate('frames delivered', of(service, perSecond), '/s', of(floor, perSecond)),
    cost('CPU per frame delivered', of(service, perMessage(aloneUs)), 'µs', of(floor, perMessage(0)), LEAST_RATIO),
    plain('CPU per revocation without streams', aloneUs / REVOCATIONS, 'µs'),
    plain('frames that the subscribers could take on one core', of(service, ceiling), '/s'),
    rate('frames delivered beside 10 streams that never read', of(stalled, perSecond), '/s', of(service, perSecond)),
    plain('memory that revocations leave without streams', of(alone, kept), 'MiB'),
    plain('the same while 10 streams that never read are blocked', of(stalledAlone, kept), 'MiB'),
    plain('most memory without streams, with garbage', of(alone, most), 'MiB'),
    plain('most memory while those are blocked, with garbage', of(stalledAlone, most), 'MiB'),
  ];
}

async function serviceRound(streams: number, stalledStreams: number): Promise<Round> {
  return withProcesses(async (start) => {
    const server = await start('instance', ENV);
    const port = await server.ask<number>('port');
    const sessionIds = await begunSessions(port);
    const subscribers = await subscribe(start, port, streams);
    await Promise.all(subscribers.map((each) => each.ask('reach', 'checkpoints', 1)));
    if (stalledStreams > 0) {
      const stalled = await start('subscribers');
      await stalled.ask('open', port, stalledStreams, HEARTBEAT_S, USUAL_WINDOW);
      await stalled.ask('stall');
    }
    const round = await measured(server, subscribers, async () => {
      await revokeAll(port, sessionIds);
      await Promise.all(subscribers.map((each) => each.ask('reach', 'revocations', REVOCATIONS)));
    });
    const isOver = (await server.ask<number>('endedStreams')) > 0;
    if (streams === 0 && isOver) throw new Error('memory was looked at when no stream was blocked any more');
    await untilEnded(server, stalledStreams);
    return round;
  });
}

/** Those that do not read, and no others: else they never blocked, or more than they did. */
async function untilEnded(server: BenchProcess, streams: number): Promise<void> {
  const lateMs = performance.now() + ENDED_WITHIN_MS;
  for (;;) {
    const ended = await server.ask<number>('endedStreams');
    if (ended === streams) return;
    if (ended > streams || performance.now() > lateMs) throw new Error(`${ended} of ${streams} streams were ended`);
    await sleep(100);
  }
}

async function floorRound(frames: number, bytes: number): Promise<Round> {
  return withProcesses(async (start) => {
    const server = await start('bare_streams');
    const subscribers = await subscribe(start, await server.ask<number>('port'), STREAMS);
    const frame = Buffer.alloc(Math.round(bytes)).toString('base64');
    return measured(server, subscribers, async () => {
      await server.ask('write', Math.round(frames), frame);
      await Promise.all(subscribers.map((each) => each.ask('reach', 'messages', Math.round(frames))));
    });
  });
}

async function measured(
  server: BenchProcess,
  subscribers: readonly BenchProcess[],
  run: () => Promise<void>,
): Promise<Round> {
  const all = [server, ...subscribers];
  const look = () => Promise.all(all.map(async (process) => process.usage()));
  const count = () => Promise.all(subscribers.map((each) => each.ask<Counts>('counts')));
  const [before, had] = [await look(), await count()];
  const sinceMs = performance.now();
  await run();
  const seconds = (performance.now() - sinceMs) / 1000;
  const [after, have] = [await look(), await count()];
  if (have.some(({ most }) => most > REVOCATIONS)) throw new Error('a stream got a revocation twice');
  const [cpuUs = 0, ...others] = after.map(({ cpuUs }) => cpuUs);
  return {
    messages: sum(have.map(({ messages }) => messages)) - sum(had.map(({ messages }) => messages)),
    bytes: sum(have.map(({ bytes }) => bytes)) - sum(had.map(({ bytes }) => bytes)),
    seconds,
    cpuUs,
    subscribersCpuUs: sum(others),
    keptBytes: (after[0]?.liveBytes ?? 0) - (before[0]?.liveBytes ?? 0),
    mostBytes: after[0]?.mostBytes ?? 0,
  };
}

/** One of each user, so that no limit ends them. */
async function begunSessions(port: number): Promise<readonly string[]> {
  const client = new SessionClient(port);
  const begun = await inParallel(range(REVOCATIONS), IN_FLIGHT, (user) =>
    open(client, { userId: `user ${user}`, tokenMode: 'TOKEN_MODE_OPAQUE' }),
  );
  client.close();
  return begun.map(({ session }) => session.sessionId);
}

async function revokeAll(port: number, sessionIds: readonly string[]): Promise<void> {
  const client = new BareClient(port);
  const requests = sessionIds.map((sessionId) => encode('RevokeSession', { session: { sessionId } }));
  const answers = await inParallel(requests, IN_FLIGHT, (request) => client.call(RPCS.RevokeSession.path, request));
  client.close();
  if (answers.some(({ status }) => status !== 'OK')) throw new Error('a revocation failed');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

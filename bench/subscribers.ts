import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { encode, RPCS } from '../test/grpc/client.ts';
import { isCheckpoint, MessageReader, revocationsIn } from './frames.ts';
import { answerQuestions, monotonicMs } from './process.ts';

/** Subscribers over plain HTTP/2, one connection each, which count what they are sent and decode none of it. */
interface Subscriber {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  messages: number;
  bytes: number;
  revocations: number;
  checkpoints: number;
}

const LOOK_MS = 1;

/** Long enough for a busy machine. */
const PATIENCE_MS = 300_000;

const STALLED_MS = 300_000;

const subscribers: Subscriber[] = [];

/** When the last revocation came to any of them, and the message that brought it. */
let arrivedMs = 0;
let brought: Buffer = Buffer.alloc(0);

/** @param window bytes that may be on the way to it before it reads */
function subscribe(port: number, heartbeatS: number, window: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: window } });
    session.once('error', reject);
    session.once('connect', () => session.setLocalWindowSize(window));
    const headers = { ':method': 'POST', ':path': RPCS.WatchRevocations.path, 'content-type': 'application/grpc' };
    const stream = session.request({ ...headers, te: 'trailers' });
    const subscriber = { session, stream, messages: 0, bytes: 0, revocations: 0, checkpoints: 0 };
    const reader = new MessageReader((message) => {
      subscriber.messages += 1;
      subscriber.bytes += message.length;
      const revocations = revocationsIn(message);
      subscriber.revocations += revocations;
      if (revocations > 0) [arrivedMs, brought] = [monotonicMs(), message];
      if (isCheckpoint(message)) subscriber.checkpoints += 1;
    });
    stream.on('error', reject);
    stream.once('response', () => resolve());
    stream.on('data', (chunk: Buffer) => reader.take(chunk));
    const request = encode('WatchRevocations', { heartbeat: { seconds: heartbeatS, nanos: 0 } });
    const frame = Buffer.alloc(5 + request.length);
    frame.writeUInt32BE(request.length, 1);
    request.copy(frame, 5);
    stream.end(frame);
    subscribers.push(subscriber);
  });
}

type Count = 'messages' | 'revocations' | 'checkpoints';

answerQuestions({
  open: (port: number, streams: number, heartbeatS: number, window: number) =>
    Promise.all(Array.from({ length: streams }, () => subscribe(port, heartbeatS, window))).then(() => undefined),
  /** Until every subscriber has so many. */
  reach: async (count: Count, goal: number) => {
    const lateMs = performance.now() + PATIENCE_MS;
    while (subscribers.some((subscriber) => subscriber[count] < goal)) {
      if (subscribers.some(({ stream }) => stream.closed)) throw new Error('a stream ended');
      if (performance.now() > lateMs) throw new Error(`not every stream has ${goal} ${count}`);
      await sleep(LOOK_MS);
    }
  },
  arrivedMs: () => arrivedMs,
  brought: () => Buffer.from(brought),
  /** The fewest and the most revocations that a subscriber has, and what all have together. */
  counts: () => ({
    fewest: Math.min(...subscribers.map(({ revocations }) => revocations)),
    most: Math.max(...subscribers.map(({ revocations }) => revocations)),
    messages: sum('messages'),
    bytes: sum('bytes'),
  }),
  /** Reads nothing any more: this thread stands still until the process is ended, or for long enough. */
  stall: () => {
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALLED_MS));
  },
});

function sum(count: 'messages' | 'bytes'): number {
  return subscribers.reduce((total, subscriber) => total + subscriber[count], 0);
}

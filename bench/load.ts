import { type ClientHttp2Session, connect } from 'node:http2';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { quantile } from './measure.ts';
import { answerQuestions } from './process.ts';

/** Unary calls of messages that are encoded already. */
export interface Load {
  readonly port: number;
  readonly path: string;
  /** What the caller proves itself by; empty = nothing. */
  readonly serviceToken: string;
  /** With their gRPC headers; sent one after the other, and from the first again. */
  readonly frames: readonly Uint8Array[];
  readonly calls: number;
}

/** What came of them. */
export interface Loaded {
  readonly seconds: number;
  /** Of this process. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The messages of the answers in the order of the calls, where they were asked for. */
  readonly answers: readonly Uint8Array[];
}

const CONNECTIONS = 4;

const WINDOW = 1 << 20;

/** A timer may come so late: what is due sooner is waited for without one. */
const TIMER_MS = 2;

const connections = new Map<number, readonly ClientHttp2Session[]>();

function connected(port: number): readonly ClientHttp2Session[] {
  const known = connections.get(port);
  if (known !== undefined) return known;
  const made = Array.from({ length: CONNECTIONS }, () => {
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: WINDOW } });
    session.once('connect', () => session.setLocalWindowSize(WINDOW));
    session.once('close', () => connections.delete(port));
    return session;
  });
  connections.set(port, made);
  return made;
}

/** Makes calls over plain HTTP/2. An answer that is not OK fails all of them. */
class Calls {
  readonly #load: Load;
  readonly #sessions: readonly ClientHttp2Session[];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #keep: boolean;
  readonly answers: Uint8Array[] = [];
  readonly ms: number[] = [];
  #begun = 0;

  constructor(load: Load, keep: boolean) {
    this.#load = load;
    this.#keep = keep;
    this.#sessions = connected(load.port);
    this.#headers = {
      ':method': 'POST',
      ':path': load.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(load.serviceToken !== '' && { authorization: `Bearer ${load.serviceToken}` }),
    };
  }

  get left(): number {
    return this.#load.calls - this.#begun;
  }

  /** @param sinceMs when it was due */
  next(sinceMs: number): Promise<void> {
    const index = this.#begun++;
    const { frames } = this.#load;
    const session = this.#sessions[index % CONNECTIONS] as ClientHttp2Session;
    const stream = session.request(this.#headers);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let status: unknown = 'none';
      const learn = (headers: Readonly<Record<string, unknown>>) => {
        if ('grpc-status' in headers) status = `${String(headers['grpc-status'])} ${String(headers['grpc-message'])}`;
      };
      stream.on('response', learn);
      stream.on('trailers', (trailers) => {
        if (trailers['grpc-status'] === '0') status = 0;
        else learn(trailers);
      });
      if (this.#keep) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      else stream.resume();
      stream.on('error', reject);
      stream.on('close', () => {
        this.ms.push(performance.now() - sinceMs);
        if (this.#keep) this.answers[index] = Buffer.concat(chunks).subarray(5);
        if (status === 0) resolve();
        else reject(new Error(`a call of ${this.#load.path} ended with grpc-status ${String(status)}`));
      });
      stream.end(frames[index % frames.length]);
    });
  }
}

async function measured(calls: Calls, run: () => Promise<unknown>): Promise<Loaded> {
  const cpuBefore = process.cpuUsage();
  const sinceMs = performance.now();
  await run();
  const seconds = (performance.now() - sinceMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const [p50Ms, p99Ms] = [quantile(calls.ms, 0.5), quantile(calls.ms, 0.99)];
  return { seconds, cpuUs: user + system, p50Ms, p99Ms, answers: calls.answers };
}

answerQuestions({
  /** So many at a time: the next begins when one has ended. */
  closed: (load: Load, inFlight: number, keep: boolean) => {
    const calls = new Calls(load, keep);
    const worker = async () => {
      while (calls.left > 0) await calls.next(performance.now());
    };
    return measured(calls, () => Promise.all(Array.from({ length: inFlight }, worker)));
  },
  /** At random times, so many a second on average, whatever has become of those before. */
  offered: (load: Load, perSecond: number) => {
    const calls = new Calls(load, false);
    return measured(calls, async () => {
      const running: Promise<void>[] = [];
      let dueMs = performance.now();
      while (calls.left > 0) {
        dueMs -= (Math.log(1 - Math.random()) * 1000) / perSecond;
        for (let nowMs = performance.now(); nowMs < dueMs; nowMs = performance.now()) {
          await (dueMs - nowMs > TIMER_MS ? sleep(1) : nextTurn());
        }
        const call = calls.next(dueMs);
        // Of all of them together it is told in the end.
        call.catch(() => undefined);
        running.push(call);
      }
      await Promise.all(running);
    });
  },
});

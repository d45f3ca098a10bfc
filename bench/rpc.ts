import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashServiceToken, newServiceToken } from '../src/access/credential.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { encode, type Request, type Response, RPCS, type UnaryRpc } from '../test/grpc/client.ts';
import { range } from '../test/grpc/expect.ts';
import { type Env, temporaryFolder } from '../test/harness.ts';
import type { Work } from './bare_service.ts';
import type { Load, Loaded } from './load.ts';
import { costs, rates, type Result } from './measure.ts';
import { BenchProcess } from './process.ts';

export const IN_FLIGHT = 64;

/** Where profiles of the service are written, one for each load; empty = none are made. */
const PROFILE_FOLDER = process.env['BENCH_PROFILE'] ?? '';

/** The message of a request as it is sent: behind a flag and the length. */
export function frameOf<R extends UnaryRpc>(rpc: R, request: Request<R>): Uint8Array {
  return framed(encode(rpc, request));
}

export function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

export function decode<R extends UnaryRpc>(rpc: R, message: Uint8Array): Response<R> {
  return RPCS[rpc].responseDeserialize(Buffer.from(message)) as Response<R>;
}

/** Calls of one RPC, and what they cost. */
export interface Sample {
  readonly perSecond: number;
  /** Of the server, per call. */
  readonly cpuUs: number;
  /** Of one core, that the generator took. */
  readonly generatorShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Sampled {
  readonly ours: readonly Sample[];
  readonly floor: readonly Sample[];
}

/** A row each for calls per second and for the server's CPU per call; the bar is on what is named. */
export function rowsOf(name: string, { ours, floor }: Sampled, bar: number, barOn: 'calls' | 'CPU'): Result[] {
  const of = (samples: readonly Sample[], what: 'perSecond' | 'cpuUs') => samples.map((sample) => sample[what]);
  const barOf = (row: 'calls' | 'CPU') => (row === barOn ? bar : null);
  return [
    rates(name, of(ours, 'perSecond'), '/s', of(floor, 'perSecond'), barOf('calls')),
    costs(`${name}: CPU of the server`, of(ours, 'cpuUs'), 'µs', of(floor, 'cpuUs'), barOf('CPU')),
  ];
}

/** What begins a session. */
export function creation(user: string, tokenMode: 'TOKEN_MODE_PAIR' | 'TOKEN_MODE_OPAQUE'): Uint8Array {
  return frameOf('CreateSession', {
    userId: user,
    clientId: 'web',
    tokenMode,
    device: { deviceId: user, name: 'Firefox on Linux', ipAddress: '192.0.2.7' },
    amr: ['pwd'],
  });
}

let users = 0;

/** Each of a user of its own, whom no limit meets. */
export function creations(count: number, tokenMode: 'TOKEN_MODE_PAIR' | 'TOKEN_MODE_OPAQUE' = 'TOKEN_MODE_PAIR') {
  return range(count).map(() => creation(`user ${(users += 1)}`, tokenMode));
}

/** How a server is called. */
interface Server {
  readonly process: BenchProcess;
  readonly port: number;
}

export interface RpcBenchOptions {
  /** `sqlite:` = a database in a folder that goes with it. */
  readonly storeUrl: string;
  /** Whether anyone may call, without a service token; false where unset. */
  readonly isOpen?: boolean;
  /** More for the service. */
  readonly env?: Env;
}

/** The service as in production, with callers and an audit file; its floor beside it; and what makes calls of either. */
export class RpcBench {
  readonly service: Server;
  readonly floor: Server;
  readonly generator: BenchProcess;
  /** What the service was configured by. */
  readonly env: Env;
  readonly #serviceToken: string;
  readonly #removeFolder: () => void;

  private constructor(
    [service, floor]: readonly [Server, Server],
    generator: BenchProcess,
    env: Env,
    serviceToken: string,
    removeFolder: () => void,
  ) {
    this.service = service;
    this.floor = floor;
    this.generator = generator;
    this.env = env;
    this.#serviceToken = serviceToken;
    this.#removeFolder = removeFolder;
  }

  static async start({ storeUrl, isOpen = false, env: more = {} }: RpcBenchOptions): Promise<RpcBench> {
    const folder = temporaryFolder();
    const file = (name: string) => join(folder.path, name);
    const serviceToken = newServiceToken();
    writeFileSync(file('callers.json'), JSON.stringify({ callers: [callerWith(serviceToken)] }));
    const env = {
      STORE_URL: storeUrl === 'sqlite:' ? `sqlite:${file('sessions.db')}` : storeUrl,
      MASTER_KEY: generateMasterKey().toString('base64'),
      MIGRATE_ON_START: 'true',
      GRPC_ADDRESS: '127.0.0.1:0',
      HTTP_ADDRESS: '127.0.0.1:0',
      AUDIT_FILE: file('audit.log'),
      // They are looked after, and meet nobody.
      CALLER_RATE: '1000000',
      CALLER_CONCURRENCY: '100000',
      ...(!isOpen && { CALLERS_FILE: file('callers.json') }),
      ...more,
    };
    const service = await serverOf(BenchProcess.start('instance', env));
    const floor = await serverOf(BenchProcess.start('bare_service'));
    const generator = await BenchProcess.start('load');
    const bench = new RpcBench([service, floor], generator, env, isOpen ? '' : serviceToken, folder.remove);
    await bench.#prepareFloor(storeUrl === 'sqlite:' ? `sqlite:${file('bare.db')}` : storeUrl);
    return bench;
  }

  /** Makes the floor ready: it signs, verifies and stores what is as large as with the service. */
  async #prepareFloor(storeUrl: string): Promise<void> {
    const [created] = await this.answers('CreateSession', creations(1));
    const { session, tokens } = decode('CreateSession', created as Uint8Array);
    const handle = { session: { sessionId: session?.sessionId ?? '' } };
    const [encodedSession] = await this.answers('GetSession', [frameOf('GetSession', handle)]);
    const [keys] = await this.answers('GetJwks', [frameOf('GetJwks', {})]);
    const jwks = JSON.parse(decode('GetJwks', keys as Uint8Array).jwksJson) as { keys: JsonWebKey[] };
    const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' });
    await this.floor.process.ask('tokens', key.export({ type: 'spki', format: 'pem' }), tokens?.accessToken ?? '');
    await this.floor.process.ask('open', storeUrl, encodedSession?.length);
  }

  /** The answers of the service. */
  async answers(rpc: UnaryRpc, frames: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    return (await this.#load(this.service, rpc, frames, frames.length, true)).answers;
  }

  async floorAnswers(rpc: UnaryRpc, work: Work, answer: Uint8Array): Promise<void> {
    await this.floor.process.ask('answer', rpc, work, answer);
  }

  /** @param keep whether to hand over the answers */
  async sample(server: Server, rpc: UnaryRpc, frames: readonly Uint8Array[], calls: number): Promise<Sample> {
    return (await this.sampleAndKeep(server, rpc, frames, calls, false)).sample;
  }

  async sampleAndKeep(
    server: Server,
    rpc: UnaryRpc,
    frames: readonly Uint8Array[],
    calls = frames.length,
    keep = true,
  ): Promise<{ readonly sample: Sample; readonly answers: readonly Uint8Array[] }> {
    const before = await server.process.cpuUs();
    const { seconds, cpuUs, p50Ms, p99Ms, answers } = await this.#load(server, rpc, frames, calls, keep);
    const serverUs = (await server.process.cpuUs()) - before;
    const share = cpuUs / 1e6 / seconds;
    const sample = { perSecond: calls / seconds, cpuUs: serverUs / calls, generatorShare: share, p50Ms, p99Ms };
    return { sample, answers };
  }

  /** Calls that come at random times, so many a second on average. */
  offer(server: Server, rpc: UnaryRpc, frames: readonly Uint8Array[], perSecond: number, calls: number) {
    return this.generator.ask<Loaded>('offered', this.#loadOf(server, rpc, frames, calls), perSecond);
  }

  /** Where profiles are asked for: one of the service under this load. */
  async profile(name: string, run: () => Promise<unknown>): Promise<void> {
    if (PROFILE_FOLDER === '') return;
    await this.service.process.profiled(join(PROFILE_FOLDER, `${name.replaceAll(/\W+/g, '_')}.cpuprofile`), run);
  }

  /**
   * Both as they are for most of their lives. With their first collection of old garbage, streams of HTTP/2 become dearer by
   * a fifth, since Node keeps them in a Map; see docs/performance.md.
   */
  async age(): Promise<void> {
    await Promise.all([this.service.process.collect(), this.floor.process.collect()]);
  }

  async end(): Promise<void> {
    await Promise.all([this.service.process, this.floor.process, this.generator].map((process) => process.end()));
    this.#removeFolder();
  }

  #load(server: Server, rpc: UnaryRpc, frames: readonly Uint8Array[], calls: number, keep: boolean): Promise<Loaded> {
    return this.generator.ask<Loaded>('closed', this.#loadOf(server, rpc, frames, calls), IN_FLIGHT, keep);
  }

  #loadOf({ port }: Server, rpc: UnaryRpc, frames: readonly Uint8Array[], calls: number): Load {
    return { port, path: RPCS[rpc].path, serviceToken: this.#serviceToken, frames, calls };
  }
}

function callerWith(serviceToken: string) {
  return { name: 'bench', tenants: 'all', scopes: ['admin'], tokens_sha256: [hashServiceToken(serviceToken)] };
}

async function serverOf(starting: Promise<BenchProcess>): Promise<Server> {
  const process = await starting;
  return { process, port: await process.ask<number>('port') };
}

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { RPCS } from '../test/grpc/client.ts';
import { bareVerify } from './bare_signature.ts';
import { inTurn, median, plain, rates, costs, type Result, timedMs } from './measure.ts';
import { BenchProcess } from './process.ts';
import { creations, decode, frameOf, framed, IN_FLIGHT, RpcBench, rowsOf, type Sample } from './rpc.ts';
import type { Loaded } from './load.ts';

const ROUNDS = 11;
/** The first ones warm up, and do not count. */
const WARM_UP_ROUNDS = 4;

const SEEN_TOKENS = 1000;
const SEEN_CALLS = 5000;
const NEW_TOKENS = 1000;
const BATCH = 100;
const BATCHES = 10;
const CEILING_CALLS = 5000;

/** The floor makes the tokens for both. */
const CHAINS = [['batchFloor', 'batch']] as const;

/** LOCAL validations of access tokens, which read no store. */
export async function rpcLocal(): Promise<readonly Result[]> {
  const bench = await RpcBench.start({ storeUrl: 'memory:' });
  const open = await RpcBench.start({ storeUrl: 'memory:', isOpen: true });
  // Whose memory grows with each round: what it costs to look after that is no matter of tokens that were seen before.
  const growing = await RpcBench.start({ storeUrl: 'memory:' });
  const bareHttp2 = await BenchProcess.start('bare_http2');
  try {
    const validations = await Validations.begin(bench);
    const openValidations = await Validations.begin(open);
    const newValidations = await Validations.begin(growing);
    const steps = {
      ceiling: () => ceiling(bench, bareHttp2, validations.answer),
      seenFloor: () => validations.seen('floor'),
      seen: () => validations.seen('service'),
      open: () => openValidations.seen('service'),
      newFloor: () => newValidations.new('floor'),
      new: () => newValidations.new('service'),
      batchFloor: () => newValidations.batchFloor(),
      batch: () => newValidations.batch(),
    };
    await inTurn<keyof typeof steps, Sample>(WARM_UP_ROUNDS, steps, CHAINS);
    await Promise.all([bench, open, growing].map((each) => each.age()));
    const samples = await inTurn<keyof typeof steps, Sample>(ROUNDS, steps, CHAINS);
    await bench.profile('validate LOCAL seen', () => validations.seen('service'));
    await growing.profile('validate LOCAL new', () => newValidations.new('service'));
    await newValidations.batchFloor();
    await growing.profile('validate batch', () => newValidations.batch());
    const of = (list: readonly Sample[], what: keyof Sample) => list.map((sample) => sample[what]);
    const share = (name: string, list: readonly Sample[]) =>
      plain(`${name}: the generator's share of a core`, median(of(list, 'generatorShare')) * 100, '%');
    return [
      plain('ceiling of the generator, against bare node:http2', median(of(samples.ceiling, 'perSecond')), '/s'),
      share('ceiling', samples.ceiling),
      ...rowsOf('validate LOCAL, token seen before', { ours: samples.seen, floor: samples.seenFloor }, 0.85, 'CPU'),
      share('validate LOCAL, token seen before', samples.seen),
      costs(
        'the same where anyone may call: CPU of the server',
        of(samples.open, 'cpuUs'),
        'µs',
        of(samples.seenFloor, 'cpuUs'),
      ),
      ...rowsOf('validate LOCAL, every token new', { ours: samples.new, floor: samples.newFloor }, 0.8, 'CPU'),
      ...batchRows(samples.batch, samples.batchFloor),
    ];
  } finally {
    await Promise.all([bench.end(), open.end(), growing.end(), bareHttp2.end()]);
  }
}

/** Of tokens, not of calls: the floor has no calls. */
function batchRows(ours: readonly Sample[], floor: readonly Sample[]): Result[] {
  const perToken = (samples: readonly Sample[], items: number) => samples.map(({ cpuUs }) => cpuUs / items);
  const name = 'validate batch of 100, every token new';
  const perSecond = (samples: readonly Sample[], items: number) => samples.map((sample) => sample.perSecond * items);
  return [
    rates(`${name}, tokens`, perSecond(ours, BATCH), '/s', perSecond(floor, 1)),
    costs(`${name}: CPU of the server per token`, perToken(ours, BATCH), 'µs', perToken(floor, 1), 0.7),
  ];
}

type Side = 'service' | 'floor';

/** Tokens of one service. */
class Validations {
  readonly #bench: RpcBench;
  readonly #seen: readonly Uint8Array[];
  readonly #key: KeyObject;
  /** What the service answers to one of them. */
  readonly answer: Uint8Array;
  /** Those of a round of batches, which both sides are given. */
  #newTokens: readonly string[] = [];

  private constructor(bench: RpcBench, seen: readonly Uint8Array[], key: KeyObject, answer: Uint8Array) {
    this.#bench = bench;
    this.#seen = seen;
    this.#key = key;
    this.answer = answer;
  }

  static async begin(bench: RpcBench): Promise<Validations> {
    const seen = (await accessTokens(bench, SEEN_TOKENS)).map((accessToken) => frame(accessToken));
    const [answer] = await bench.answers('ValidateSession', seen);
    const [keys] = await bench.answers('GetJwks', [frameOf('GetJwks', {})]);
    const jwks = JSON.parse(decode('GetJwks', keys as Uint8Array).jwksJson) as { keys: JsonWebKey[] };
    const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' });
    return new Validations(bench, seen, key, answer as Uint8Array);
  }

  async seen(side: Side): Promise<Sample> {
    if (side === 'floor') await this.#bench.floorAnswers('ValidateSession', 'nothing', this.answer);
    return this.#bench.sample(this.#bench[side], 'ValidateSession', this.#seen, SEEN_CALLS);
  }

  async new(side: Side): Promise<Sample> {
    if (side === 'floor') await this.#bench.floorAnswers('ValidateSession', 'verify', this.answer);
    const tokens = await accessTokens(this.#bench, NEW_TOKENS);
    const frames = tokens.map((accessToken) => frame(accessToken));
    return this.#bench.sample(this.#bench[side], 'ValidateSession', frames, NEW_TOKENS);
  }

  /** Of single verifications, in this process. */
  async batchFloor(): Promise<Sample> {
    this.#newTokens = await accessTokens(this.#bench, BATCHES * BATCH);
    const before = process.cpuUsage();
    const ms = timedMs(() => {
      for (const token of this.#newTokens) bareVerify(token, this.#key);
    });
    const { user, system } = process.cpuUsage(before);
    const count = this.#newTokens.length;
    return { perSecond: (count * 1000) / ms, cpuUs: (user + system) / count, generatorShare: 0, p50Ms: 0, p99Ms: 0 };
  }

  async batch(): Promise<Sample> {
    const frames = Array.from({ length: BATCHES }, (_, index) =>
      frameOf('BatchValidateSessions', {
        requests: this.#newTokens.slice(index * BATCH, (index + 1) * BATCH).map((accessToken) => ({ accessToken })),
      }),
    );
    return this.#bench.sample(this.#bench.service, 'BatchValidateSessions', frames, BATCHES);
  }
}

function frame(accessToken: string): Uint8Array {
  return frameOf('ValidateSession', { accessToken, consistency: 'CONSISTENCY_LOCAL' });
}

/** Of new sessions, which nobody has shown before. */
async function accessTokens(bench: RpcBench, count: number): Promise<string[]> {
  const answers = await bench.answers('CreateSession', creations(count));
  return answers.map((answer) => decode('CreateSession', answer).tokens?.accessToken ?? '');
}

async function ceiling(bench: RpcBench, bareHttp2: BenchProcess, answer: Uint8Array): Promise<Sample> {
  await bareHttp2.ask('answerWith', framed(answer));
  const frames = [frame('x'.repeat(700))];
  const { path } = RPCS.ValidateSession;
  const load = { port: await bareHttp2.ask<number>('port'), path, serviceToken: 'none', frames, calls: CEILING_CALLS };
  const { seconds, cpuUs, p50Ms, p99Ms } = await bench.generator.ask<Loaded>('closed', load, IN_FLIGHT, false);
  const perSecond = CEILING_CALLS / seconds;
  return { perSecond, cpuUs: 0, generatorShare: cpuUs / 1e6 / seconds, p50Ms, p99Ms };
}

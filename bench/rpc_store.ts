import type { Request, UnaryRpc } from '../test/grpc/client.ts';
import { findPrograms } from '../test/servers/programs.ts';
import type { Work } from './bare_service.ts';
import { inTurn, type Result } from './measure.ts';
import { PLACES, type StoreName } from './places.ts';
import { creations, decode, frameOf, RpcBench, rowsOf, type Sample } from './rpc.ts';

const ROUNDS = 11;
/** The first ones warm up, and do not count. */
const WARM_UP_ROUNDS = 3;

const WRITES = 800;
const READS = 2000;
const READ_SESSIONS = 500;

/** One RPC on a store, and the least that its floor does. */
interface Subject {
  readonly name: string;
  readonly rpc: UnaryRpc;
  readonly work: Work;
  readonly bar: number;
}

const SUBJECTS = {
  create: { name: 'create', rpc: 'CreateSession', work: 'insert and sign', bar: 0.75 },
  refresh: { name: 'refresh', rpc: 'RefreshSession', work: 'update and sign', bar: 0.75 },
  strong: { name: 'validate STRONG', rpc: 'ValidateSession', work: 'read', bar: 0.75 },
  opaque: { name: 'validate opaque', rpc: 'ValidateSession', work: 'read', bar: 0.75 },
  revoke: { name: 'revoke', rpc: 'RevokeSession', work: 'update for good', bar: 0.75 },
} as const satisfies Readonly<Record<string, Subject>>;

type SubjectName = keyof typeof SUBJECTS;
const NAMES = Object.keys(SUBJECTS) as readonly SubjectName[];

/** Merged, writes cost less than one by one. */
const MERGED_REVOKE_BAR = 1;

/** What the service does on a store, 64 calls in flight. */
export function rpcStore(store: Exclude<StoreName, 'memory'>): () => Promise<readonly Result[]> {
  return async () => {
    if (store !== 'sqlite' && findPrograms(store) === null) {
      console.error(`${store} is not installed here, and not measured`);
      return [];
    }
    const place = await PLACES[store]();
    const bench = await RpcBench.start({ storeUrl: place.url });
    try {
      const calls = await StoreCalls.begin(bench);
      await calls.rounds(WARM_UP_ROUNDS);
      await bench.age();
      const samples = await calls.rounds(ROUNDS);
      for (const name of NAMES) await bench.profile(`${store} ${name}`, () => calls.service(name));
      return NAMES.flatMap((name) => {
        const bar = name === 'revoke' && store === 'postgres' ? MERGED_REVOKE_BAR : SUBJECTS[name].bar;
        const sampled = { ours: samples[name], floor: samples[`${name} floor`] };
        return rowsOf(`${SUBJECTS[name].name}, ${store}`, sampled, bar, 'calls');
      });
    } finally {
      await bench.end();
      await place.remove();
    }
  };
}

type Step = SubjectName | `${SubjectName} floor`;

/** Sessions on one store: each is created, refreshed and revoked once; those that are read stay. */
class StoreCalls {
  readonly #bench: RpcBench;
  readonly #reads: Readonly<Record<'strong' | 'opaque', readonly Uint8Array[]>>;
  /** Of sessions by what comes next for them, a batch for each round; there is always one more, whatever comes first. */
  readonly #tokens: { readonly refresh: string[][]; readonly revoke: string[][] } = { refresh: [], revoke: [] };
  /** What the service was sent last, which the floor is sent too. */
  readonly #frames = new Map<SubjectName, readonly Uint8Array[]>();
  /** What the service answers. */
  readonly #answers = new Map<SubjectName, Uint8Array>();

  private constructor(bench: RpcBench, reads: Readonly<Record<'strong' | 'opaque', readonly Uint8Array[]>>) {
    this.#bench = bench;
    this.#reads = reads;
  }

  static async begin(bench: RpcBench): Promise<StoreCalls> {
    const tokens = async (mode: 'TOKEN_MODE_PAIR' | 'TOKEN_MODE_OPAQUE') => {
      const answers = await bench.answers('CreateSession', creations(READ_SESSIONS, mode));
      return answers.map((answer) => decode('CreateSession', answer).tokens);
    };
    const frame = (request: Request<'ValidateSession'>) => frameOf('ValidateSession', request);
    const [pairs, opaque] = [await tokens('TOKEN_MODE_PAIR'), await tokens('TOKEN_MODE_OPAQUE')];
    const consistency = 'CONSISTENCY_STRONG';
    const calls = new StoreCalls(bench, {
      strong: pairs.map((token) => frame({ accessToken: token?.accessToken ?? '', consistency })),
      opaque: opaque.map((token) => frame({ sessionToken: token?.sessionToken ?? '' })),
    });
    await calls.service('create');
    await calls.service('create');
    await calls.service('refresh');
    // The floor gives the answers of the service, once there are some.
    for (const name of NAMES) await calls.service(name);
    return calls;
  }

  async rounds(count: number): Promise<Readonly<Record<Step, readonly Sample[]>>> {
    const steps = NAMES.flatMap((name) => [
      [`${name} floor`, () => this.#floor(name)] as const,
      [name, () => this.service(name)] as const,
    ]);
    return inTurn(count, Object.fromEntries(steps) as Record<Step, () => Promise<Sample>>);
  }

  async service(name: SubjectName): Promise<Sample> {
    const { rpc } = SUBJECTS[name];
    const frames = this.#framesOf(name);
    this.#frames.set(name, frames);
    const calls = name in this.#reads ? READS : WRITES;
    const { sample, answers } = await this.#bench.sampleAndKeep(this.#bench.service, rpc, frames, calls);
    if (name === 'refresh' || name === 'revoke') this.#tokens[name].shift();
    if (name === 'create') this.#tokens.refresh.push(answers.map((answer) => refreshToken(rpc, answer)));
    if (name === 'refresh') this.#tokens.revoke.push(answers.map((answer) => refreshToken(rpc, answer)));
    this.#answers.set(name, answers[0] as Uint8Array);
    return sample;
  }

  async #floor(name: SubjectName): Promise<Sample> {
    const { rpc, work } = SUBJECTS[name];
    await this.#bench.floorAnswers(rpc, work, this.#answers.get(name) as Uint8Array);
    const calls = name in this.#reads ? READS : WRITES;
    return this.#bench.sample(this.#bench.floor, rpc, this.#frames.get(name) ?? [], calls);
  }

  #framesOf(name: SubjectName): readonly Uint8Array[] {
    switch (name) {
      case 'create':
        return creations(WRITES);
      case 'refresh':
        return (this.#tokens.refresh[0] ?? []).map((refreshToken) => frameOf('RefreshSession', { refreshToken }));
      case 'revoke':
        return (this.#tokens.revoke[0] ?? []).map((refreshToken) =>
          frameOf('RevokeSession', { session: { refreshToken } }),
        );
      default:
        return this.#reads[name];
    }
  }
}

function refreshToken(
  rpc: 'CreateSession' | 'RefreshSession' | 'ValidateSession' | 'RevokeSession',
  answer: Uint8Array,
) {
  const { tokens } = rpc === 'CreateSession' ? decode(rpc, answer) : decode('RefreshSession', answer);
  return tokens?.refreshToken ?? '';
}

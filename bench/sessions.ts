import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Copies } from './copies.ts';
import { copiesOn, copySession, tokensOfCopies } from './copying.ts';
import { inTurn, median, type Result } from './measure.ts';
import { installedStores, type Place, PLACES, type StoreName } from './places.ts';
import { plot, type Series } from './plot.ts';
import { creations, decode, frameOf, RpcBench, rowsOf, type Sample } from './rpc.ts';

/** The first is what the others stand beside. */
const SIZES = [1_000, 100_000, 1_000_000] as const;

const ROUNDS = 11;
const WARM_UP_ROUNDS = 3;
const REFRESHES = 400;
const VALIDATIONS = 800;

/** Sessions that are called, of all by chance. */
const CALLED = 10_000;

const BAR = 0.85;

const FOLDER = fileURLToPath(import.meta.resolve('#root/docs/performance'));

const KINDS = ['refresh', 'validate opaque'] as const;
type Kind = (typeof KINDS)[number];

const FILES: Readonly<Record<Kind, string>> = {
  refresh: 'refresh_by_sessions.svg',
  'validate opaque': 'opaque_by_sessions.svg',
};

type Samples = Readonly<Record<string, readonly Sample[]>>;

/** Calls of random sessions by how many the store holds: three services, each on a place of its own, in turn. */
export async function sessions(): Promise<readonly Result[]> {
  const measured = new Map<StoreName, Samples>();
  for (const store of installedStores()) measured.set(store, await onStore(store));
  mkdirSync(FOLDER, { recursive: true });
  for (const kind of KINDS) {
    const series = [...measured].map(([store, samples]) => seriesOf(kind, store, samples));
    const axes = { x: 'sessions in the store', y: 'µs', isLogX: true };
    writeFileSync(`${FOLDER}/${FILES[kind]}`, plot({ title: `A call of ${kind}, of 64 in flight`, ...axes, series }));
  }
  return [...measured].flatMap(([store, samples]) => rowsOn(store, samples));
}

async function onStore(store: StoreName): Promise<Samples> {
  const places: Place[] = [];
  const called: CalledSessions[] = [];
  try {
    for (const size of SIZES) {
      console.error(`${store}, ${size} sessions ...`);
      places.push(await PLACES[store]());
      called.push(await CalledSessions.begin(places.at(-1)?.url ?? '', size));
    }
    const steps = Object.fromEntries(
      called.flatMap((each) => KINDS.map((kind) => [nameOf(kind, each.size), () => each.call(kind)])),
    );
    await inTurn(WARM_UP_ROUNDS, steps);
    return await inTurn(ROUNDS, steps);
  } finally {
    for (const each of called) await each.end();
    for (const place of places) await place.remove();
  }
}

function nameOf(kind: Kind, size: number): string {
  return `${kind}, ${size}`;
}

function seriesOf(kind: Kind, store: StoreName, samples: Samples): Series {
  const us = (size: number) => median((samples[nameOf(kind, size)] ?? []).map(({ perSecond }) => 1e6 / perSecond));
  return { name: store, points: SIZES.map((size) => ({ x: size, y: us(size) })) };
}

/** What waits for a store is judged by calls per second, what does not by the server's CPU. */
function rowsOn(store: StoreName, samples: Samples): Result[] {
  const [first, ...others] = SIZES;
  return KINDS.flatMap((kind) =>
    others.flatMap((size) => {
      const name = `${kind}, ${store}, ${size.toLocaleString('en')} sessions`;
      const sampled = { ours: samples[nameOf(kind, size)] ?? [], floor: samples[nameOf(kind, first)] ?? [] };
      return rowsOf(name, sampled, BAR, store === 'memory' ? 'CPU' : 'calls');
    }),
  );
}

/** A service on a store that holds so many sessions, each of a user of its own; half are pairs, half opaque. */
class CalledSessions {
  readonly size: number;
  readonly #bench: RpcBench;
  readonly #copies: Copies;
  /** Each is the newest of its session. */
  #refreshTokens: string[] = [];
  #sessionTokens: string[] = [];
  #next = 0;

  private constructor(bench: RpcBench, copies: Copies, size: number) {
    this.#bench = bench;
    this.#copies = copies;
    this.size = size;
  }

  static async begin(storeUrl: string, size: number): Promise<CalledSessions> {
    // Else the first validation of each session writes, and those after it don't.
    const bench = await RpcBench.start({ storeUrl, env: { TOUCH_INTERVAL: '1d' } });
    const called = new CalledSessions(bench, await copiesOn(bench), size);
    called.#refreshTokens = await called.#fill('TOKEN_MODE_PAIR');
    called.#sessionTokens = await called.#fill('TOKEN_MODE_OPAQUE');
    return called;
  }

  call(kind: Kind): Promise<Sample> {
    return kind === 'refresh' ? this.#refresh() : this.#validate();
  }

  async end(): Promise<void> {
    await this.#copies.close();
    await this.#bench.end();
  }

  /** Tells the tokens of some of the sessions. */
  async #fill(mode: 'TOKEN_MODE_PAIR' | 'TOKEN_MODE_OPAQUE'): Promise<string[]> {
    const [answer] = await this.#bench.answers('CreateSession', creations(1, mode));
    const { session, tokens } = decode('CreateSession', answer as Uint8Array);
    const token = tokens?.refreshToken || tokens?.sessionToken || '';
    const userOf = (index: number) => `${mode} ${String(index).padStart(7, '0')}`;
    const ids = await copySession(this.#copies, session?.sessionId ?? '', this.size / 2, userOf);
    const tokenOf = await tokensOfCopies(this.#bench);
    return someOf(ids, CALLED).map((sessionId) => tokenOf(token, sessionId));
  }

  async #refresh(): Promise<Sample> {
    const used = this.#refreshTokens.splice(0, REFRESHES);
    const frames = used.map((refreshToken) => frameOf('RefreshSession', { refreshToken }));
    const { sample, answers } = await this.#bench.sampleAndKeep(this.#bench.service, 'RefreshSession', frames);
    this.#refreshTokens.push(...answers.map((answer) => decode('RefreshSession', answer).tokens?.refreshToken ?? ''));
    return sample;
  }

  async #validate(): Promise<Sample> {
    const { length } = this.#sessionTokens;
    const frames = Array.from({ length: VALIDATIONS }, () =>
      frameOf('ValidateSession', { sessionToken: this.#sessionTokens[this.#next++ % length] ?? '' }),
    );
    return this.#bench.sample(this.#bench.service, 'ValidateSession', frames, VALIDATIONS);
  }
}

/** Different ones, by chance. */
function someOf(ids: readonly string[], count: number): string[] {
  return ids
    .map((id) => ({ id, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ id }) => id);
}

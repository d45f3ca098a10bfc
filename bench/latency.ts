import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { UnaryRpc } from '../test/grpc/client.ts';
import type { Work } from './bare_service.ts';
import type { Loaded } from './load.ts';
import { cost, type Result } from './measure.ts';
import { plot, type Series } from './plot.ts';
import { creations, decode, frameOf, RpcBench } from './rpc.ts';

const FOLDER = fileURLToPath(import.meta.resolve('#root/docs/performance'));

/** Of what the service does at most. */
const SHARES = [0.1, 0.3, 0.5, 0.7, 0.85] as const;
const ROW_SHARE = 0.5;

const SECONDS = 1;
const WARM_UP_CALLS = 2000;
const MOST_CALLS = 2000;

/** What is called, with messages that no call was made with before. */
interface Subject {
  readonly title: string;
  readonly file: string;
  readonly rpc: UnaryRpc;
  readonly work: Work;
  readonly frames: (bench: RpcBench, count: number) => Promise<readonly Uint8Array[]>;
}

const SUBJECTS: readonly (Subject & { readonly storeUrl: string })[] = [
  {
    title: 'ValidateSession, LOCAL, tokens seen before',
    file: 'validate_local.svg',
    storeUrl: 'memory:',
    rpc: 'ValidateSession',
    work: 'nothing',
    frames: async (bench) =>
      (await tokensOf(bench, 500)).map(({ accessToken }) => frameOf('ValidateSession', { accessToken })),
  },
  {
    title: 'RefreshSession on SQLite',
    file: 'refresh_sqlite.svg',
    storeUrl: 'sqlite:',
    rpc: 'RefreshSession',
    work: 'update and sign',
    frames: async (bench, count) =>
      (await tokensOf(bench, count)).map(({ refreshToken }) => frameOf('RefreshSession', { refreshToken })),
  },
];

/** How long calls take that come at random times, by how many come; drawn into docs/performance. */
export async function latency(): Promise<readonly Result[]> {
  const results: Result[] = [];
  mkdirSync(FOLDER, { recursive: true });
  for (const subject of SUBJECTS) {
    const bench = await RpcBench.start({ storeUrl: subject.storeUrl });
    try {
      results.push(...(await measure(bench, subject)));
    } finally {
      await bench.end();
    }
  }
  return results;
}

async function measure(bench: RpcBench, { title, file, rpc, work, frames }: Subject): Promise<Result[]> {
  const [answer] = await bench.answers(rpc, await frames(bench, 1));
  await bench.floorAnswers(rpc, work, answer as Uint8Array);
  const closed = async (count: number) => bench.sample(bench.service, rpc, await frames(bench, count), count);
  await bench.sample(bench.floor, rpc, await frames(bench, 1), WARM_UP_CALLS);
  await closed(WARM_UP_CALLS);
  const { perSecond: most } = await closed(MOST_CALLS);
  const points: { share: number; perSecond: number; ours: Loaded; floor: Loaded }[] = [];
  for (const share of SHARES) {
    const perSecond = most * share;
    const calls = Math.round(perSecond * SECONDS);
    const messages = await frames(bench, calls);
    const floor = await bench.offer(bench.floor, rpc, messages, perSecond, calls);
    const ours = await bench.offer(bench.service, rpc, messages, perSecond, calls);
    points.push({ share, perSecond, ours, floor });
  }
  const series = (name: string, ms: (point: (typeof points)[number]) => number): Series => ({
    name,
    points: points.map((point) => ({ x: point.perSecond, y: ms(point) })),
  });
  const lines = [
    series('p99', ({ ours }) => ours.p99Ms),
    series('p50', ({ ours }) => ours.p50Ms),
    series('floor p99', ({ floor }) => floor.p99Ms),
    series('floor p50', ({ floor }) => floor.p50Ms),
  ];
  writeFileSync(`${FOLDER}/${file}`, plot({ title, x: 'calls per second', y: 'ms', series: lines }));
  return points
    .filter(({ share }) => share === ROW_SHARE)
    .flatMap(({ ours, floor }) => [
      cost(`${title}, at ${ROW_SHARE * 100} % of its most, median`, ours.p50Ms, 'ms', floor.p50Ms),
      cost(`${title}, at ${ROW_SHARE * 100} % of its most, p99`, ours.p99Ms, 'ms', floor.p99Ms),
    ]);
}

async function tokensOf(bench: RpcBench, count: number) {
  const answers = await bench.answers('CreateSession', creations(count));
  return answers.map((answer) => {
    const { tokens } = decode('CreateSession', answer);
    return { accessToken: tokens?.accessToken ?? '', refreshToken: tokens?.refreshToken ?? '' };
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { cost, plain, type Result } from './measure.ts';
import type { Taken } from './mix.ts';
import { PLACES, type StoreName } from './places.ts';
import { BenchProcess, type Usage } from './process.ts';
import { RpcBench } from './rpc.ts';
import { subscribe } from './streams.ts';

const MINUTES = Number(process.env['BENCH_MINUTES'] || '10');
const STORE = (process.env['BENCH_STORE'] || 'sqlite') as StoreName;

/** More than the service remembers verified tokens: their number is what it will be from the beginning. */
const SESSIONS = 30_000;
const STREAMS = 4;
const IN_FLIGHT = 64;
const MOST_MS = 10_000;
/** Of what the service does at most. */
const SHARE = 0.5;
const WARM_UP_MS = 30_000;
const MINUTE_MS = 60_000;
const LOOK_MS = 1_000;

const LEAST_RATIO = 1 / 1.1;

/** Ended sessions are swept by the next minute: as many are kept as ever will be. */
const ENV = { ENDED_SESSION_RETENTION: '1s' };

interface Minute extends Taken {
  /** Of the service, on average. */
  readonly residentMiB: number;
}

/** The last minute of a mixed load, whose sessions come and go, beside its first. */
export async function steady(): Promise<readonly Result[]> {
  const place = await PLACES[STORE]();
  const bench = await RpcBench.start({ storeUrl: place.url, isOpen: true, env: ENV });
  const mix = await BenchProcess.start('mix');
  const subscribers: BenchProcess[] = [];
  try {
    const { port } = bench.service;
    const start: typeof BenchProcess.start = async (...given) => {
      const started = await BenchProcess.start(...given);
      subscribers.push(started);
      return started;
    };
    await subscribe(start, port, STREAMS);
    await mix.ask('begin', port, SESSIONS);
    const perSecond = (await mix.ask<number>('most', IN_FLIGHT, MOST_MS)) * SHARE;
    await mix.ask('offer', perSecond);
    await sleep(WARM_UP_MS);
    const before = await bench.service.process.usage();
    await mix.ask('take');
    const minutes: Minute[] = [];
    while (minutes.length < MINUTES) minutes.push(await minuteOf(bench.service.process, mix));
    const after = await bench.service.process.usage();
    await mix.ask('stop');
    const live = cost('live memory after the last minute, beside before the first', mib(after), 'MiB', mib(before));
    return [...rows(minutes, perSecond), live];
  } finally {
    await Promise.all([mix, ...subscribers].map((each) => each.end()));
    await bench.end();
    await place.remove();
  }
}

function mib({ liveBytes }: Usage): number {
  return liveBytes / 2 ** 20;
}

async function minuteOf(service: BenchProcess, mix: BenchProcess): Promise<Minute> {
  const untilMs = performance.now() + MINUTE_MS;
  let [residentBytes, looks] = [0, 0];
  while (performance.now() < untilMs) {
    await sleep(LOOK_MS);
    residentBytes += await service.ask<number>('residentBytes');
    looks += 1;
  }
  const minute = { ...(await mix.ask<Taken>('take')), residentMiB: residentBytes / looks / 2 ** 20 };
  const { calls, failed, p50Ms, p99Ms, residentMiB } = minute;
  const times = `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
  console.error(`${calls} calls, ${failed} failed, ${times}, ${residentMiB.toFixed(1)} MiB`);
  return minute;
}

function rows(minutes: readonly Minute[], perSecond: number): Result[] {
  const [first, last] = [minutes[0], minutes.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there was no minute');
  const beside = `minute ${minutes.length} beside the first, ${STORE}`;
  const p99s = minutes.map(({ p99Ms }) => p99Ms);
  return [
    plain('calls a second', perSecond, '/s'),
    plain("the generator's share of a core", (last.cpuUs / 1e3 / MINUTE_MS) * 100, '%'),
    cost(`${beside}: resident memory`, last.residentMiB, 'MiB', first.residentMiB, LEAST_RATIO),
    cost(`${beside}: median`, last.p50Ms, 'ms', first.p50Ms),
    cost(`${beside}: p99`, last.p99Ms, 'ms', first.p99Ms, LEAST_RATIO),
    plain(
      'calls that failed',
      minutes.reduce((sum, { failed }) => sum + failed, 0),
      '',
    ),
    plain('least p99 of a minute', Math.min(...p99s), 'ms'),
    plain('greatest p99 of a minute', Math.max(...p99s), 'ms'),
  ];
}

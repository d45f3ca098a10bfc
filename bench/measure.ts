import { setImmediate as nextTurn } from 'node:timers/promises';

/** One row of the table and of results.json. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same of the least that could do the work, measured in the same run; null where there is none. */
  readonly floor: number | null;
  /** How near the value comes to its floor: 1 where it is as good. */
  readonly ratio: number | null;
  /** The least ratio to have where there is a floor, else the highest value; null where none is asked for. */
  readonly bar: number | null;
  readonly met: boolean | null;
  /** The least and the greatest ratio of the rounds; null where there was one measurement, or no floor. */
  readonly spread: readonly [number, number] | null;
}

/** What is measured under one name; it leaves nothing running. */
export type Benchmark = () => Promise<readonly Result[]>;

/** A value for itself. */
export function plain(name: string, value: number, unit: string, mostAllowed: number | null = null): Result {
  const met = mostAllowed === null ? null : value <= mostAllowed;
  return { name, value, unit, floor: null, ratio: null, bar: mostAllowed, met, spread: null };
}

/** A cost beside its floor: less is better. */
export function cost(name: string, value: number, unit: string, floor: number, leastRatio: number | null = null) {
  return beside(name, value, unit, floor, floor / value, leastRatio);
}

/** A rate beside its floor: more is better. */
export function rate(name: string, value: number, unit: string, floor: number, leastRatio: number | null = null) {
  return beside(name, value, unit, floor, value / floor, leastRatio);
}

function beside(name: string, value: number, unit: string, floor: number, ratio: number, bar: number | null): Result {
  return { name, value, unit, floor, ratio, bar, met: bar === null ? null : ratio >= bar, spread: null };
}

type Samples = readonly number[];

/** Costs that were taken in turn with those of their floor: medians, and how the ratio of a round differs. */
export function costs(name: string, values: Samples, unit: string, floors: Samples, leastRatio: number | null = null) {
  return inRounds(cost(name, median(values), unit, median(floors), leastRatio), ratios(floors, values));
}

/** The same of rates. */
export function rates(name: string, values: Samples, unit: string, floors: Samples, leastRatio: number | null = null) {
  return inRounds(rate(name, median(values), unit, median(floors), leastRatio), ratios(values, floors));
}

/** What else the machine does changes from round to round: the ratio is the median of those within a round. */
function inRounds(result: Result, ratios: Samples): Result {
  const ratio = median(ratios);
  const met = result.bar === null ? null : ratio >= result.bar;
  return { ...result, ratio, met, spread: [Math.min(...ratios), Math.max(...ratios)] };
}

function ratios(above: Samples, below: Samples): number[] {
  return above.map((value, round) => value / (below[round] ?? Number.NaN));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The least sample that at least this part of them does not exceed. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * Takes one sample of each in turn, round by round: what else the machine does then meets all of them alike. The first
 * round is in the given order; then it goes there and back and begins elsewhere, lest one always comes after the same.
 *
 * @param chains of steps that build on one another: each is taken right after the one before, first ones first
 */
export async function inTurn<K extends string, T>(
  rounds: number,
  take: Readonly<Record<K, () => Promise<T> | T>>,
  chains: readonly (readonly K[])[] = [],
): Promise<Record<K, T[]>> {
  const names = Object.keys(take) as K[];
  const chained = new Set(chains.flat());
  const parts = [...chains, ...names.filter((name) => !chained.has(name)).map((name) => [name])];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, T[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of inOrder(parts, round)) samples[name].push(await take[name]());
  }
  return samples;
}

function inOrder<K>(parts: readonly (readonly K[])[], round: number): K[] {
  const first = Math.floor(round / 2) % parts.length;
  const there = [...parts.slice(first), ...parts.slice(0, first)];
  return (round % 2 === 0 ? there : there.reverse()).flat();
}

/** Bytes that live on in this process once garbage is collected. */
export function liveBytes(): number {
  if (globalThis.gc === undefined) throw new Error('memory is measured under node --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The longest that the event loop did not turn while `work` was done, in ms. */
export async function longestPauseMs(work: () => Promise<void> | void): Promise<number> {
  let longestMs = 0;
  let turnedAtMs = performance.now();
  let isOver = false;
  const turn = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - turnedAtMs);
    turnedAtMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await nextTurn();
  longestMs = 0;
  await work();
  await nextTurn();
  isOver = true;
  return longestMs;
}

/** How long `work` takes once, in ms. */
export function timedMs(work: () => void): number {
  const sinceMs = performance.now();
  work();
  return performance.now() - sinceMs;
}

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Result } from './measure.ts';
import { revocationSet } from './revocation_set.ts';
import { ring } from './ring.ts';
import { watchFanout } from './watch_fanout.ts';
import { watchLatency } from './watch_latency.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  'watch-latency': watchLatency,
  'watch-fanout': watchFanout,
  'revocation-set': revocationSet,
  ring,
};

const RESULTS_FILE = fileURLToPath(import.meta.resolve('#root/bench/results.json'));

const COLUMNS = ['name', 'value', 'unit', 'floor', 'ratio', 'bar', 'met'] as const;

/** Measures what is named, or all, and fails on no number. */
async function run(asked: string): Promise<void> {
  const names = asked === '' ? Object.keys(BENCHMARKS) : [asked];
  const results: Result[] = [];
  for (const name of names) {
    const benchmark = BENCHMARKS[name];
    if (benchmark === undefined)
      throw new Error(`no benchmark ${name}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
    console.error(`${name} ...`);
    for (const result of await benchmark()) results.push({ ...result, name: `${name}: ${result.name}` });
  }
  console.log(tableOf(results));
  const file = { machine: machine(), versions: versions(), results };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(file, null, 2)}\n`);
}

function tableOf(results: readonly Result[]): string {
  const rows = [COLUMNS, ...results.map((result) => COLUMNS.map((column) => cell(result[column])))];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(value: Result[keyof Result]): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'NO';
  return typeof value === 'string' ? value : value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function machine() {
  const [first] = cpus();
  const { platform, arch } = process;
  return { cpu: first?.model ?? '', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), platform, arch };
}

function versions(): Record<string, string> {
  const text = readFileSync(fileURLToPath(import.meta.resolve('#root/package.json')), 'utf8');
  const { version, dependencies } = JSON.parse(text) as { version: string; dependencies: Record<string, string> };
  return { 'session-authority': version, node: process.versions.node, ...dependencies };
}

await run(process.env['BENCH'] ?? '');

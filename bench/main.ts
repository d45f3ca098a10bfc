import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { idleStreams } from './idle_streams.ts';
import { latency } from './latency.ts';
import type { Benchmark, Result } from './measure.ts';
import { revocationSet } from './revocation_set.ts';
import { logOut } from './log_out.ts';
import { ring } from './ring.ts';
import { rpcLocal } from './rpc_local.ts';
import { rpcStore } from './rpc_store.ts';
import { sessionBytes } from './session_bytes.ts';
import { sessions } from './sessions.ts';
import { start } from './start.ts';
import { steady } from './steady.ts';
import { textTable } from './table.ts';
import { verifier } from './verifier.ts';
import { watchBurst } from './watch_burst.ts';
import { watchFanout } from './watch_fanout.ts';
import { watchLatency } from './watch_latency.ts';
import { workers } from './workers.ts';

type Benchmarks = Readonly<Record<string, Benchmark>>;

const BENCHMARKS: Benchmarks = {
  'rpc-local': rpcLocal,
  'rpc-sqlite': rpcStore('sqlite'),
  'rpc-postgres': rpcStore('postgres'),
  'rpc-redis': rpcStore('redis'),
  latency,
  'log-out': logOut,
  'session-bytes': sessionBytes,
  'watch-latency': watchLatency,
  'watch-burst': watchBurst(1000),
  'idle-streams': idleStreams,
  verifier,
  start,
  'revocation-set': revocationSet,
  ring,
};

/** What takes too long to be measured often. */
const SCALE_BENCHMARKS: Benchmarks = {
  sessions,
  'watch-burst-5000': watchBurst(5000),
  'watch-fanout': watchFanout,
  workers,
  steady,
};

/** What is written beside the table. */
export interface Results {
  readonly machine: ReturnType<typeof machine>;
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

/** Measures what is named, or all, and fails on no number. */
async function run(benchmarks: Benchmarks, file: string, asked: string): Promise<void> {
  const names = asked === '' ? Object.keys(benchmarks) : [asked];
  const results: Result[] = [];
  for (const name of names) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined)
      throw new Error(`no benchmark ${name}; there are ${Object.keys(benchmarks).join(', ')}`);
    console.error(`${name} ...`);
    const sinceMs = performance.now();
    for (const result of await benchmark()) results.push({ ...result, name: `${name}: ${result.name}` });
    console.error(`${name} took ${Math.round((performance.now() - sinceMs) / 1000)} s`);
  }
  console.log(textTable(results));
  const written: Results = { machine: machine(), versions: versions(), results };
  writeFileSync(fileURLToPath(import.meta.resolve(file)), `${JSON.stringify(written, null, 2)}\n`);
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

const asked = process.env['BENCH'] ?? '';
if (process.argv[2] === 'scale') await run(SCALE_BENCHMARKS, '#root/bench/results-scale.json', asked);
else await run(BENCHMARKS, '#root/bench/results.json', asked);

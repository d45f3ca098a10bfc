import { cpus } from 'node:os';
import { join } from 'node:path';
import { generateMasterKey } from '../src/token/master_key.ts';
import { RPCS } from '../test/grpc/client.ts';
import { startService, temporaryFolder } from '../test/harness.ts';
import { findPrograms } from '../test/servers/programs.ts';
import type { Load, Loaded } from './load.ts';
import { inTurn, median, plain, rates, type Result } from './measure.ts';
import { PLACES } from './places.ts';
import { BenchProcess } from './process.ts';
import { creations, decode, frameOf, IN_FLIGHT } from './rpc.ts';

const ROUNDS = 9;
const WARM_UP_ROUNDS = 3;
const TOKENS = 1000;
const CALLS = 2000;

const CONSISTENCIES = ['LOCAL', 'STRONG'] as const;

/** The same validations by one worker and by two, on one Postgres; generator and database have the same cores to run on. */
export async function workers(): Promise<readonly Result[]> {
  if (findPrograms('postgres') === null) {
    console.error('postgres is not installed here, and workers are not measured');
    return [];
  }
  const [place, folder] = [await PLACES.postgres(), temporaryFolder()];
  const generator = await BenchProcess.start('load');
  // The service, as tests start it, keeps no process waiting.
  const waiting = setInterval(() => {}, 1000);
  const env = {
    STORE_URL: place.url,
    MASTER_KEY: generateMasterKey().toString('base64'),
    MIGRATE_ON_START: 'true',
    AUDIT_FILE: join(folder.path, 'audit.log'),
    CALLER_RATE: '1000000',
  };
  const one = await startService({ ...env, WORKERS: '1' });
  const two = await startService({ ...env, WORKERS: '2' });
  try {
    return await measure(generator, one.grpcPort, two.grpcPort);
  } finally {
    await Promise.all([generator.end(), one.end(), two.end()]);
    clearInterval(waiting);
    await place.remove();
    folder.remove();
  }
}

async function measure(generator: BenchProcess, onePort: number, twoPort: number): Promise<Result[]> {
  const load = (port: number, rpc: 'CreateSession' | 'ValidateSession', frames: readonly Uint8Array[]): Load => {
    const calls = rpc === 'CreateSession' ? frames.length : CALLS;
    return { port, path: RPCS[rpc].path, serviceToken: '', frames, calls };
  };
  const run = (given: Load, keep = false) => generator.ask<Loaded>('closed', given, IN_FLIGHT, keep);
  const { answers } = await run(load(onePort, 'CreateSession', creations(TOKENS)), true);
  const tokens = answers.map((answer) => decode('CreateSession', answer).tokens?.accessToken ?? '');
  const results: Result[] = [];
  for (const name of CONSISTENCIES) {
    const consistency = `CONSISTENCY_${name}` as const;
    const frames = tokens.map((accessToken) => frameOf('ValidateSession', { accessToken, consistency }));
    const steps = {
      one: () => run(load(onePort, 'ValidateSession', frames)),
      two: () => run(load(twoPort, 'ValidateSession', frames)),
    };
    await inTurn(WARM_UP_ROUNDS, steps);
    const { one, two } = await inTurn(ROUNDS, steps);
    const perSecond = (samples: readonly Loaded[]) => samples.map(({ seconds }) => CALLS / seconds);
    const share = (samples: readonly Loaded[]) =>
      (median(samples.map(({ cpuUs, seconds }) => cpuUs / 1e6 / seconds)) / cpus().length) * 100;
    results.push(
      rates(`validate ${name}, two workers beside one`, perSecond(two), '/s', perSecond(one)),
      plain(`validate ${name}, one worker: the generator's share of all cores`, share(one), '%'),
      plain(`validate ${name}, two workers: the generator's share of all cores`, share(two), '%'),
    );
  }
  return results;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { openDatabase } from '../src/store/sqlite/database.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { SqliteTables } from '../src/store/sqlite/tables.ts';
import { encode, RPCS, SessionClient } from '../test/grpc/client.ts';
import { open } from '../test/grpc/expect.ts';
import { temporaryFolder } from '../test/harness.ts';
import { BareClient } from '../test/process/bare_client.ts';
import { plain, rate, type Result } from './measure.ts';
import { BenchProcess } from './process.ts';
import { endlessLog } from './revocations.ts';

const IN_FLIGHT = 8;

const WINDOW = 1 << 20;

const WARM_UP_MS = 3_000;

/** How long validations are measured without a snapshot. */
const ALONE_MS = 5_000;

const LONGEST_DELAY_MS = 10;

/** A snapshot of so many entries to one stream, while others have their tokens validated LOCAL all the time. */
export async function snapshotBesideValidations(entries: number): Promise<readonly Result[]> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'sessions.db');
  await fillLog(path, entries);
  const env = {
    STORE_URL: `sqlite:${path}`,
    GRPC_ADDRESS: '127.0.0.1:0',
    HTTP_ADDRESS: '127.0.0.1:0',
    AUDIT_FILE: '/dev/null',
  };
  const server = await BenchProcess.start('instance', env);
  const subscriber = await BenchProcess.start('subscribers');
  try {
    const halfBytes = await bytesOfHalf(server, entries);
    return await measure(server, subscriber, entries, halfBytes);
  } finally {
    await Promise.all([server.end(), subscriber.end()]);
    folder.remove();
  }
}

/** What one stream holds of the server's memory in the middle of its snapshot; to look stops the server for a while. */
async function bytesOfHalf(server: BenchProcess, entries: number): Promise<number> {
  const subscriber = await BenchProcess.start('subscribers');
  try {
    const before = await server.usage();
    await subscriber.ask('open', await server.ask<number>('port'), 1, 1, WINDOW);
    await subscriber.ask('reach', 'revocations', entries / 2);
    const during = await server.usage();
    return during.liveBytes - before.liveBytes;
  } finally {
    await subscriber.end();
  }
}

async function measure(
  server: BenchProcess,
  subscriber: BenchProcess,
  entries: number,
  halfBytes: number,
): Promise<readonly Result[]> {
  const port = await server.ask<number>('port');
  const validations = await Validations.begin(port);
  await sleep(WARM_UP_MS);
  await server.usage();
  validations.take();
  await sleep(ALONE_MS);
  const [alone, ratedAlone] = [await server.usage(), validations.take() / ALONE_MS];
  const sinceMs = performance.now();
  await subscriber.ask('open', port, 1, 1, WINDOW);
  await subscriber.ask('reach', 'checkpoints', 1);
  const tookMs = performance.now() - sinceMs;
  const [during, ratedDuring] = [await server.usage(), validations.take() / tookMs];
  await validations.end();
  const { fewest } = await subscriber.ask<{ fewest: number }>('counts');
  if (fewest !== entries) throw new Error(`the snapshot had ${fewest} of ${entries} entries`);
  return [
    plain('snapshot of a million to one stream', tookMs / 1000, 's'),
    plain('memory that half a snapshot holds', halfBytes / 2 ** 20, 'MiB'),
    plain('most memory during it, with garbage', during.mostBytes / 2 ** 20, 'MiB'),
    plain('most memory without it, with garbage', alone.mostBytes / 2 ** 20, 'MiB'),
    rate('LOCAL validations beside it', ratedDuring * 1000, '/s', ratedAlone * 1000),
    plain('event loop delay without it, p99', alone.delayMs.p99, 'ms'),
    plain('event loop delay beside it, p99', during.delayMs.p99, 'ms', LONGEST_DELAY_MS),
    plain('event loop delay without it, longest', alone.delayMs.max, 'ms'),
    plain('event loop delay beside it, longest', during.delayMs.max, 'ms'),
  ];
}

/** The same token again and again, some calls at a time. */
class Validations {
  readonly #client: BareClient;
  readonly #running: Promise<unknown>;
  #count = 0;
  #isOver = false;

  private constructor(port: number, request: Buffer) {
    this.#client = new BareClient(port);
    this.#running = Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#run(request)));
  }

  static async begin(port: number): Promise<Validations> {
    const client = new SessionClient(port);
    const { tokens } = await open(client, { userId: 'ann' });
    client.close();
    return new Validations(port, encode('ValidateSession', { accessToken: tokens.accessToken }));
  }

  /** How many there were since this was last called. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#client.close();
  }

  async #run(request: Buffer): Promise<void> {
    while (!this.#isOver) {
      const { status } = await this.#client.call(RPCS.ValidateSession.path, request);
      if (status !== 'OK') throw new Error(`a validation failed: ${status}`);
      this.#count += 1;
    }
  }
}

/** As if so many sessions had ended in the last hour. */
async function fillLog(path: string, entries: number): Promise<void> {
  (await openSqliteStore(path, readConfig({}).rules, { ms: 0 })).close();
  const database = await openDatabase(path);
  const tables = new SqliteTables(database);
  const log = endlessLog(1);
  database.exec('BEGIN');
  for (let count = 0; count < entries; count += 1) tables.appendLog(log.next().value);
  database.exec('COMMIT');
  database.close();
}

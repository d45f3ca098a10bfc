import { Redis } from 'ioredis';
import { Client } from 'pg';
import { generateMasterKey } from '../src/token/master_key.ts';
import { open } from '../test/grpc/expect.ts';
import { Watcher } from '../test/grpc/watcher.ts';
import { startService, type TestService } from '../test/harness.ts';
import { PostgresServer } from '../test/servers/postgres.ts';
import { findPrograms } from '../test/servers/programs.ts';
import { RedisStandalone } from '../test/servers/redis.ts';
import { cost, inTurn, median, quantile, type Result } from './measure.ts';

const ROUNDS = 500;
const WARM_UP_ROUNDS = 50;

/** A server of its own, and the least that a process can ask it for: one small write. */
interface Store {
  readonly url: string;
  roundTrip(): Promise<unknown>;
  remove(): Promise<void>;
}

/** From the request that revokes to the frame that tells of it, on the instance that was asked and on another one. */
export async function watchLatency(): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [product, start] of [
    ['postgres', startPostgres],
    ['redis', startRedis],
  ] as const) {
    if (findPrograms(product) === null) console.error(`${product} is not installed here, and not measured`);
    else results.push(...(await onStore(product, await start())));
  }
  return results;
}

async function onStore(name: string, store: Store): Promise<Result[]> {
  const env = { STORE_URL: store.url, MASTER_KEY: generateMasterKey().toString('base64') };
  const services: TestService[] = [];
  try {
    for (const migrate of ['true', 'false']) services.push(await startService({ ...env, MIGRATE_ON_START: migrate }));
    const [asked, other] = services.map(({ client }) => new Watcher(client)) as [Watcher, Watcher];
    await Promise.all([asked.checkpoint(), other.checkpoint()]);
    const revocationMs = (watcher: Watcher) => () => latencyMs(services[0] as TestService, watcher);
    const steps = {
      same: revocationMs(asked),
      other: revocationMs(other),
      floor: () => timedMs(() => store.roundTrip()),
    };
    await inTurn(WARM_UP_ROUNDS, steps);
    const { same, other: elsewhere, floor } = await inTurn(ROUNDS, steps);
    await Promise.all([asked.close(), other.close()]);
    return [...rows(`${name}, same instance`, same, floor), ...rows(`${name}, other instance`, elsewhere, floor)];
  } finally {
    for (const service of services) await service.end();
    await store.remove();
  }
}

function rows(name: string, ms: readonly number[], floorMs: readonly number[]): Result[] {
  return [
    cost(`${name}, median`, median(ms), 'ms', median(floorMs)),
    cost(`${name}, p99`, quantile(ms, 0.99), 'ms', quantile(floorMs, 0.99)),
  ];
}

async function latencyMs({ client }: TestService, watcher: Watcher): Promise<number> {
  const { sessionId } = (await open(client, { userId: 'ann' })).session;
  const sinceMs = performance.now();
  const answer = client.call('RevokeSession', { session: { sessionId } });
  await watcher.until(() => watcher.revocations.at(-1)?.session?.sessionId === sessionId);
  const ms = performance.now() - sinceMs;
  await answer;
  return ms;
}

async function timedMs(work: () => Promise<unknown>): Promise<number> {
  const sinceMs = performance.now();
  await work();
  return performance.now() - sinceMs;
}

async function startPostgres(): Promise<Store> {
  const server = await PostgresServer.create();
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query('CREATE TABLE bare (id int PRIMARY KEY, value int)');
  await client.query('INSERT INTO bare VALUES (1, 0)');
  return {
    url: server.url,
    roundTrip: () => client.query({ name: 'bare', text: 'UPDATE bare SET value = value + 1 WHERE id = 1' }),
    remove: async () => {
      await client.end();
      await server.remove();
    },
  };
}

async function startRedis(): Promise<Store> {
  const server = await RedisStandalone.create();
  const client = new Redis(server.url);
  const sha = (await client.script('LOAD', "return redis.call('INCR', KEYS[1])")) as string;
  return {
    url: server.url,
    roundTrip: () => client.evalsha(sha, 1, 'bare'),
    remove: async () => {
      client.disconnect();
      await server.remove();
    },
  };
}

import { PostgresServer } from './postgres.ts';
import { providePrograms } from './programs.ts';
import { RedisStandalone } from './redis.ts';
import { RedisCluster } from './redis_cluster.ts';
import { RedisSentinel } from './redis_sentinel.ts';
import { givenUrl, type ServerName, SERVERS, STORES, testedStores, URL_VARIABLES } from './stores.ts';

interface Server {
  readonly url: string;
  remove(): Promise<void>;
}

const CREATE: Readonly<Record<ServerName, () => Promise<Server>>> = {
  postgres: () => PostgresServer.create(),
  redis: () => RedisStandalone.create(),
  'redis-sentinel': () => RedisSentinel.create(),
  'redis-cluster': () => RedisCluster.create(),
};

/** Those on which all tests of a run share a server. */
const SHARED: readonly ServerName[] = ['postgres', 'redis', 'redis-sentinel', 'redis-cluster'];

const running = new Map<ServerName, Server>();

/**
 * mocha calls it once, before it starts its workers, which inherit the environment and so the URLs. What TEST_STORES does not
 * leave out must be there in the end, or the run fails with one line.
 */
export async function mochaGlobalSetup(): Promise<void> {
  // Interrupted, mocha takes what it did not run for passed.
  process.once('SIGINT', () => process.once('exit', () => void (process.exitCode = 130)));
  try {
    await startServers();
  } catch (error) {
    await mochaGlobalTeardown();
    const { message } = error as Error;
    // mocha prints the stack, and would print it under this message once more.
    throw Object.assign(new Error(message, { cause: error }), { stack: message });
  }
}

export async function mochaGlobalTeardown(): Promise<void> {
  for (const name of running.keys()) delete process.env[URL_VARIABLES[name]];
  await Promise.all([...running.values()].map((server) => server.remove()));
  running.clear();
}

async function startServers(): Promise<void> {
  const tested = testedStores();
  const leftOut = STORES.filter((store) => !tested.includes(store));
  if (leftOut.length > 0) console.error(`TEST_STORES leaves out ${leftOut.join(', ')}`);
  const needed = SERVERS.filter((server) => tested.includes(server) && givenUrl(server) === null);
  await providePrograms(needed);
  const started = await Promise.allSettled(needed.filter((server) => SHARED.includes(server)).map(startServer));
  const faults = started.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []));
  if (faults.length > 0) throw new Error(faults.join('; '));
}

async function startServer(name: ServerName): Promise<void> {
  const server = await CREATE[name]();
  running.set(name, server);
  process.env[URL_VARIABLES[name]] = server.url;
}

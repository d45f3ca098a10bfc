import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { keysOf } from '../../src/store/redis/keys.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { type Env, temporaryFolder } from '../harness.ts';
import { endure } from '../process/endure.ts';
import { Fleet } from '../process/fleet.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { until } from '../servers/process.ts';
import type { RedisNode } from '../servers/redis.ts';
import { RedisCluster } from '../servers/redis_cluster.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { type StoreName, testedStores } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] || 10);

const INSTANCES = 3;

/** Faults that one store meets before the next one's turn. */
const ROUNDS = 4;

/** How long what hangs does so. */
const HANGS_MS = 3_000;

type Faults = Readonly<Record<string, () => Promise<unknown>>>;

/** A store of its own, with what can happen to it. */
interface Deployment {
  readonly env: Env;
  readonly faults: Faults;
  /** After which there is no other. */
  readonly last?: Faults;
  remove(): Promise<unknown>;
}

const DEPLOYMENTS: Readonly<Partial<Record<StoreName, () => Promise<Deployment>>>> = {
  sqlite: async () => {
    const folder = temporaryFolder();
    const env = {
      STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}`,
      MASTER_KEY: generateMasterKey().toString('base64'),
    };
    return { env, faults: {}, remove: async () => folder.remove() };
  },
  postgres: deployPostgres,
  'redis-sentinel': async () => {
    const server = await RedisSentinel.create();
    const faults = redisFaults(
      () => server.master(),
      (former) => server.failoverFrom(former),
      () => server.settled(),
    );
    return { env: sharedEnv(server.url), faults, remove: () => server.remove() };
  },
  'redis-cluster': async () => {
    const server = await RedisCluster.create();
    const key = keysOf('sa:', 16).partitions[0]?.state ?? '';
    const faults = redisFaults(
      () => server.masterOf(key),
      (former) => server.failoverFrom(former, key),
      () => server.settled(),
    );
    return { env: sharedEnv(server.url), faults, remove: () => server.remove() };
  },
};

async function deployPostgres(): Promise<Deployment> {
  const primary = await PostgresServer.create();
  const database = await migratedDatabase(primary.url);
  const standby = await primary.standby();
  await primary.awaitStandbys(standby.name);
  await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
  const { username, password } = new URL(database.url);
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
  const promote = async () => {
    await standby.promote();
    await standby.awaitStandbys('');
  };
  return {
    env: sharedEnv(`postgres://${username}:${password}@${hosts}/${database.name}`),
    faults: {
      'the primary restarts': () => primary.restart(),
      'the primary crashes': () => primary.restart('immediate'),
      'the primary hangs': () => hang(primary),
      'the standby hangs': () => hang(standby),
    },
    last: {
      'the primary is killed and the standby promoted': () => primary.kill().then(promote),
      'the primary hangs and the standby is promoted': () => Promise.resolve(primary.freeze()).then(promote),
    },
    remove: async () => {
      await database.close();
      await standby.remove();
      await primary.remove();
    },
  };
}

function redisFaults(
  masterOf: () => Promise<RedisNode>,
  failoverFrom: (former: RedisNode) => Promise<RedisNode>,
  settled: () => Promise<void>,
): Faults {
  return {
    'a master is killed': async () => {
      const former = await masterOf();
      await former.kill();
      await failoverFrom(former);
      await former.start();
      await settled();
    },
    'a master hangs, and comes back deposed': async () => {
      const former = await masterOf();
      former.freeze();
      await failoverFrom(former);
      former.thaw();
      await settled();
    },
  };
}

function instanceFaults(fleet: Fleet): Faults {
  const one = () => pick(fleet.services);
  return {
    'an instance is killed': async () => {
      await fleet.kill(one());
      await fleet.add();
    },
    'an instance is ended': async () => {
      await fleet.kill(one(), 'SIGTERM');
      await fleet.add();
    },
    'an instance hangs': async () => {
      const service = one();
      service.signal('SIGSTOP');
      await pause(HANGS_MS);
      service.signal('SIGCONT');
    },
  };
}

async function hang(server: PostgresServer): Promise<void> {
  server.freeze();
  await pause(HANGS_MS);
  server.thaw();
}

function sharedEnv(url: string): Env {
  return { STORE_URL: url, MASTER_KEY: generateMasterKey().toString('base64') };
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] ?? assert.fail();
}

/** One store, from its beginning to its end. */
async function lap(store: StoreName, deploy: () => Promise<Deployment>): Promise<void> {
  const deployment = await deploy();
  const { env, faults, last } = deployment;
  const fleet = await Fleet.start(env, INSTANCES);
  const strike = async (from: Faults) => {
    const [title, run] = pick(Object.entries(from));
    console.log(`${new Date().toISOString()} ${store}: ${title}`);
    await run();
  };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const isLast = last !== undefined && round === ROUNDS - 1;
      await endure(fleet, async () => {
        await strike(instanceFaults(fleet));
        await strike(isLast ? last : { ...instanceFaults(fleet), ...faults });
      });
    }
  } finally {
    await fleet.end();
    await deployment.remove();
  }
}

describe('subscribers miss nothing', function () {
  this.timeout(0);

  it(`in ${MINUTES} minutes of faults`, async () => {
    const byMs = performance.now() + MINUTES * 60_000;
    const tested = testedStores();
    for (;;) {
      for (const store of tested) {
        if (performance.now() > byMs) return;
        const deploy = DEPLOYMENTS[store];
        if (deploy !== undefined) await lap(store, deploy);
      }
    }
  });
});

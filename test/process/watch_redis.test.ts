import { generateMasterKey } from '../../src/token/master_key.ts';
import { RedisCluster } from '../servers/redis_cluster.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';
import { keysOf } from '../../src/store/redis/keys.ts';
import { endure } from './endure.ts';
import { Fleet } from './fleet.ts';

const MASTER_KEY = generateMasterKey().toString('base64');

describeOn('redis-sentinel', () => {
  it('subscribers miss nothing where the master is killed', async function () {
    this.timeout(180_000);
    const server = await RedisSentinel.create();
    const fleet = await Fleet.start({ STORE_URL: server.url, MASTER_KEY }, 2);
    try {
      await endure(fleet, async () => {
        const former = await server.master();
        await former.kill();
        await server.failoverFrom(former);
        await former.start();
      });
    } finally {
      await fleet.end();
      await server.remove();
    }
  });
});

describeOn('redis-cluster', () => {
  it('subscribers miss nothing where a master is killed', async function () {
    this.timeout(180_000);
    const server = await RedisCluster.create();
    const fleet = await Fleet.start({ STORE_URL: server.url, MASTER_KEY }, 2);
    try {
      const key = keysOf('sa:', 16).partitions[0]?.state ?? '';
      await endure(fleet, async () => {
        const former = await server.masterOf(key);
        await former.kill();
        await server.failoverFrom(former, key);
        await former.start();
      });
    } finally {
      await fleet.end();
      await server.remove();
    }
  });
});

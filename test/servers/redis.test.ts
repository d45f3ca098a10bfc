import assert from 'node:assert/strict';
import { until } from './process.ts';
import { type RedisNode, RedisStandalone } from './redis.ts';
import { RedisCluster } from './redis_cluster.ts';
import { RedisSentinel } from './redis_sentinel.ts';
import { describeOn } from './stores.ts';

/** WAIT would say so to the connection alone that wrote the key. */
function hasOneKey(node: RedisNode): Promise<void> {
  return until(`${node.address} has the key`, async () => (await node.command('DBSIZE')) === 1);
}

describeOn('redis', () => {
  it('asks for the password that it was given, and starts again on its port', async () => {
    const server = await RedisStandalone.create('secret/1');
    try {
      const { node } = server;
      assert.equal(server.url, `redis://:secret%2F1@127.0.0.1:${node.port}`);
      await node.command('SET', 'key', 'value');
      assert.equal((await node.info('memory')).get('maxmemory_policy'), 'noeviction');
      await node.kill();
      await assert.rejects(node.command('PING'));
      await node.start();
      assert.equal(await node.command('GET', 'key'), null);
      node.freeze();
      await node.stop();
      assert.equal(node.isUp, false);
    } finally {
      await server.remove();
    }
  });
});

describeOn('redis-sentinel', () => {
  it('fails over from a master that was killed', async () => {
    const server = await RedisSentinel.create();
    try {
      assert.match(
        server.url,
        /^redis-sentinel:\/\/127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/session-authority$/,
      );
      const former = await server.master();
      await former.command('SET', 'key', 'value');
      for (const replica of await server.replicas()) await hasOneKey(replica);
      await former.kill();
      const master = await server.failoverFrom(former);
      assert.equal(await master.command('GET', 'key'), 'value');
      assert.ok((await server.replicas()).includes(former));
    } finally {
      await server.remove();
    }
  });
});

describeOn('redis-cluster', () => {
  it('fails over from a master that hangs, which comes back as a replica', async () => {
    const server = await RedisCluster.create();
    try {
      assert.equal((await server.masters()).length, 3);
      const former = await server.masterOf('key');
      const [replica, ...others] = await server.replicasOf(former);
      assert.ok(replica !== undefined && others.length === 0);
      await former.command('SET', 'key', 'value');
      await hasOneKey(replica);
      former.freeze();
      const master = await server.failoverFrom(former, 'key');
      assert.equal(master, replica);
      assert.equal(await master.command('GET', 'key'), 'value');
      former.thaw();
      await server.settled();
      assert.deepEqual(await server.replicasOf(master), [former]);
    } finally {
      await server.remove();
    }
  });
});

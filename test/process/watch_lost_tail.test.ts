import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateMasterKey } from '../../src/token/master_key.ts';
import type { SessionClient } from '../grpc/client.ts';
import { open, present, range, seconds } from '../grpc/expect.ts';
import { Watcher } from '../grpc/watcher.ts';
import { startService, temporaryFolder } from '../harness.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';
import { Fleet } from './fleet.ts';

const MASTER_KEY = generateMasterKey().toString('base64');
const HEARTBEAT = seconds(0.25);

/** How many revocations are lost, and as many others take their places. */
const LOST = 3;

/** All of one user, so that on Redis they are of one partition. */
const USER = { userId: 'ann' };

async function opened(client: SessionClient, count: number): Promise<readonly string[]> {
  const answers = await Promise.all(range(count).map(() => open(client, USER)));
  return answers.map(({ session }) => session.sessionId);
}

async function revoke(client: SessionClient, sessionIds: readonly string[]): Promise<void> {
  for (const sessionId of sessionIds) {
    const { revoked } = await client.call('RevokeSession', { session: { sessionId } });
    assert(revoked);
  }
}

function knows(watcher: Watcher, sessionIds: readonly string[]): Promise<void> {
  return watcher.until(() => sessionIds.every((id) => watcher.sessionIds.includes(id)), 'every revocation');
}

/** A stream that begins where the lost tail ended is told so, and what is revoked comes with the snapshot or behind it. */
async function assertTruncated(client: SessionClient, cursor: Buffer, sessionIds: readonly string[]): Promise<void> {
  const watcher = new Watcher(client, { cursor, heartbeat: HEARTBEAT });
  await watcher.checkpoint();
  assert.deepEqual(watcher.kinds.slice(0, 3), ['opened', 'reset', 'snapshotChunk']);
  assert.equal(present(watcher.frames[0]?.opened).start, 'START_SNAPSHOT');
  assert.equal(present(watcher.frames[1]?.reset).cause, 'CAUSE_TRUNCATED');
  await knows(watcher, sessionIds);
  await watcher.close();
}

describeOn('redis-sentinel', () => {
  it('a tail that was lost with its master is told of, on every stream, also where others took its places', async function () {
    this.timeout(180_000);
    const server = await RedisSentinel.create();
    // Acknowledged by the master alone: what a store promises that waits for replicas can not be lost like this.
    const fleet = await Fleet.start({ STORE_URL: server.url, MASTER_KEY, REDIS_WAIT_REPLICAS: '0' }, 1);
    try {
      const [witness] = fleet.services;
      assert(witness !== undefined);
      const sessionIds = await opened(witness.client, 2 * LOST + 2);
      const [kept, alive] = [sessionIds.slice(0, 1), sessionIds.slice(1, 2)];
      const [lost, later] = [sessionIds.slice(2, 2 + LOST), sessionIds.slice(2 + LOST)];
      await revoke(witness.client, kept);
      const stream = new Watcher(witness.client, { heartbeat: HEARTBEAT });
      await knows(stream, kept);
      await server.settled();
      const former = await server.master();
      await former.command('WAIT', 2, 5000);
      await former.command('ACL', 'SETUSER', 'default', '-psync', '-sync');
      await former.command('CLIENT', 'KILL', 'TYPE', 'replica');
      await revoke(witness.client, lost);
      await knows(stream, lost);
      await stream.checkpoint();
      const { cursor } = stream;
      // Else it would put back at once what was lost.
      witness.signal('SIGSTOP');
      await former.kill();
      await server.failoverFrom(former);

      const stranger = await fleet.add();
      await assertTruncated(stranger.client, cursor, kept);
      await revoke(stranger.client, later);
      await assertTruncated(stranger.client, cursor, [...kept, ...later]);
      const other = new Watcher(stranger.client, { heartbeat: HEARTBEAT });
      await knows(other, later);
      assert(!lost.some((id) => other.sessionIds.includes(id)));

      const before = stream.frames.length;
      witness.signal('SIGCONT');
      await stream.until(() => stream.frames.some(({ reset }) => reset != null), 'a reset');
      const reset = stream.frames.find(({ reset }) => reset != null)?.reset;
      assert.equal(present(reset).cause, 'CAUSE_TRUNCATED');
      assert(stream.frames.findIndex(({ reset }) => reset != null) >= before);
      await knows(stream, later);
      // What was lost is put back by who knew of it.
      await knows(other, lost);
      assert(!other.kinds.includes('reset'));
      for (const { client } of fleet.services) await assertTruncated(client, cursor, [...kept, ...lost, ...later]);
      for (const watcher of [stream, other]) assert(!alive.some((id) => watcher.sessionIds.includes(id)));
      await Promise.all([stream.close(), other.close()]);
    } finally {
      await fleet.end();
      await server.remove();
    }
  });
});

describeOn('sqlite', () => {
  it('an older copy of the database is told of as a lost tail, also where others took its places', async () => {
    const folder = temporaryFolder();
    const [path, copy] = [join(folder.path, 'sessions.db'), join(folder.path, 'copy.db')];
    const env = { STORE_URL: `sqlite:${path}` };
    let service = await startService(env);
    try {
      const sessionIds = await opened(service.client, 2 * LOST + 1);
      const [kept, lost, later] = [sessionIds.slice(0, 1), sessionIds.slice(1, 1 + LOST), sessionIds.slice(1 + LOST)];
      await revoke(service.client, kept);
      await service.end();
      copyFileSync(path, copy);
      service = await startService(env);
      const stream = new Watcher(service.client, { heartbeat: HEARTBEAT });
      await revoke(service.client, lost);
      await knows(stream, lost);
      await stream.checkpoint();
      await service.end();
      copyFileSync(copy, path);
      service = await startService(env);
      await assertTruncated(service.client, stream.cursor, kept);
      await revoke(service.client, later);
      await assertTruncated(service.client, stream.cursor, [...kept, ...later]);
    } finally {
      await service.end('SIGKILL');
      folder.remove();
    }
  });
});

import assert from 'node:assert/strict';
import { newSessionId, ownerBits, siblingSessionId } from '../../../src/domain/session_id.ts';
import { keysOf, MAX_PARTITIONS, partitionOf } from '../../../src/store/redis/keys.ts';
import { describeOn, serverUrl } from '../../servers/stores.ts';
import { closeClient, openClient, untilReady } from '../../../src/store/redis/client.ts';
import { locationOf } from './harness.ts';

describe('The keys of a store on Redis', () => {
  it('divide the slots of a Cluster evenly, whatever their number', () => {
    for (const partitions of [1, 2, 3, 16, 100, MAX_PARTITIONS]) {
      const slots = keysOf('sa:', partitions).partitions.map(({ slot }) => slot);
      assert.equal(new Set(slots).size, partitions);
      const width = 16_384 / partitions;
      for (const [index, slot] of slots.entries()) assert.equal(Math.floor(slot / width), index);
    }
  });

  it('put all sessions of a user, and what follows them, into one partition', () => {
    for (let user = 0; user < 50; user += 1) {
      const id = newSessionId('acme', `user-${user}`);
      const own = ownerBits('acme', `user-${user}`) % 16;
      for (const other of [id, newSessionId('acme', `user-${user}`), siblingSessionId(id)]) {
        assert.equal(partitionOf(other, 16), own);
      }
    }
  });

  it('have a partition for what is no id of ours', () => {
    for (const id of ['', '__proto__', 'zzzz']) assert.equal(partitionOf(id, 16), 0);
  });
});

describeOn('redis-cluster', () => {
  it('knows the slots of the keys as we do', async () => {
    const client = openClient(locationOf(serverUrl('redis-cluster')), { username: '', password: '' });
    try {
      await untilReady(client, performance.now() + 5_000);
      for (const { state, log, guard, slot } of keysOf('any:', 16).partitions) {
        for (const key of [state, log, guard]) assert.equal(await client.cluster('KEYSLOT', key), slot);
      }
    } finally {
      closeClient(client);
    }
  });
});

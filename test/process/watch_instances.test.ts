import assert from 'node:assert/strict';
import { join } from 'node:path';
import { open, range } from '../grpc/expect.ts';
import { Watcher } from '../grpc/watcher.ts';
import { temporaryFolder } from '../harness.ts';
import { describeOn } from '../servers/stores.ts';
import { endure } from './endure.ts';
import { Fleet } from './fleet.ts';
import { SHARED } from './shared_store.ts';

for (const store of ['postgres', 'redis'] as const) {
  describeOn(store, () => {
    describe('subscribers of several instances', function () {
      this.timeout(120_000);
      let fleet: Fleet;
      let remove: () => Promise<void>;

      before(async () => {
        const [env, removeStore] = await SHARED[store]();
        remove = removeStore;
        fleet = await Fleet.start(env, 2);
      });

      after(async () => {
        await fleet.end();
        await remove();
      });

      it('hear of a revocation on either', async () => {
        const clients = fleet.clients();
        const watchers = clients.map((client) => new Watcher(client));
        for (const watcher of watchers) await watcher.checkpoint();
        for (const index of range(4)) {
          const client = clients[index % 2] ?? assert.fail();
          const { session } = await open(client, { userId: 'ann' });
          await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
          for (const watcher of watchers) {
            await watcher.until(() => watcher.sessionIds.includes(session.sessionId), 'the revocation');
          }
        }
        for (const watcher of watchers) assert.equal(new Set(watcher.sessionIds).size, watcher.sessionIds.length);
        await Promise.all(watchers.map((watcher) => watcher.close()));
      });

      it('miss nothing where one is killed', async () => {
        await endure(fleet, async () => {
          const [service] = fleet.services;
          await fleet.kill(service ?? assert.fail());
          await fleet.add();
        });
      });
    });
  });
}

describeOn('sqlite', () => {
  it('subscribers miss nothing where the only instance is killed and comes back', async function () {
    this.timeout(120_000);
    const folder = temporaryFolder();
    const fleet = await Fleet.start({ STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}` }, 1);
    try {
      await endure(fleet, async () => {
        await fleet.kill(fleet.services[0] ?? assert.fail());
        await fleet.add();
      });
    } finally {
      await fleet.end();
      folder.remove();
    }
  });
});

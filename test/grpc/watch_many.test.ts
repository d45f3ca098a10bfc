import assert from 'node:assert/strict';
import { startTestServer, type TestServer } from '../harness.ts';
import { open, range } from './expect.ts';
import { Watcher } from './watcher.ts';

const STREAMS = 60;
const REVOCATIONS = 600;

describe('WatchRevocations with many subscribers', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('memory');
  });
  after(() => server.stop());

  it('gives each of them every revocation once and in order, over a resumption too', async () => {
    const opened = await Promise.all(
      range(REVOCATIONS).map((index) => open(server.client, { userId: `user-${index}` })),
    );
    const ids = opened.map(({ session }) => session.sessionId);
    const firsts = range(STREAMS).map(() => new Watcher(server.client));
    await Promise.all(firsts.map((watcher) => watcher.checkpoint()));
    const seconds: Watcher[] = [];
    for (const [index, sessionId] of ids.entries()) {
      await server.client.call('RevokeSession', { session: { sessionId } });
      // One after the other goes and comes back, wherever it is.
      const first = index % (REVOCATIONS / STREAMS) === 0 ? firsts[seconds.length] : undefined;
      if (first === undefined) continue;
      await first.close();
      seconds.push(new Watcher(server.client, { cursor: first.cursor }));
    }
    const last = ids.at(-1) ?? assert.fail();
    for (const [index, second] of seconds.entries()) {
      await second.until(() => second.sessionIds.includes(last));
      assert.deepEqual([...(firsts[index]?.sessionIds ?? []), ...second.sessionIds], ids);
      await second.close();
    }
  });
});

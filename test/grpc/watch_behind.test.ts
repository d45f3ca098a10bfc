import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { SqliteTables } from '../../src/store/sqlite/tables.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { describeOn } from '../servers/stores.ts';
import { appendRevocations, withDatabase } from './database.ts';
import { open, present, range, seconds } from './expect.ts';
import { Watcher } from './watcher.ts';

/** More than an instance keeps in memory, by far more than a stream takes that is not read. */
const APPENDED = 60_000;

const LASTING_MS = 600_000;

/** Gives the sessions in the order of the log. */
async function append(server: TestServer, count: number, discardTimeMs: number): Promise<readonly string[]> {
  const sessionIds = range(count).map(() => randomUUID());
  const scopes = sessionIds.map((sessionId) => ({ kind: 'session', tenantId: '', sessionId, minVersion: 0 }) as const);
  await appendRevocations(server.databasePath, scopes, discardTimeMs);
  return sessionIds;
}

/** Time passes, and all but the head is trimmed, in one moment. */
function trimAll(server: TestServer): Promise<void> {
  return withDatabase(server.databasePath, (database) => {
    server.advance(LASTING_MS + 60_000);
    const tables = new SqliteTables(database);
    tables.trimLog(tables.logHead().position - 1);
  });
}

describeOn('sqlite', () => {
  describe('A stream behind what the instance keeps in memory', () => {
    let server: TestServer;
    let cursor: Buffer;
    let sessionIds: readonly string[];

    before(async () => {
      server = await startTestServer('sqlite');
      const first = new Watcher(server.client);
      const { session } = await open(server.client);
      await server.client.call('RevokeSession', { session: { sessionId: session.sessionId } });
      await first.until(() => first.sessionIds.includes(session.sessionId));
      cursor = first.cursor;
      await first.close();
      sessionIds = await append(server, APPENDED, server.now() + LASTING_MS);
    });

    after(() => server.stop());

    it('is sent everything, each once and in its order, also what comes meanwhile', async () => {
      const watcher = new Watcher(server.client, { cursor, heartbeat: seconds(0.25) });
      await watcher.until(() => watcher.frames.length > 3);
      watcher.pause();
      const later = await append(server, 1000, server.now() + LASTING_MS);
      watcher.resume();
      await watcher.until(() => watcher.revocations.length >= APPENDED + later.length, 'everything');
      await watcher.checkpoint();
      assert.equal(present(watcher.frames[0]?.opened).start, 'START_RESUMED');
      assert(!watcher.kinds.includes('reset'));
      assert(watcher.sessionIds.join() === [...sessionIds, ...later].join());
      await watcher.close();
    });

    it('is told where the log is trimmed before it was read to its end', async () => {
      const watcher = new Watcher(server.client, { cursor, heartbeat: seconds(0.25) });
      await watcher.until(() => watcher.frames.length > 3);
      watcher.pause();
      await trimAll(server);
      const live = await append(server, 10, server.now() + LASTING_MS);
      watcher.resume();
      await watcher.until(() => live.every((id) => watcher.sessionIds.includes(id)), 'what is live');
      await watcher.checkpoint();
      assert.equal(present(watcher.frames[0]?.opened).start, 'START_RESUMED');
      const resets = watcher.frames.flatMap(({ reset }) => reset?.cause ?? []);
      assert.deepEqual(resets, ['CAUSE_COMPACTED']);
      await watcher.close();
    });

    it('is told where it is read so slowly that the instance forgets what comes next', async () => {
      const watcher = new Watcher(server.client, { heartbeat: seconds(0.25) });
      await watcher.checkpoint();
      watcher.pause();
      const appended = await append(server, APPENDED, server.now() + LASTING_MS);
      // A write follows the log to its end before it is answered.
      await open(server.client);
      watcher.resume();
      await watcher.until(() => watcher.kinds.includes('reset'), 'a reset');
      await watcher.checkpoint();
      const resets = watcher.frames.flatMap(({ reset }) => reset?.cause ?? []);
      assert.deepEqual(resets, ['CAUSE_LAGGED']);
      const known = new Set(watcher.sessionIds);
      assert(appended.every((id) => known.has(id)));
      await watcher.close();
    });
  });
});

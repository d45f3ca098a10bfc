import assert from 'node:assert/strict';
import { generateMasterKey } from '../../src/token/master_key.ts';
import type { TestDatabase } from '../servers/database.ts';
import type { SessionClient } from '../grpc/client.ts';
import { assertRefused, ms, open, present, seconds, verdict } from '../grpc/expect.ts';
import { Watcher } from '../grpc/watcher.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { unusedPort, until } from '../servers/process.ts';
import { RedisStandalone } from '../servers/redis.ts';
import { describeOn } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';
import { Fleet } from './fleet.ts';

const MASTER_KEY = generateMasterKey().toString('base64');

/** Longer than a fresh instance on a busy machine is behind, by far. */
const STALE_MS = 5_000;
const FRESH_MS = 3_000;

/** What does away with a store for a while, and what brings it back. */
type Fault = readonly [() => unknown, () => unknown];

/** Fails unless streams and LOCAL answers say from then on how stale they are, until the store is back. */
async function assertTold(fleet: Fleet, [strike, mend]: Fault): Promise<void> {
  const client = fleet.clients()[0] ?? assert.fail();
  const { tokens } = await open(client, { userId: 'ann' });
  const { accessToken } = tokens;
  const watcher = new Watcher(client, { heartbeat: seconds(0.25) });
  await until('the stream is fresh', async () => stalenessMs(await watcher.checkpoint()) < FRESH_MS);
  await strike();
  const struckMs = performance.now();
  const from = watcher.frames.length;
  await watcher.until(() => lastStalenessMs(watcher) > STALE_MS, 'a stale checkpoint');
  // It grew by as much as time went by, and from what it was at most.
  assert(performance.now() - struckMs > STALE_MS - FRESH_MS);
  assertGrew(watcher, from);
  const validate = (maxStaleness: number) =>
    client.call('ValidateSession', { accessToken, maxStaleness: seconds(maxStaleness) });
  const { active, staleness } = await validate(60);
  assert(active && ms(staleness) > STALE_MS);
  await assertRefused(validate(STALE_MS / 2000), { status: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP' });
  await mend();
  await watcher.until(() => lastStalenessMs(watcher) < FRESH_MS, 'a fresh checkpoint');
  await until(
    'the store answers',
    async () => (await verdict(client, { accessToken }, 'CONSISTENCY_STRONG')) === 'ACTIVE',
  );
  await until('LOCAL answers are fresh', async () => (await validate(FRESH_MS / 1000)).active);
  await assertGoesOn(client, watcher);
  await watcher.close();
}

async function assertGoesOn(client: SessionClient, watcher: Watcher): Promise<void> {
  const { session } = await open(client);
  await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
  await watcher.until(() => watcher.sessionIds.includes(session.sessionId), 'what is revoked now');
  assert(!watcher.kinds.includes('reset'));
}

/** From the last fresh checkpoint on each says that it is staler, by the time that went by. */
function assertGrew({ frames }: Watcher, from: number): void {
  const checkpoints = frames.slice(from).flatMap(({ checkpoint }) => (checkpoint == null ? [] : [checkpoint]));
  const last = checkpoints.at(-1) ?? assert.fail();
  const ofLast = ms(last.asOfTime) - stalenessMs(last);
  const growing = checkpoints.filter((one) => Math.abs(ms(one.asOfTime) - stalenessMs(one) - ofLast) < 100);
  assert(growing.length >= 10, `${growing.length} of ${checkpoints.length} checkpoints are as of one moment`);
}

function lastStalenessMs({ frames }: Watcher): number {
  const frame = frames.findLast(({ checkpoint }) => checkpoint != null);
  return stalenessMs(present(frame?.checkpoint));
}

function stalenessMs({ staleness }: { readonly staleness: Parameters<typeof ms>[0] }): number {
  return ms(staleness);
}

describeOn('redis', () => {
  describe('an instance on a Redis of its own tells how stale it is', function () {
    this.timeout(120_000);
    let server: RedisStandalone;
    let fleet: Fleet;

    before(async () => {
      server = await RedisStandalone.create();
      fleet = await Fleet.start({ STORE_URL: server.url, MASTER_KEY }, 1);
    });

    after(async () => {
      server.node.thaw();
      await fleet.end();
      await server.remove();
    });

    it('where that hangs', () => assertTold(fleet, [() => server.node.freeze(), () => server.node.thaw()]));

    it('where that is deposed, and answers whoever reads', async () => {
      const port = await unusedPort();
      await assertTold(fleet, [
        () => server.node.command('REPLICAOF', '127.0.0.1', port),
        () => server.node.command('REPLICAOF', 'NO', 'ONE'),
      ]);
    });
  });
});

describeOn('postgres', () => {
  describe('an instance on a Postgres of its own tells how stale it is', function () {
    this.timeout(120_000);
    let server: PostgresServer;
    let database: TestDatabase;
    let fleet: Fleet;

    before(async () => {
      server = await PostgresServer.create();
      database = await migratedDatabase(server.url);
      fleet = await Fleet.start({ STORE_URL: database.url, MASTER_KEY }, 1);
    });

    after(async () => {
      server.thaw();
      await fleet.end();
      await database.close();
      await server.remove();
    });

    it('where that hangs', () => assertTold(fleet, [() => server.freeze(), () => server.thaw()]));
  });
});

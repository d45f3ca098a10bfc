import assert from 'node:assert/strict';
import { join } from 'node:path';
import { RPCS, UNARY_RPCS } from '../grpc/client.ts';
import { assertVerdict, inParallel, open, present, range, refresh } from '../grpc/expect.ts';
import { startService, temporaryFolder, type TestService } from '../harness.ts';
import { BareClient } from './bare_client.ts';
import { HostileRequests } from './hostile_requests.ts';

const REFUSALS = new Set(['INVALID_ARGUMENT', 'NOT_FOUND', 'FAILED_PRECONDITION', 'ABORTED']);
const IN_FLIGHT = 48;

/** Sends that many and returns how often each status came, by RPC. */
async function storm(client: BareClient, requests: HostileRequests, count: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  await inParallel(range(count), IN_FLIGHT, async () => {
    const { rpc, bytes } = requests.next();
    const answer = await client.call(RPCS[rpc].path, bytes);
    const { status, details } = answer;
    if (status === 'OK') requests.learn(rpc, answer.bytes);
    else assert(REFUSALS.has(status) && details !== '', `${rpc} ${bytes.toString('hex')}: ${status}`);
    seen.set(`${rpc} ${status}`, (seen.get(`${rpc} ${status}`) ?? 0) + 1);
  });
  return seen;
}

async function assertHealthy({ client }: TestService): Promise<void> {
  const user = { tenantId: 'after the storm', userId: 'ann' };
  const { session, tokens } = await open(client, user);
  await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  const next = await refresh(client, tokens.refreshToken);
  const { sessions } = await client.call('ListSessions', user);
  assert.deepEqual(
    sessions.map(({ sessionId }) => sessionId),
    [session.sessionId],
  );
  await client.call('RevokeSessions', user);
  await assertVerdict(client, next.tokens.accessToken, 'REVOKED');
}

describe('100,000 hostile requests', () => {
  const folder = temporaryFolder();
  after(folder.remove);

  for (const [store, count, heapMb] of [
    ['memory:', 40_000, 192],
    [`sqlite:${join(folder.path, 'fuzz.db')}`, 60_000, 128],
  ] as const) {
    it(`leave a process healthy that has ${heapMb} MB of heap (${store.split(':')[0]})`, async function () {
      this.timeout(240_000);
      const seed = Math.floor(Math.random() * 2 ** 32);
      const service = await startService({ STORE_URL: store, MAX_SESSIONS_PER_USER: '20' }, [
        `--max-old-space-size=${heapMb}`,
      ]);
      try {
        const client = new BareClient(service.grpcPort);
        const seen = await storm(client, new HostileRequests(seed), count);
        client.close();
        // The storm has reached behind the checks of fields, and behind every other.
        for (const rpc of UNARY_RPCS) {
          assert((seen.get(`${rpc} OK`) ?? 0) > 100, `${rpc}: ${JSON.stringify([...seen])}`);
          assert(rpc === 'GetJwks' || (seen.get(`${rpc} INVALID_ARGUMENT`) ?? 0) > 100, rpc);
        }
        await assertHealthy(service);
        const { code } = await service.end();
        assert.equal(code, 0);
        const faults = service.stdout.split('\n').filter((line) => line.includes('"level":"error"'));
        assert.deepEqual([present(faults[0] ?? ''), service.stderr], ['', '']);
      } catch (error) {
        throw new Error(`seed ${seed}: ${service.stderr}`, { cause: error });
      } finally {
        await service.end('SIGKILL');
      }
    });
  }
});

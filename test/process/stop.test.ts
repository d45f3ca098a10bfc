import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RpcError, RPCS } from '../grpc/client.ts';
import { nextEntry } from '../grpc/database.ts';
import { assertVerdict, open, refusalOf } from '../grpc/expect.ts';
import { Watcher } from '../grpc/watcher.ts';
import { HealthClient } from '../grpc/health_client.ts';
import { startService, startTestServer, temporaryFolder, type TestServer, type TestService } from '../harness.ts';
import { BareClient } from './bare_client.ts';

const SERVICE = 'sessionauthority.v1.SessionService';

describe('a graceful stop', () => {
  let server: TestServer;
  let service: TestService;
  let health: HealthClient;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());
  const start = async (env: Record<string, string>) => {
    service = await startService({ STORE_URL: `sqlite:${server.databasePath}`, ...env });
    health = new HealthClient(service.grpcPort);
  };
  afterEach(async () => {
    health.close();
    await service.end('SIGKILL');
  });

  /** A call that waits until `release` is called; it has reached the service. */
  const callInFlight = async () => {
    const { tokens } = await open(server.client);
    const { token: consistencyToken, append: release } = await nextEntry(server);
    const answer = service.client.call('ValidateSession', { accessToken: tokens.accessToken, consistencyToken });
    // Streams of one connection arrive in order.
    await service.client.call('GetJwks', {});
    return { answer, release };
  };

  /** By the handler, that is: a slow machine may give up waiting, but not leave the caller without an answer. */
  const assertAnswered = async (call: Promise<{ active: boolean }>) => {
    try {
      assert.equal((await call).active, true);
    } catch (error) {
      assert(error instanceof RpcError && error.reason === 'NOT_CAUGHT_UP', String(error));
    }
  };

  it('answers what is in flight, says NOT_SERVING, and takes nothing new', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1h' });
    const watches = ['', SERVICE].map((name) => health.watch(name));
    for (const watch of watches) assert.equal(await watch.next(), 'SERVING');
    const { answer, release } = await callInFlight();
    service.signal('SIGTERM');
    for (const watch of watches) assert.equal(await watch.next(), 'NOT_SERVING');
    const newcomer = new HealthClient(service.grpcPort);
    await assert.rejects(newcomer.check(''), { code: 14 });
    newcomer.close();
    await release();
    await assertAnswered(answer);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.equal(service.stderr, '');
    assert.deepEqual(JSON.parse(service.stdout.trimEnd().split('\n').at(-1) ?? '').msg, 'stopped');
  });

  it('ends the streams that would never end', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1h' });
    const watch = health.watch('');
    assert.equal(await watch.next(), 'SERVING');
    service.signal('SIGTERM');
    assert.equal(await watch.next(), 'NOT_SERVING');
    assert.equal(await watch.ended, 0);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.equal(service.stderr, '');
  });

  it('sends subscribers of revocations elsewhere', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1h' });
    const watcher = new Watcher(service.client);
    await watcher.checkpoint();
    service.signal('SIGTERM');
    assert.equal(await watcher.ended, null);
    const { closing } = watcher.frames.at(-1) ?? assert.fail();
    assert((closing?.retryAfter?.seconds ?? 0) >= 1);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.equal(service.stderr, '');
  });

  it('cuts off at SHUTDOWN_TIMEOUT what has not ended by then', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1ms' });
    const { answer } = await callInFlight();
    const cut = refusalOf(answer);
    service.signal('SIGTERM');
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.equal((await cut).reason, '');
    assert.equal(service.stderr, '');
  });

  it('cuts off a call whose message never comes', async () => {
    await start({ SHUTDOWN_TIMEOUT: '100ms' });
    const client = new BareClient(service.grpcPort);
    const hanging = client.hang(RPCS.ValidateSession.path);
    assert.equal((await client.call(RPCS.GetJwks.path, Buffer.alloc(0))).status, 'OK');
    service.signal('SIGTERM');
    await hanging;
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.equal(service.stderr, '');
  });

  it('keeps keys and probes up until the last call is answered', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1h' });
    const url = `http://127.0.0.1:${service.httpPort}`;
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    const watch = health.watch('');
    assert.equal(await watch.next(), 'SERVING');
    const { answer, release } = await callInFlight();
    service.signal('SIGTERM');
    assert.equal(await watch.next(), 'NOT_SERVING');
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await fetch(`${url}/.well-known/jwks.json`)).status, 200);
    await release();
    await assertAnswered(answer);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
  });

  it('stops at once where nothing is in progress, idle connections or not', async () => {
    await start({ SHUTDOWN_TIMEOUT: '1h' });
    await service.client.call('GetJwks', {});
    await fetch(`http://127.0.0.1:${service.httpPort}/healthz`);
    service.signal('SIGTERM');
    assert.deepEqual(await service.exit, { code: 0, signal: null });
  });
});

describe('a stopped database', () => {
  it('is one file, as a backup may take it', async () => {
    const folder = temporaryFolder();
    try {
      const [from, to] = ['from', 'to'].map((name) => join(folder.path, name, 'sessions.db')) as [string, string];
      const first = await startService({ STORE_URL: `sqlite:${from}` });
      const { tokens } = await open(first.client, { userId: 'ann' });
      await first.end();
      mkdirSync(dirname(to));
      for (const suffix of ['', '.master-key']) copyFileSync(from + suffix, to + suffix);
      const second = await startService({ STORE_URL: `sqlite:${to}` });
      await assertVerdict(second.client, tokens.accessToken, 'ACTIVE');
      await second.end();
    } finally {
      folder.remove();
    }
  });
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { SessionClient } from '../grpc/client.ts';
import { open, present, range, verdict } from '../grpc/expect.ts';
import { HealthClient } from '../grpc/health_client.ts';
import { callersFile, identity, writeCallers } from '../grpc/identities.ts';
import { Watcher } from '../grpc/watcher.ts';
import { type Env, startService, temporaryFolder, type TestProcess, TestService } from '../harness.ts';
import { freshDatabase } from '../servers/database.ts';
import { until, unusedPort } from '../servers/process.ts';
import { describeOn } from '../servers/stores.ts';
import { SHARED } from './shared_store.ts';

/** Enough that some of them reach each of two workers. */
const CONNECTIONS = 8;

/** The log's lines with that message. */
function linesOf(service: TestProcess, message: string): Record<string, unknown>[] {
  const lines = service.stdout.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
}

/** Of all workers that have ever served, by the order in which they began to. */
function pidsOf(service: TestProcess): number[] {
  return linesOf(service, 'worker serving').map(({ pid }) => Number(pid));
}

async function refusesToStart(env: Env, line: RegExp, exitCode = 1): Promise<void> {
  const process = new TestService({ WORKERS: '3', ...env });
  const { code } = await process.exit;
  assert.match(process.stderr.trimEnd(), line);
  assert.deepEqual([code, process.stderr.trimEnd().split('\n').length], [exitCode, 1], process.stderr);
  assert.deepEqual([linesOf(process, 'serving'), linesOf(process, 'worker ended')], [[], []]);
}

for (const store of ['postgres', 'redis'] as const) {
  describeOn(store, () => {
    describe('two workers', function () {
      this.timeout(120_000);
      let env: Env;
      let remove: () => Promise<void>;
      let service: TestService;
      const clients: SessionClient[] = [];

      before(async () => {
        const [shared, removeStore] = await SHARED[store]();
        env = { ...shared, WORKERS: '2' };
        remove = removeStore;
      });

      after(() => remove());

      const start = async (more: Env = {}) => {
        service = await startService({ ...env, ...more });
      };

      afterEach(async () => {
        for (const client of clients.splice(0)) client.close();
        await service.end('SIGKILL');
      });

      /** Each by a connection of its own. */
      const connect = async () => {
        const connected = range(CONNECTIONS).map(() => new SessionClient(service.grpcPort));
        clients.push(...connected);
        for (const client of connected) await client.ready();
        return connected;
      };

      const watch = async (subscribers: readonly SessionClient[]) => {
        const watchers = subscribers.map((client) => new Watcher(client));
        for (const watcher of watchers) await watcher.checkpoint();
        return watchers;
      };

      /** Which have been cut off, and which go on, once the process has ended that served some of them. */
      const killed = async (pid: number, watchers: readonly Watcher[]) => {
        const cut = new Set<Watcher>();
        for (const watcher of watchers) void watcher.ended.then(() => cut.add(watcher));
        process.kill(pid, 'SIGKILL');
        await until('the streams of the worker have ended', async () => cut.size > 0);
        const going = [];
        for (const watcher of watchers) {
          // A stream whose connection is gone ends before the next checkpoint comes.
          if (
            await watcher.checkpoint().then(
              () => true,
              () => false,
            )
          )
            going.push(watcher);
        }
        return { cut: [...cut], going };
      };

      it('tell each other of revocations, and their subscribers', async () => {
        await start();
        const connected = await connect();
        const watchers = await watch(connected);
        for (const client of connected) {
          const { session, tokens } = await open(client, { userId: 'ann' });
          for (const other of connected) assert.equal(await verdict(other, tokens), 'ACTIVE');
          await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
          for (const other of connected) {
            await until('the others have heard of it', async () => (await verdict(other, tokens)) === 'REVOKED');
          }
          for (const watcher of watchers) {
            await watcher.until(() => watcher.sessionIds.includes(session.sessionId), 'the revocation');
          }
        }
        await Promise.all(watchers.map((watcher) => watcher.close()));
      });

      it('go on without one that is killed, and take in another', async () => {
        await start();
        const [first = 0, second = 0] = pidsOf(service);
        const { cut, going } = await killed(first, await watch(await connect()));
        assert.equal(cut.length + going.length, CONNECTIONS);
        assert(cut.length > 0 && going.length > 0, 'both served some');
        await until('another serves', async () => pidsOf(service).length === 3);
        const later = await watch(await connect());
        const { session } = await open(service.client);
        await service.client.call('RevokeSession', { session: { sessionId: session.sessionId } });
        for (const watcher of [...going, ...later]) {
          await watcher.until(() => watcher.sessionIds.includes(session.sessionId), 'the revocation');
        }
        const { going: survivors } = await killed(second, [...going, ...later]);
        assert(survivors.length > 0 && survivors.every((watcher) => later.includes(watcher)), 'the other serves some');
        await until('another serves', async () => pidsOf(service).length === 4);
        const ids = linesOf(service, 'worker serving').map(({ worker }) => worker);
        assert.deepEqual(new Set(ids), new Set([1, 2, 3, 4]));
        assert.deepEqual(
          linesOf(service, 'worker ended').map(({ worker, signal }) => [worker, signal]),
          [
            [ids[0], 'SIGKILL'],
            [ids[1], 'SIGKILL'],
          ],
        );
        assert.deepEqual(await service.end(), { code: 0, signal: null });
        assert.equal(service.stderr, '');
      });

      it('say nothing of a fault that nothing caught but that there was one, and are replaced', async () => {
        const folder = temporaryFolder();
        const preload = join(folder.path, 'fault.mjs');
        // As an error of Postgres, with what Node would print of it.
        const fault = `Object.assign(new Error('duplicate secret'), { detail: 'Key (user_id)=(secret)' })`;
        writeFileSync(preload, `process.once('SIGUSR2', () => { throw ${fault}; });`);
        try {
          service = await startService({ ...env, NODE_OPTIONS: `--import ${preload}` });
          const [first = 0] = pidsOf(service);
          process.kill(first, 'SIGUSR2');
          await until('another serves', async () => pidsOf(service).length === 3);
          assert.equal(linesOf(service, 'worker ended')[0]?.['exitCode'], 1);
          assert.deepEqual(await service.end(), { code: 0, signal: null });
          assert.equal(linesOf(service, 'ended by a fault that nothing caught').length, 1);
          assert.equal(service.stderr, '');
        } finally {
          folder.remove();
        }
      });

      it('are drained on a stop, each to its last stream', async () => {
        await start({ SHUTDOWN_TIMEOUT: '1h' });
        const health = range(CONNECTIONS).map(() => new HealthClient(service.grpcPort).watch(''));
        for (const each of health) assert.equal(await each.next(), 'SERVING');
        const watchers = await watch(await connect());
        const url = `http://127.0.0.1:${service.httpPort}/readyz`;
        assert.equal((await fetch(url)).status, 200);
        service.signal('SIGTERM');
        for (const each of health) assert.equal(await each.next(), 'NOT_SERVING');
        for (const watcher of watchers) {
          assert.equal(await watcher.ended, null);
          assert((present(watcher.frames.at(-1)).closing?.retryAfter?.seconds ?? 0) >= 1);
        }
        assert.deepEqual(await service.exit, { code: 0, signal: null });
        assert.equal(service.stderr, '');
        for (const message of ['serving', 'stopping', 'stopped']) assert.equal(linesOf(service, message).length, 1);
        assert.equal(linesOf(service, 'worker ended').length, 0);
      });

      it('are killed where they do not end in time', async () => {
        await start({ SHUTDOWN_TIMEOUT: '1ms' });
        const [first = 0] = pidsOf(service);
        process.kill(first, 'SIGSTOP');
        assert.deepEqual(await service.end(), { code: 0, signal: null });
        assert.equal(linesOf(service, 'worker ended')[0]?.['signal'], 'SIGKILL');
      });

      it('each take in who may call now, and say which of them did', async () => {
        const caller = identity('login', ['sessions.create']);
        const path = callersFile([caller]);
        await start({ CALLERS_FILE: path });
        writeCallers(path, [caller, identity('support', ['sessions.revoke'])]);
        await until('both have taken it in', async () => linesOf(service, 'callers have changed').length === 2);
        const ids = linesOf(service, 'callers have changed').map(({ worker }) => worker);
        assert.deepEqual(new Set(ids), new Set([1, 2]));
        assert.deepEqual(await service.end(), { code: 0, signal: null });
      });

      it('end by a signal to one of them, which is replaced, or to all', async () => {
        await start();
        const [first = 0] = pidsOf(service);
        process.kill(first, 'SIGTERM');
        await until('another serves', async () => pidsOf(service).length === 3);
        assert.equal(linesOf(service, 'worker ended')[0]?.['exitCode'], 0);
        for (const pid of pidsOf(service).slice(1)) process.kill(pid, 'SIGINT');
        assert.deepEqual(await service.end('SIGINT'), { code: 0, signal: null });
        assert.equal(service.stderr, '');
      });

      it('have the same ports again where all were killed', async () => {
        const [grpcPort, httpPort] = [await unusedPort(), await unusedPort()];
        await start({ GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, HTTP_ADDRESS: `127.0.0.1:${httpPort}` });
        for (const pid of pidsOf(service)) process.kill(pid, 'SIGKILL');
        await until('others serve', async () => pidsOf(service).length === 4);
        await open(service.client);
        assert.equal((await fetch(`http://127.0.0.1:${service.httpPort}/readyz`)).status, 200);
        assert.deepEqual(await service.end(), { code: 0, signal: null });
      });

      it('are given up where they end as soon as they have started', async () => {
        await start();
        const killed = new Set<number>();
        const killing = setInterval(() => {
          for (const pid of pidsOf(service).filter((each) => !killed.has(each))) {
            killed.add(pid);
            process.kill(pid, 'SIGKILL');
          }
        }, 20);
        assert.deepEqual(await service.exit, { code: 1, signal: null });
        clearInterval(killing);
        assert.equal(service.stderr, 'workers end again and again as soon as they are started: SIGKILL\n');
        assert(killed.size >= 5);
      });

      it('do not outlive what started them', async () => {
        await start();
        // Until nobody has its output open any more.
        assert.deepEqual(await service.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
      });

      it('write whole records to one audit file, and to another on SIGHUP', async () => {
        const folder = temporaryFolder();
        const [file, old] = ['audit.log', 'audit.log.1'].map((name) => join(folder.path, name)) as [string, string];
        const records = (path: string) =>
          readFileSync(path, 'utf8')
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line) as { readonly action: string; readonly tenant_id: string });
        try {
          await start({ AUDIT_FILE: file });
          const connected = await connect();
          const openMany = (tenantId: string) =>
            Promise.all(range(200).map((index) => open(present(connected[index % CONNECTIONS]), { tenantId })));
          const tenant = (path: string, id: string) => records(path).filter(({ tenant_id }) => tenant_id === id).length;
          await openMany('before');
          assert.equal(tenant(file, 'before'), 200);
          renameSync(file, old);
          service.signal('SIGHUP');
          let round = 0;
          await until('all write to the new file', async () => {
            round += 1;
            await openMany(`round-${round}`);
            return existsSync(file) && tenant(file, `round-${round}`) === 200;
          });
          assert.equal(tenant(old, `round-${round}`), 0);
          assert.deepEqual(await service.end(), { code: 0, signal: null });
        } finally {
          folder.remove();
        }
      });
    });

    describe('a start of workers', function () {
      this.timeout(120_000);
      let env: Env;
      let remove: () => Promise<void>;

      before(async () => {
        [env, remove] = await SHARED[store]();
        const service = await startService(env);
        await service.end();
      });

      after(() => remove());

      it('says once that the store can not be used', async () => {
        const STORE_URL = new URL(env['STORE_URL'] ?? '');
        STORE_URL.port = String(await unusedPort());
        await refusesToStart({ ...env, STORE_URL: STORE_URL.href }, /STORE_URL/);
        const MASTER_KEY = generateMasterKey().toString('base64');
        await refusesToStart({ ...env, MASTER_KEY }, /^.*master key does not open the keys in this store.*$/);
      });

      it('says once that a port is taken, or a file can not be used', async () => {
        const taken: Server = await new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        });
        const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
        try {
          for (const name of ['GRPC_ADDRESS', 'HTTP_ADDRESS']) {
            await refusesToStart({ ...env, [name]: address }, new RegExp(`^${name}: can not listen on ${address}`));
          }
        } finally {
          taken.close();
        }
        await refusesToStart({ ...env, CALLERS_FILE: '/nonexistent/callers.json' }, /^CALLERS_FILE: can not read/);
      });
    });
  });
}

describeOn('postgres', () => {
  it('the schema is brought up to date once, before workers start', async () => {
    const database = await freshDatabase();
    const MASTER_KEY = generateMasterKey().toString('base64');
    const env = { STORE_URL: database.url, MASTER_KEY };
    await refusesToStart(env, /has no schema/);
    const service = await startService({ ...env, WORKERS: '3', MIGRATE_ON_START: 'true' });
    await open(service.client);
    assert.deepEqual(await service.end(), { code: 0, signal: null });
    await database.drop();
  });
});

describe('workers', () => {
  it('are refused for a store that is of one process', async () => {
    for (const STORE_URL of ['memory:', 'sqlite:/nonexistent/x.db']) {
      await refusesToStart({ STORE_URL }, /^WORKERS: is more than 1, .*; allowed: 1, or Postgres or Redis$/, 2);
    }
  });
});

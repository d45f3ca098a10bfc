import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { ServerCredentials } from '@grpc/grpc-js';
import { CallError, type ConnectionOptions, SessionAuthorityClient, SessionError } from '../../src/client/index.ts';
import { inParallel, range } from '../grpc/expect.ts';
import {
  freePort,
  startService,
  startTestServer,
  temporaryFolder,
  type TestServer,
  type TestService,
} from '../harness.ts';
import { type Certificate, issueCertificate } from '../servers/certificates.ts';
import { until } from '../servers/process.ts';
import { ScriptedAuthority } from './scripted_authority.ts';
import { ScriptedService } from './scripted_service.ts';
import { TcpProxy } from './tcp_proxy.ts';

const EMPTY_JWKS = { jwksJson: '{"keys":[]}' };
const EXIT_PROGRAM = fileURLToPath(new URL('./exit_program.js', import.meta.url));

describe('SessionAuthorityClient, on a connection that breaks', () => {
  let server: TestServer;
  let proxy: TcpProxy;
  let client: SessionAuthorityClient;
  before(async () => {
    server = await startTestServer();
    proxy = await TcpProxy.start(server.grpcPort);
    client = new SessionAuthorityClient({ target: `127.0.0.1:${proxy.port}` });
  });
  after(async () => {
    client.close();
    await proxy.stop();
    await server.stop();
  });

  const listed = async (userId: string) => (await client.listSessions({ userId })).sessions;

  it('creates one session, whether the request was lost or its answer', async () => {
    for (const side of ['request', 'reply'] as const) {
      const lost = proxy.lost + 1;
      proxy.loseNext(side);
      const { session, tokens } = await client.createSession({ userId: side });
      assert.equal(proxy.lost, lost);
      assert.deepEqual(await listed(side), [session]);
      assert((await client.validateSession({ accessToken: tokens.accessToken })).active);
    }
  });

  it('makes every other call that may be repeated', async () => {
    const user = { userId: 'ann' };
    for (const side of ['request', 'reply'] as const) {
      const over = <T>(call: Promise<T>): Promise<T> => {
        proxy.loseNext(side);
        return call;
      };
      const lost = proxy.lost;
      const { session, tokens } = await over(client.createSession(user));
      const next = await over(client.refreshSession({ refreshToken: tokens.refreshToken }));
      const { refreshToken } = next.tokens;
      const rotated = await over(client.rotateSession({ session: { refreshToken } }));
      assert.deepEqual(rotated.endedSessionIds, [session.sessionId]);
      assert(rotated.tokens.kind === 'pair');
      const { accessToken } = rotated.tokens;
      const handle = { session: { accessToken } };
      assert((await over(client.validateSession({ accessToken }))).active);
      assert((await over(client.validateSessions([{ accessToken }])))[0]?.active);
      assert.deepEqual(await over(client.getSession(handle)), rotated.session);
      assert.equal((await over(client.listSessions(user))).sessions.length, 1);
      assert.equal((await over(client.getJwks())).keys.length, 1);
      assert.equal((await over(client.revokeSession(handle))).revoked, true);
      await client.createSession(user);
      assert.equal((await over(client.revokeSessions({ ...user, deviceId: '', reason: 'admin' }))).sessionCount, null);
      assert.deepEqual(await listed('ann'), []);
      assert.equal(proxy.lost - lost, 10);
    }
  });

  it('does not end what was opened since, when a log-out-everywhere is repeated', async () => {
    const begun = await client.createSession({ userId: 'bob' });
    const direct = new SessionAuthorityClient({ target: `127.0.0.1:${server.grpcPort}` });
    const events: string[] = [];
    const watch = direct.watchRevocations({}, (event) => {
      if (event.kind === 'revocations' && !event.isSnapshot) events.push(event.kind);
    });
    await until('the stream is proven', async () => watch.ageMs < 60_000);
    proxy.loseNext('reply');
    await client.revokeSessions({ userId: 'bob' });
    const { tokens } = await client.createSession({ userId: 'bob' });
    assert((await client.validateSession({ accessToken: tokens.accessToken, consistency: 'strong' })).active);
    assert(!(await client.validateSession({ accessToken: begun.tokens.accessToken })).active);
    await until('the revocation comes', async () => events.length > 0);
    assert.equal(events.length, 1);
    direct.close();
  });

  it('repeats an update with an etag, and says where it cannot tell what became of one', async () => {
    const { session } = await client.createSession({ userId: 'cem' });
    const handle = { session: { sessionId: session.sessionId } };
    const unanswered = (error: unknown) => error instanceof CallError && error.status === 'UNAVAILABLE';
    for (const side of ['request', 'reply'] as const) {
      proxy.loseNext(side);
      await assert.rejects(client.updateSession({ ...handle, deviceName: side }), unanswered);
      assert.equal((await client.getSession(handle)).device?.name, side === 'reply' ? 'reply' : '');
    }
    const { etag } = await client.getSession(handle);
    proxy.loseNext('request');
    const updated = await client.updateSession({ ...handle, deviceName: 'one', etag });
    assert.equal(updated.session.device?.name, 'one');
    proxy.loseNext('reply');
    const update = client.updateSession({ ...handle, deviceName: 'two', etag: updated.session.etag });
    await assert.rejects(update, unanswered);
    assert.equal((await client.getSession(handle)).device?.name, 'two');
  });
});

describe('SessionAuthorityClient, with several targets', () => {
  const folder = temporaryFolder();
  const running = new Set<TestService>();
  after(async () => {
    for (const service of running) await service.end('SIGKILL');
    folder.remove();
  });

  const start = async (grpcPort = 0) => {
    const env = { STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}`, GRPC_ADDRESS: `127.0.0.1:${grpcPort}` };
    const service = await startService(env);
    running.add(service);
    return service;
  };

  it('fails no call that may be repeated while they are killed in turn, and takes them again', async () => {
    const services = [await start(), await start()];
    const proxies = await Promise.all(services.map(({ grpcPort }) => TcpProxy.start(grpcPort)));
    const client = new SessionAuthorityClient({ target: proxies.map(({ port }) => `127.0.0.1:${port}`) });
    const patient = { deadlineMs: 30_000 };
    let created = 0;
    const over = new AbortController();
    const work = inParallel(range(8), 8, async () => {
      while (!over.signal.aborted) {
        const { accessToken } = (await client.createSession({ userId: 'ann' }, patient)).tokens;
        created += 1;
        assert((await client.validateSession({ accessToken, consistency: 'strong' }, patient)).active);
        assert((await client.revokeSession({ session: { accessToken } }, patient)).revoked);
      }
    });
    const comesTrue = (what: string, ask: () => boolean) => Promise.race([work, until(what, async () => ask())]);
    const moreBy = async (proxy: TcpProxy | undefined) => {
      const [enough, answers] = [created + 10, (proxy?.answers ?? 0) + 10];
      await comesTrue('more sessions are created', () => created > enough && (proxy?.answers ?? 0) > answers);
    };
    for (const index of [0, 1]) {
      for (const proxy of proxies) await moreBy(proxy);

      const service = services[index] as TestService;
      await service.end('SIGKILL');
      running.delete(service);
      await moreBy(proxies[1 - index]);
      services[index] = await start(service.grpcPort);
    }
    over.abort();
    await work;
    client.close();
    const [service] = services as [TestService];
    assert.deepEqual((await service.client.call('ListSessions', { userId: 'ann' })).sessions, []);
    for (const proxy of proxies) await proxy.stop();
  }).timeout(180_000);

  it('passes over at once those that are down, that there are not, and that say nothing', async () => {
    const service = await start();
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.resume()));
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const { port } = silent.address() as AddressInfo;
    const down = `127.0.0.1:${await freePort()}`;
    const target = [down, 'nowhere.invalid:1', `127.0.0.1:${port}`, `127.0.0.1:${service.grpcPort}`];
    const client = new SessionAuthorityClient({ target });
    for (const _ of range(50)) await client.updateSession({ session: { sessionId: '' } }).catch(assertAnswered);
    client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => {
      silent.close(resolve);
    });
  });

  it('spreads calls', async () => {
    const services = await Promise.all(range(3).map(() => ScriptedAuthority.start()));
    for (const service of services) service.onCall = (call) => call.answer(EMPTY_JWKS);
    const client = new SessionAuthorityClient({ target: services.map(({ port }) => `127.0.0.1:${port}`) });
    await until('all are connected', async () => {
      await client.getJwks();
      return services.every(({ calls }) => calls.length > 0);
    });
    for (const { calls } of services) calls.length = 0;
    for (const _ of range(30)) await client.getJwks();
    assert.deepEqual(
      services.map(({ calls }) => calls.length),
      [10, 10, 10],
    );
    client.close();
    for (const service of services) service.stop();
  });

  it('takes the addresses of a URI in turn', async () => {
    const services = await Promise.all(range(2).map(() => ScriptedAuthority.start()));
    for (const service of services) service.onCall = (call) => call.answer(EMPTY_JWKS);
    const client = new SessionAuthorityClient({
      target: `ipv4:${services.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    });
    await until('both are called', async () => {
      await client.getJwks();
      return services.every(({ calls }) => calls.length > 0);
    });
    client.close();
    for (const service of services) service.stop();
  });

  it('subscribes to another when one ends', async () => {
    const services = await Promise.all(range(2).map(() => ScriptedService.start()));
    const client = new SessionAuthorityClient({ target: services.map(({ port }) => `127.0.0.1:${port}`) });
    client.watchRevocations({}, () => {});
    const asked = () => services.filter((service) => service.asked > 0);
    await until('one is asked', async () => asked().length === 1);
    await asked()[0]?.stop();
    await until('the other is asked', async () => asked().length === 2);
    client.close();
    for (const service of services) await service.stop();
  });
});

describe('SessionAuthorityClient, where it is closed', () => {
  it('leaves no connection open, whatever it was at', async () => {
    const service = await ScriptedService.start();
    const target = `127.0.0.1:${service.port}`;
    const answered = async (client: SessionAuthorityClient) => {
      // This service has no other RPC than that of subscribers.
      await assert.rejects(client.getJwks(), { name: 'CallError', status: 'UNIMPLEMENTED' });
    };
    const turns = [
      (close: () => void) => close(),
      (close: () => void) => process.nextTick(close),
      (close: () => void) => void setImmediate(close),
      (close: () => void) => void setTimeout(close, 1),
    ];
    for (const turn of turns) {
      for (const begin of [
        (client: SessionAuthorityClient) => void client.getJwks().catch(() => {}),
        (client: SessionAuthorityClient) => void client.watchRevocations({}, () => {}),
      ]) {
        const client = new SessionAuthorityClient({ target });
        begin(client);
        turn(() => client.close());
      }
    }
    const last = new SessionAuthorityClient({ target });
    await answered(last);
    last.watchRevocations({}, () => {});
    await until('it is subscribed', async () => service.asked > 0);
    assert(service.connections >= 2);
    last.close();
    await until('no connection is open', async () => service.connections === 0);
    await service.stop();
  });
});

describe('SessionAuthorityClient, over TLS', () => {
  const folder = temporaryFolder();
  const authorities: ScriptedAuthority[] = [];
  let ours: Certificate;
  let theirs: Certificate;
  before(async () => {
    [ours, theirs] = (await Promise.all(
      ['ours', 'theirs'].map((name) => {
        mkdirSync(join(folder.path, name));
        return issueCertificate(join(folder.path, name), null);
      }),
    )) as [Certificate, Certificate];
  });
  after(() => {
    for (const authority of authorities) authority.stop();
    folder.remove();
  });

  const serve = async (mutual: boolean) => {
    const pair = { cert_chain: readFileSync(ours.cert), private_key: readFileSync(ours.key) };
    const authority = await ScriptedAuthority.start(
      ServerCredentials.createSsl(readFileSync(ours.authority), [pair], mutual),
    );
    authorities.push(authority);
    authority.onCall = (call) => call.answer(EMPTY_JWKS);
    return authority;
  };
  const call = async (options: ConnectionOptions) => {
    const client = new SessionAuthorityClient(options);
    try {
      return await client.getJwks();
    } finally {
      client.close();
    }
  };
  const tlsOf = ({ authority, cert, key }: Certificate) => ({
    rootCerts: readFileSync(authority),
    clientCert: readFileSync(cert),
    clientKey: readFileSync(key),
  });

  it('calls a service whose certificate its authority signed for that name, and no other', async () => {
    const { port, calls } = await serve(false);
    const { rootCerts } = tlsOf(ours);
    await call({ target: `localhost:${port}`, tls: { rootCerts } });
    const refused = (error: unknown) => error instanceof CallError && error.status === 'UNAVAILABLE';
    await assert.rejects(call({ target: `127.0.0.1:${port}`, tls: { rootCerts } }), refused);
    await assert.rejects(call({ target: `localhost:${port}`, tls: { rootCerts: tlsOf(theirs).rootCerts } }), refused);
    await assert.rejects(call({ target: `localhost:${port}` }), refused);
    assert.equal(calls.length, 1);
  });

  it('checks each of several targets by its own name', async () => {
    const [one, two] = [await serve(false), await serve(false)];
    const { rootCerts } = tlsOf(ours);
    const client = new SessionAuthorityClient({
      target: [one, two].map(({ port }) => `localhost:${port}`),
      tls: { rootCerts },
    });
    await until('both are called', async () => {
      await client.getJwks();
      return one.calls.length > 0 && two.calls.length > 0;
    });
    client.close();
  });

  it('shows its own certificate where it has one', async () => {
    const { port } = await serve(true);
    const target = `localhost:${port}`;
    await call({ target, tls: tlsOf(ours) });
    const { rootCerts } = tlsOf(ours);
    await assert.rejects(call({ target, tls: { rootCerts } }), CallError);
    await assert.rejects(call({ target, tls: { ...tlsOf(theirs), rootCerts } }), CallError);
  });

  it('sends its service token with every call', async () => {
    const { port, calls } = await serve(false);
    const { rootCerts } = tlsOf(ours);
    await call({ target: `localhost:${port}`, tls: { rootCerts }, serviceToken: 'abc.DEF-123_~+/==' });
    assert.deepEqual(calls[0]?.metadata.get('authorization'), ['Bearer abc.DEF-123_~+/==']);
    const service = await ScriptedService.start();
    const client = new SessionAuthorityClient({ target: `127.0.0.1:${service.port}`, serviceToken: 'abc' });
    client.watchRevocations({}, () => {});
    assert.deepEqual((await service.next()).metadata.get('authorization'), ['Bearer abc']);
    client.close();
    await service.stop();
  });
});

describe("SessionAuthorityClient's options", () => {
  const serviceToken = 'a-secret-token';
  const tls = { rootCerts: Buffer.from('') };
  const made = (options: ConnectionOptions) => {
    const client = new SessionAuthorityClient(options);
    client.close();
    return client;
  };

  it('send a service token in the clear within this machine alone', () => {
    const here = [
      'localhost:1',
      '127.0.0.1:1',
      '127.1.2.3:1',
      '[::1]:1',
      'dns:///localhost:1',
      'dns:127.0.0.1:1',
      'ipv4:127.0.0.1:1,127.0.0.2:1',
      'ipv6:[::1]:1',
      'unix:/run/sessions.sock',
    ];
    const elsewhere = [
      'sessions.internal:1',
      '10.0.0.1:1',
      '127.evil.example:1',
      'localhost.evil.example:1',
      'dns:///10.0.0.1:1',
      'dns://127.0.0.1/sessions.internal:1',
      'ipv4:127.0.0.1:1,10.0.0.1:1',
      '[::2]:1',
      '[::ffff:10.0.0.1]:1',
      'xds:///localhost',
      '0.0.0.0:1',
    ];
    for (const target of here) made({ target, serviceToken });
    made({ target: here, serviceToken });
    for (const target of elsewhere) {
      made({ target });
      for (const targets of [target, [...here, target]]) {
        assert.throws(() => made({ target: targets, serviceToken }), TypeError, target);
      }
    }
    made({ target: elsewhere, serviceToken, tls });
  });

  it('say nothing of the token where they are refused or shown', () => {
    for (const [target, token] of [
      ['sessions.internal:1', serviceToken],
      ['localhost:1', `${serviceToken}\n`],
      ['localhost:1', `${serviceToken} x`],
      ['localhost:1', ''],
    ] as const) {
      assert.throws(
        () => made({ target, serviceToken: token }),
        (error) => error instanceof TypeError && !inspect(error).includes(serviceToken),
      );
    }
    const client = made({ target: 'localhost:1', serviceToken });
    assert(!inspect(client, { depth: 20, showHidden: true }).includes(serviceToken));
  });

  it('name a target, and a client certificate with its key', () => {
    for (const target of ['', [], ['localhost:1', '']]) assert.throws(() => made({ target }), TypeError);
    assert.throws(() => made({ target: 'x:1', tls: { ...tls, clientCert: Buffer.from('x') } }), TypeError);
    assert.throws(() => made({ target: 'x:1', tls: { ...tls, clientKey: Buffer.from('x') } }), TypeError);
  });

  it('use no proxy of the environment in the clear', async () => {
    const authority = await ScriptedAuthority.start();
    authority.onCall = (call) => call.answer(EMPTY_JWKS);
    process.env['http_proxy'] = `http://127.0.0.1:${await freePort()}`;
    try {
      const client = new SessionAuthorityClient({ target: `127.0.0.1:${authority.port}` });
      await client.getJwks();
      client.close();
    } finally {
      delete process.env['http_proxy'];
      authority.stop();
    }
  });
});

describe('a program with a SessionAuthorityClient', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.stop());

  for (const state of [
    'closed',
    'closed before its first call',
    'closed while it connects',
    'closed in a call',
    'closed between attempts',
    'closed with a subscription',
    'not closed',
  ]) {
    it(`ends by itself where that is ${state}`, async () => {
      const child = spawn(process.execPath, [EXIT_PROGRAM, state, `${server.grpcPort}`, `${await freePort()}`]);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.deepEqual([code, output], [0, 'done\n']);
    });
  }
});

function assertAnswered(error: unknown): void {
  assert(error instanceof SessionError, String(error));
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HealthClient } from '../grpc/health_client.ts';
import { RPCS } from '../grpc/client.ts';
import { startService, startTestServer, temporaryFolder, type TestServer, type TestService } from '../harness.ts';

const run = promisify(execFile);
const BUF = fileURLToPath(new URL('node_modules/.bin/buf', import.meta.resolve('#root/package.json')));
const SERVICE = 'sessionauthority.v1.SessionService';
const PROTOCOLS = ['grpc-v1', 'grpc-v1alpha'] as const;
const OVER_GRPC = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--reflect-protocol'];

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** A client that knows nothing of the contract but what reflection tells. */
class Stranger {
  readonly #url: string;
  readonly #protocol: string;

  constructor(port: number, protocol: string) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#protocol = protocol;
  }

  async methods(): Promise<string[]> {
    const { stdout } = await run(BUF, [...OVER_GRPC, this.#protocol, '--list-methods', this.#url]);
    return stdout.trim().split('\n').toSorted();
  }

  async call<T>(rpc: string, request: object, service = SERVICE): Promise<T> {
    const url = `${this.#url}/${service}/${rpc}`;
    const { stdout } = await run(BUF, [...OVER_GRPC, this.#protocol, '--data', JSON.stringify(request), url]);
    return JSON.parse(stdout) as T;
  }
}

describe('server reflection', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.stop());

  for (const protocol of PROTOCOLS) {
    it(`lists the methods of the contract (${protocol})`, async () => {
      const methods = await new Stranger(server.grpcPort, protocol).methods();
      assert.deepEqual(
        methods.filter((name) => name.startsWith(SERVICE)),
        Object.keys(RPCS)
          .map((name) => `${SERVICE}/${name}`)
          .toSorted(),
      );
    });
  }

  it('knows the health service too', async () => {
    const stranger = new Stranger(server.grpcPort, 'grpc-v1');
    const answer = await stranger.call('Check', { service: SERVICE }, 'grpc.health.v1.Health');
    assert.deepEqual(answer, { status: 'SERVING' });
  });

  it('knows oneofs, optional fields, enums, maps of Struct, and well-known types', async () => {
    const stranger = new Stranger(server.grpcPort, 'grpc-v1');
    const request = {
      user_id: 'ann',
      token_mode: 'TOKEN_MODE_PAIR',
      claims: { roles: ['a', 1.5, null, { b: true }] },
      idle_timeout: '3600s',
    };
    const { session, tokens } = await stranger.call<{ session: Record<string, unknown>; tokens: Tokens }>(
      'CreateSession',
      request,
    );
    assert.deepEqual([session['state'], session['tokenMode']], ['SESSION_STATE_ACTIVE', 'TOKEN_MODE_PAIR']);
    assert.deepEqual(session['claims'], request.claims);
    assert.match(String(session['createTime']), /^\d{4}-\d\d-\d\dT/);
    const handle = { refresh_token: tokens.refreshToken };
    const updated = await stranger.call<{ session: { device: object } }>('UpdateSession', {
      session: handle,
      device_name: 'Phone',
    });
    assert.deepEqual(updated.session.device, { name: 'Phone' });
  });
});

describe('a stranger with reflection alone', () => {
  const folder = temporaryFolder();
  let service: TestService | null = null;
  after(async () => {
    await service?.end('SIGKILL');
    folder.remove();
  });

  it('creates, validates, refreshes, lists and revokes, with a restart in the middle', async () => {
    const env = { STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}` };
    service = await startService(env);
    let stranger = new Stranger(service.grpcPort, 'grpc-v1');
    const { session, tokens } = await stranger.call<{ session: { sessionId: string }; tokens: Tokens }>(
      'CreateSession',
      {
        tenant_id: 'acme',
        user_id: 'ann',
        device: { name: 'Phone' },
      },
    );
    const validate = (accessToken: string) =>
      stranger.call<{ active?: boolean; inactiveReason?: string }>('ValidateSession', {
        access_token: accessToken,
        consistency: 'CONSISTENCY_STRONG',
      });
    assert.equal((await validate(tokens.accessToken)).active, true);
    await service.end();

    service = await startService(env);
    stranger = new Stranger(service.grpcPort, 'grpc-v1alpha');
    assert.equal((await validate(tokens.accessToken)).active, true);
    const next = await stranger.call<{ tokens: Tokens }>('RefreshSession', { refresh_token: tokens.refreshToken });
    const { sessions } = await stranger.call<{ sessions: { sessionId: string }[] }>('ListSessions', {
      tenant_id: 'acme',
      user_id: 'ann',
    });
    assert.deepEqual(
      sessions.map(({ sessionId }) => sessionId),
      [session.sessionId],
    );
    const handle = { session_id: session.sessionId };
    const { revoked } = await stranger.call<{ revoked: boolean }>('RevokeSession', {
      tenant_id: 'acme',
      session: handle,
    });
    assert.equal(revoked, true);
    assert.equal((await validate(next.tokens.accessToken)).inactiveReason, 'INACTIVE_REASON_REVOKED');
  });
});

describe('grpc.health.v1', () => {
  let server: TestServer;
  let health: HealthClient;
  before(async () => {
    server = await startTestServer();
    health = new HealthClient(server.grpcPort);
  });
  after(async () => {
    health.close();
    await server.stop();
  });

  it('says SERVING of the server and of the service, and knows no other', async () => {
    assert.equal(await health.check(''), 'SERVING');
    assert.equal(await health.check(SERVICE), 'SERVING');
    await assert.rejects(health.check('other'), { code: 5 });
  });

  it('streams the status on request', async () => {
    const watch = health.watch(SERVICE);
    assert.equal(await watch.next(), 'SERVING');
    watch.cancel();
    assert.equal(await watch.ended, 1);
  });
});

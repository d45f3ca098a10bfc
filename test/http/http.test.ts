import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { freePort, startTestServer, type TestServer } from '../harness.ts';
import { withDatabase } from '../grpc/database.ts';
import { open, struct } from '../grpc/expect.ts';

interface Jwks {
  readonly keys: readonly (JsonWebKey & { readonly kid: string; readonly alg: string; readonly use: string })[];
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=\d+$/);
  return (await response.json()) as T;
}

/** As a resource server would that knows nothing but the issuer and its own name. */
async function verify(token: string, issuer: string, audience: string): Promise<jsonwebtoken.JwtPayload> {
  const discovery = await json<{ issuer: string; jwks_uri: string }>(`${issuer}/.well-known/openid-configuration`);
  assert.equal(discovery.issuer, issuer);
  const { keys } = await json<Jwks>(discovery.jwks_uri);
  const { header } = jsonwebtoken.decode(token, { complete: true }) ?? {};
  const jwk = keys.find(({ kid }) => kid === header?.kid);
  assert(jwk !== undefined);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const claims = jsonwebtoken.verify(token, key, { algorithms: [jwk.alg as 'ES256' | 'RS256'], issuer, audience });
  assert(typeof claims === 'object');
  return claims;
}

describe('an access token', () => {
  for (const algorithm of ['ES256', 'RS256'] as const) {
    it(`is verified by a stock library with what discovery leads to (${algorithm})`, async () => {
      const port = await freePort();
      const issuer = `http://127.0.0.1:${port}`;
      const env = { HTTP_ADDRESS: `127.0.0.1:${port}`, TOKEN_ISSUER: issuer, SIGNING_ALGORITHM: algorithm };
      const server = await startTestServer('memory', env);
      try {
        const { tokens, session } = await open(server.client, {
          tenantId: 'acme',
          userId: 'ann',
          claims: struct({ role: 'admin' }),
          amr: ['pwd'],
          audiences: ['api', 'files'],
        });
        const claims = await verify(tokens.accessToken, issuer, 'files');
        const { sub, tid, sid, role, amr, client_id } = claims;
        assert.deepEqual(
          [sub, tid, sid, role, amr, client_id],
          ['ann', 'acme', session.sessionId, 'admin', ['pwd'], 'default'],
        );
        await assert.rejects(verify(tokens.accessToken, issuer, 'other'), /audience/);
        const { header } = jsonwebtoken.decode(tokens.accessToken, { complete: true }) ?? {};
        assert.deepEqual([header?.alg, header?.typ], [algorithm, 'at+jwt']);
        const [head = '', , signature = ''] = tokens.accessToken.split('.');
        const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url');
        await assert.rejects(verify(`${head}.${forged}.${signature}`, issuer, 'api'), /signature/);
      } finally {
        await server.stop();
      }
    });
  }
});

describe('the HTTP listener', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite', { TOKEN_ISSUER: 'https://login.example/auth/' });
  });
  after(() => server.stop());

  it('serves the very key set that GetJwks does, of public keys alone', async () => {
    const body = await (await fetch(server.httpUrl('/.well-known/jwks.json'))).text();
    const { jwksJson } = await server.client.call('GetJwks', {});
    assert.equal(body, jwksJson);
    const { keys } = JSON.parse(body) as Jwks;
    assert.equal(keys.length, 1);
    for (const { kid, x, y, ...rest } of keys) {
      assert.deepEqual(rest, { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
      for (const text of [kid, x, y]) assert.match(text ?? '', /^[\w-]{43}$/);
    }
  });

  it('names the issuer as it is configured', async () => {
    const discovery = await json(server.httpUrl('/.well-known/openid-configuration'));
    assert.deepEqual(discovery, {
      issuer: 'https://login.example/auth/',
      jwks_uri: 'https://login.example/auth/.well-known/jwks.json',
    });
  });

  it('keeps its keys over a restart', async () => {
    const before = await (await fetch(server.httpUrl('/.well-known/jwks.json'))).text();
    await server.restart();
    assert.equal(await (await fetch(server.httpUrl('/.well-known/jwks.json'))).text(), before);
  });

  it('is healthy while it runs, and ready while its store answers', async () => {
    const probe = async (path: string) => {
      const response = await fetch(server.httpUrl(path));
      assert.equal(response.headers.get('cache-control'), 'no-store');
      return [response.status, (await response.text()).trim()];
    };
    assert.deepEqual(
      [await probe('/healthz'), await probe('/readyz')],
      [
        [200, 'ok'],
        [200, 'ready'],
      ],
    );
    await withDatabase(server.databasePath, async (database) => {
      database.exec('ALTER TABLE nest_auth_keys RENAME TO hidden');
      assert.deepEqual(
        [await probe('/healthz'), await probe('/readyz')],
        [
          [200, 'ok'],
          [503, 'not ready'],
        ],
      );
      database.exec('ALTER TABLE hidden RENAME TO nest_auth_keys');
    });
    assert.deepEqual(await probe('/readyz?verbose=1'), [200, 'ready']);
  });

  it('answers GET and HEAD, and knows no other path', async () => {
    for (const path of [
      '/',
      '/healthz/',
      '//healthz',
      '/__proto__',
      '/constructor',
      '/..%2fhealthz',
      '/.well-known/jwks.json/',
      '/HEALTHZ',
    ]) {
      const response = await fetch(server.httpUrl(path));
      assert.deepEqual([response.status, await response.text()], [404, 'not found\n'], path);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const response = await fetch(server.httpUrl('/healthz'), { method });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD']);
    }
    const head = await fetch(server.httpUrl('/.well-known/jwks.json'), { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    assert(Number(head.headers.get('content-length')) > 100);
  });
});

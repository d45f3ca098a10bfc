import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { newServiceToken, hashServiceToken } from '../../src/access/credential.ts';
import { startTestServer, temporaryFolder, type TestServer } from '../harness.ts';
import { type Authority, createAuthority } from '../servers/certificates.ts';
import { SessionClient } from './client.ts';
import { assertRefused, open } from './expect.ts';

const UNKNOWN = { status: 'UNAUTHENTICATED', reason: 'CALLER_UNKNOWN' };
const FORBIDDEN = { status: 'PERMISSION_DENIED', reason: 'CALLER_NOT_ALLOWED' };
const TOKEN = newServiceToken();
const GATEWAY = 'URI:spiffe://fleet/gateway';

const CALLERS = [
  { name: 'login', scopes: ['sessions.create'], certificate_names: ['DNS:login.internal'] },
  { name: 'gateway', scopes: ['sessions.validate'], certificate_names: [GATEWAY] },
  { name: 'support', scopes: ['admin'], tokens_sha256: [hashServiceToken(TOKEN)] },
];

describe('a caller', () => {
  const folder = temporaryFolder();
  const clients: SessionClient[] = [];
  let authority: Authority;
  let stranger: Authority;
  let server: TestServer;
  before(async () => {
    authority = await createAuthority(folder.path, 'ours');
    stranger = await createAuthority(folder.path, 'stranger');
    const { cert, key } = await authority.issue('localhost');
    const callers = join(folder.path, 'callers.json');
    writeFileSync(callers, JSON.stringify({ callers: CALLERS.map((caller) => ({ ...caller, tenants: 'all' })) }));
    server = await startTestServer('memory', {
      TLS_CERT_FILE: cert,
      TLS_KEY_FILE: key,
      TLS_CLIENT_CA_FILE: authority.cert,
      CALLERS_FILE: callers,
    });
  });
  after(async () => {
    for (const client of clients) client.close();
    await server.stop();
    folder.remove();
  });

  /** A client that shows this, or nothing. */
  async function showing(
    issued: Promise<{ readonly cert: string; readonly key: string }> | null,
    serviceToken = '',
  ): Promise<SessionClient> {
    const files = await issued;
    const [key, cert] = files === null ? [null, null] : [readFileSync(files.key), readFileSync(files.cert)];
    const transport = credentials.createSsl(readFileSync(authority.cert), key, cert);
    const options = { 'grpc.ssl_target_name_override': 'localhost' };
    const client = new SessionClient(server.grpcPort, options, serviceToken, transport);
    clients.push(client);
    return client;
  }

  const validate = (client: SessionClient) => client.call('ValidateSession', { accessToken: 'x' });

  it('is known by a name of its certificate, where the client CA signed it', async () => {
    const login = await showing(authority.issue('login.internal'));
    await open(login, { userId: 'ann' });
    await assertRefused(validate(login), FORBIDDEN);
    const gateway = await showing(authority.issue('gateway', 30, `DNS:pod-7.internal,${GATEWAY}`));
    await validate(gateway);
    await assertRefused(open(gateway), FORBIDDEN);
    assert.deepEqual(
      server.audited().map(({ action, caller, reason }) => [action, caller, reason]),
      [
        ['session_created', 'login', undefined],
        ['denied', 'login', 'CALLER_NOT_ALLOWED'],
        ['denied', 'gateway', 'CALLER_NOT_ALLOWED'],
      ],
    );
  });

  it('is nobody by a certificate of another authority, or one that has expired', async () => {
    await assertRefused(open(await showing(stranger.issue('login.internal'))), UNKNOWN);
    await assertRefused(open(await showing(authority.issue('login.internal', -1))), UNKNOWN);
  });

  it('is nobody by another name, by a subject alone, or by the names of two', async () => {
    for (const [subject, names] of [
      ['login.internal', 'DNS:other.internal'],
      ['x', 'DNS:login.internal.example.com'],
      ['x', 'email:login.internal@example.com'],
      ['x', 'DNS:*.internal'],
      ['x', 'URI:spiffe://fleet/gateway/login'],
      ['x', `DNS:login.internal,${GATEWAY}`],
    ] as const) {
      const client = await showing(authority.issue(subject, 30, names));
      await assertRefused(open(client), UNKNOWN);
      await assertRefused(validate(client), UNKNOWN);
    }
  });

  it('is whom its service token names, whatever certificate comes beside it', async () => {
    await open(await showing(null, TOKEN), { userId: 'ann' });
    const both = await showing(authority.issue('login.internal'), TOKEN);
    await validate(both);
    await assertRefused(open(await showing(authority.issue('login.internal'), newServiceToken())), UNKNOWN);
    await assertRefused(open(await showing(null)), UNKNOWN);
  });
});

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { SessionAuthorityClient, SessionVerifier, VerificationError } from '../../src/client/index.ts';
import { callersFile, type Identity, identity, writeCallers } from '../grpc/identities.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { until } from './scripted_service.ts';

const LOGIN = identity('login', ['admin']);
const GATEWAY = identity('gateway', ['sessions.validate', 'revocations.watch'], ['acme']);

describe('SessionVerifier of a caller of some tenants', () => {
  const file = callersFile([LOGIN, GATEWAY]);
  let server: TestServer;
  let authority: SessionAuthorityClient;
  let gateway: SessionAuthorityClient;
  let verifier: SessionVerifier;

  before(async () => {
    server = await startTestServer('memory', { CALLERS_FILE: file });
    const clientOf = ({ token }: Identity) =>
      new SessionAuthorityClient({ target: `127.0.0.1:${server.grpcPort}`, serviceToken: token });
    [authority, gateway] = [clientOf(LOGIN), clientOf(GATEWAY)];
    const of = { issuer: 'http://127.0.0.1:8080', audience: 'session-authority' };
    verifier = new SessionVerifier({ ...of, authority: gateway });
    await verifier.ready();
  });

  after(async () => {
    verifier.close();
    gateway.close();
    authority.close();
    await server.stop();
  });

  const login = async (tenantId: string) => {
    const { session, tokens } = await authority.createSession({ userId: 'ann', tenantId });
    return { tenantId, sessionId: session.sessionId, token: tokens.accessToken };
  };
  const said = async (token: string) => {
    try {
      // However busy this machine is.
      return (await verifier.verify(token, { freshMs: 30_000 })).decidedBy;
    } catch (error) {
      if (error instanceof VerificationError) return error.reason;
      throw error;
    }
  };
  const becomes = async (token: string, word: string) => {
    const lateMs = performance.now() + 45_000;
    for (let last = ''; last !== word; await turn()) {
      last = await said(token);
      assert(performance.now() < lateMs, `${last}, not ${word}`);
    }
  };

  it('decides by itself of these alone, and of others from when they are its own until they are not', async () => {
    const [acme, beta, lost] = [await login('acme'), await login('beta'), await login('beta')];
    assert.equal(await said(acme.token), 'local');
    // The service knows whose business it is.
    assert.equal(await said(beta.token), 'invalid');
    await authority.revokeSession({ session: { sessionId: lost.sessionId }, tenantId: 'beta' });

    writeCallers(file, [LOGIN, { ...GATEWAY, tenants: ['acme', 'beta'] }]);
    await becomes(beta.token, 'local');
    assert.equal(await said(lost.token), 'revoked');
    assert.equal(await said(acme.token), 'local');
    const session = await verifier.verify(beta.token, { freshMs: 30_000 });
    let isTold = false;
    verifier.watch(session, () => {
      isTold = true;
    });
    assert.equal(verifier.isRevoked(session), false);

    writeCallers(file, [LOGIN, GATEWAY]);
    await until(() => isTold);
    assert.equal(verifier.isRevoked(session), true);
    await becomes(beta.token, 'invalid');
    assert.equal(await said(acme.token), 'local');
  });
});

import assert from 'node:assert/strict';
import { SCOPES, type Scope } from '../../src/access/scopes.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { type Request, RpcError, SessionClient, UNARY_RPCS, type UnaryRpc } from './client.ts';
import { assertRefused, open } from './expect.ts';
import { callersFile, identity } from './identities.ts';

const ID = '0190a5c0-0000-7000-8000-000000000001';
const BY_ID = { session: { sessionId: ID } };
const BY_TOKEN = { session: { refreshToken: 'sar_x' } };
const ACTOR = { userId: 'support', tenantId: '', reason: 'ticket' };

/** What requests need, as docs/security.md says. */
const NEEDED: { readonly [R in UnaryRpc]: readonly (readonly [Request<R>, readonly Scope[]])[] } = {
  CreateSession: [
    [{ userId: 'ann' }, ['sessions.create']],
    [{ userId: 'ann', actor: ACTOR }, ['sessions.create', 'sessions.impersonate']],
  ],
  RefreshSession: [[{ refreshToken: 'sar_x' }, ['sessions.refresh']]],
  ValidateSession: [
    [{ accessToken: 'x' }, ['sessions.validate']],
    [{ accessToken: 'x', includeClaims: true }, ['sessions.validate']],
    [{ accessToken: 'x', includeSession: true }, ['sessions.validate', 'sessions.read']],
  ],
  BatchValidateSessions: [
    [{ requests: [{ accessToken: 'x' }] }, ['sessions.validate']],
    [
      { requests: [{ accessToken: 'x' }, { accessToken: 'x', includeSession: true }] },
      ['sessions.validate', 'sessions.read'],
    ],
  ],
  GetSession: [
    [BY_TOKEN, ['sessions.read']],
    [BY_ID, ['sessions.read', 'sessions.manage']],
  ],
  ListSessions: [[{ userId: 'ann' }, ['sessions.read']]],
  UpdateSession: [
    [BY_TOKEN, ['sessions.update']],
    [BY_ID, ['sessions.update', 'sessions.manage']],
  ],
  RotateSession: [
    [BY_TOKEN, ['sessions.rotate']],
    [BY_ID, ['sessions.rotate', 'sessions.manage']],
  ],
  RevokeSession: [
    [BY_TOKEN, ['sessions.revoke']],
    [BY_ID, ['sessions.revoke', 'sessions.manage']],
  ],
  RevokeSessions: [
    [{ userId: 'ann' }, ['sessions.revoke']],
    [{ clientId: 'web' }, ['admin']],
    [{ wholeTenant: true }, ['admin']],
    [{ wholeTenant: true, dryRun: true }, ['admin']],
  ],
  GetJwks: [[{}, []]],
};

/** One caller for each scope, and for each pair of them. */
const CALLERS = SCOPES.flatMap((first, index) => {
  const pairs = SCOPES.slice(index + 1).map((second) => identity(`${first}_and_${second}`, [first, second]));
  return [identity(first, [first]), ...pairs];
});

describe('the scopes of a caller', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('memory', { CALLERS_FILE: callersFile(CALLERS) });
  });
  after(() => server.stop());

  /** The status that a call is refused with for the caller's sake; empty where it is let in. */
  async function refusal(client: SessionClient, rpc: UnaryRpc, request: Request<UnaryRpc>): Promise<string> {
    try {
      await client.call(rpc, request);
    } catch (error) {
      assert(error instanceof RpcError);
      return error.reason.startsWith('CALLER_') ? error.status : '';
    }
    return '';
  }

  for (const rpc of UNARY_RPCS) {
    it(`let those alone call ${rpc} that have what it needs`, async () => {
      for (const [request, needed] of NEEDED[rpc]) {
        for (const { name, token, scopes } of CALLERS) {
          const client = new SessionClient(server.grpcPort, {}, token);
          const isAllowed = scopes.includes('admin') || needed.every((scope) => scopes.includes(scope));
          const expected = isAllowed ? '' : 'PERMISSION_DENIED';
          assert.equal(await refusal(client, rpc, request), expected, `${name}: ${JSON.stringify(request)}`);
          client.close();
        }
      }
    });
  }

  it('are asked of known callers alone', async () => {
    const tokens = ['', 'sak_', `sak_${'A'.repeat(43)}`, `${CALLERS[0]?.token}x`, 'x', `sas_${'A'.repeat(43)}`];
    for (const token of tokens) {
      const client = new SessionClient(server.grpcPort, {}, token);
      for (const rpc of UNARY_RPCS) {
        for (const [request] of NEEDED[rpc]) {
          const call = client.call(rpc, request);
          await assertRefused(call, { status: 'UNAUTHENTICATED', reason: 'CALLER_UNKNOWN' });
        }
      }
      client.close();
    }
  });

  it('are named in the refusal, with what else would do', async () => {
    const [creator] = CALLERS;
    const client = new SessionClient(server.grpcPort, {}, creator?.token);
    await open(client, { userId: 'ann' });
    const refused = { status: 'PERMISSION_DENIED', reason: 'CALLER_NOT_ALLOWED' };
    const impersonated = await assertRefused(open(client, { userId: 'ann', actor: ACTOR }), refused);
    assert.match(impersonated.message, /sessions\.impersonate to set actor/);
    const revoked = await assertRefused(client.call('RevokeSessions', { wholeTenant: true }), refused);
    assert.match(revoked.message, /admin to end the sessions of a whole client or tenant/);
    client.close();
  });
});

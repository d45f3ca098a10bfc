import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import { assertInvalid, assertRefused, assertVerdict, open, present, refresh, seconds, verdict } from './expect.ts';
import type { Request } from './client.ts';

const SERVICE_ALONE = [
  'REVOCATION_REASON_SESSION_LIMIT',
  'REVOCATION_REASON_REFRESH_TOKEN_REUSE',
  'REVOCATION_REASON_ROTATED',
  'REVOCATION_REASON_DEVICE_REPLACED',
] as const;
const CALLERS = ['LOGOUT', 'ADMIN', 'CREDENTIAL_CHANGE', 'ACCOUNT_DISABLED', 'SECURITY'] as const;

onEachStore('RevokeSession', (server) => {
  const revoke = async (session: NonNullable<Request<'RevokeSession'>['session']>, tenantId = '') => {
    const { revoked, consistencyToken } = await server().client.call('RevokeSession', { tenantId, session });
    if (revoked) assert(consistencyToken.length > 0);
    return revoked;
  };

  it('ends the session that an id or any credential names', async () => {
    const { client } = server();
    for (const name of ['sessionId', 'accessToken', 'refreshToken'] as const) {
      const { session, tokens } = await open(client, { userId: 'ann' });
      const value = { sessionId: session.sessionId, ...tokens }[name];
      assert.equal(await revoke({ [name]: value }), true, name);
      await assertVerdict(client, tokens.accessToken, 'REVOKED');
      await assertRefused(client.call('RefreshSession', { refreshToken: tokens.refreshToken }), {
        status: 'FAILED_PRECONDITION',
        reason: 'REFRESH_TOKEN_INVALID',
      });
      assert.equal(await revoke({ [name]: value }), false, `${name} again`);
    }
    const { tokens } = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
    assert.equal(await revoke({ sessionToken: tokens.sessionToken }), true);
    assert.equal(await verdict(client, tokens), 'REVOKED');
  });

  it('takes a session id in upper case', async () => {
    const { session } = await open(server().client);
    assert.equal(await revoke({ sessionId: session.sessionId.toUpperCase() }), true);
  });

  it('lets an expired or spent credential name its session', async () => {
    const { client } = server();
    const first = await open(client);
    await refresh(client, first.tokens.refreshToken);
    server().advance(601_000);
    await assertVerdict(client, first.tokens.accessToken, 'EXPIRED');
    assert.equal(await revoke({ accessToken: first.tokens.accessToken }), true);
    const second = await open(client);
    const next = await refresh(client, second.tokens.refreshToken);
    server().advance(60_000);
    assert.equal(await revoke({ refreshToken: second.tokens.refreshToken }), true);
    await assertVerdict(client, next.tokens.accessToken, 'REVOKED');
  });

  it('says false of what had ended, never was, or is of another tenant', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { tenantId: 'a' });
    const expired = await open(client, { absoluteTimeout: seconds(1) });
    server().advance(1001);
    assert.equal(await revoke({ sessionId: expired.session.sessionId }), false);
    assert.equal(await revoke({ sessionId: '00000000-0000-7000-8000-000000000000' }), false);
    for (const tenantId of ['', 'b', 'A']) {
      assert.equal(await revoke({ sessionId: session.sessionId }, tenantId), false);
      assert.equal(await revoke({ accessToken: tokens.accessToken }, tenantId), false);
      assert.equal(await revoke({ refreshToken: tokens.refreshToken }, tenantId), false);
    }
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  });

  it('keeps the reason and the time', async () => {
    const { client } = server();
    const ended = async (reason: NonNullable<Request<'RevokeSession'>['reason']>) => {
      const { session } = await open(client);
      const handle = { sessionId: session.sessionId };
      await client.call('RevokeSession', { session: handle, reason });
      return present((await client.call('GetSession', { session: handle })).session);
    };
    for (const reason of CALLERS)
      assert.equal((await ended(`REVOCATION_REASON_${reason}`)).revocationReason, `REVOCATION_REASON_${reason}`);
    const session = await ended('REVOCATION_REASON_UNSPECIFIED');
    assert.equal(session.revocationReason, 'REVOCATION_REASON_LOGOUT');
    const { revokeTime } = session;
    assert(Math.abs(present(revokeTime).seconds * 1000 - server().now()) < 60_000);
  });

  it('lets no caller give the reasons of the service', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'ann' });
    for (const reason of [...SERVICE_ALONE, 99 as never]) {
      await assertInvalid(
        client.call('RevokeSession', { session: { sessionId: session.sessionId }, reason }),
        'reason',
      );
      await assertInvalid(client.call('RevokeSessions', { userId: 'ann', reason }), 'reason');
    }
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  });

  it('takes no actor without a user', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'ann' });
    await assertInvalid(
      client.call('RevokeSession', { session: { sessionId: session.sessionId }, actor: { reason: 'x' } }),
      'actor.user_id',
    );
  });

  it('needs a handle, and a session id that is one', async () => {
    const { client } = server();
    for (const rpc of ['RevokeSession', 'GetSession', 'UpdateSession', 'RotateSession'] as const) {
      await assertInvalid(client.call(rpc, {}), 'session');
      await assertInvalid(client.call(rpc, { session: {} }), 'session');
      for (const sessionId of ['x', '00000000-0000-7000-8000-00000000000g', '{00000000-0000-7000-8000-000000000000}']) {
        await assertInvalid(client.call(rpc, { session: { sessionId } }), 'session.session_id');
      }
      await assertInvalid(client.call(rpc, { session: { sessionId: '' } }), 'session.session_id');
    }
  });
});

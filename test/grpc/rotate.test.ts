import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import {
  assertInvalid,
  assertRefused,
  assertVerdict,
  claimsOf,
  fullSession,
  ms,
  open,
  present,
  refresh,
  seconds,
  struct,
  unstruct,
  verdict,
} from './expect.ts';
import type { Request, SessionClient } from './client.ts';

const STATE = { status: 'FAILED_PRECONDITION', reason: 'SESSION_STATE' };
const DAY_MS = 86_400_000;

async function rotate(client: SessionClient, request: Request<'RotateSession'>) {
  const response = await client.call('RotateSession', request);
  return { session: present(response.session), tokens: present(response.tokens), response };
}

onEachStore('RotateSession', (server) => {
  it('logs a user in on top of an anonymous session', async () => {
    const { client } = server();
    const device = { deviceId: 'd', name: 'Phone', userAgent: 'UA', ipAddress: '::1' };
    const anonymous = await open(client, {
      tenantId: 't',
      clientId: 'web',
      claims: struct({ theme: 'dark' }),
      data: struct({ cart: [1] }),
      device,
      audiences: ['api'],
    });
    server().advance(60_000);
    const { refreshToken } = anonymous.tokens;
    const { session, tokens, response } = await rotate(client, {
      tenantId: 't',
      session: { refreshToken },
      userId: 'ann',
      acr: '1',
      amr: ['pwd'],
    });
    assert.notEqual(session.sessionId, anonymous.session.sessionId);
    assert.deepEqual(
      [session.userId, session.acr, session.amr, session.clientId, session.audiences],
      ['ann', '1', ['pwd'], 'web', ['api']],
    );
    const { data } = await fullSession(client, session.sessionId, 't');
    assert.deepEqual(
      [session.data, unstruct(data), unstruct(session.claims)],
      [null, { cart: [1] }, { theme: 'dark' }],
    );
    assert.deepEqual(session.device, device);
    assert.deepEqual(response.endedSessionIds, [anonymous.session.sessionId]);
    assert(response.consistencyToken.length > 0);
    // Authenticated now, so the absolute limit starts anew.
    assert(ms(session.authTime) >= ms(anonymous.session.authTime) + 60_000);
    assert(ms(session.absoluteExpireTime) >= ms(anonymous.session.absoluteExpireTime) + 60_000);
    assert.equal(claimsOf(tokens.accessToken)['sub'], 'ann');
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
    await assertVerdict(client, anonymous.tokens.accessToken, 'REVOKED');
    await assertRefused(client.call('RefreshSession', { refreshToken }), {
      status: 'FAILED_PRECONDITION',
      reason: 'REFRESH_TOKEN_INVALID',
    });
    const { session: old } = await client.call('GetSession', {
      tenantId: 't',
      session: { sessionId: anonymous.session.sessionId },
    });
    assert.deepEqual([old?.state, old?.revocationReason], ['SESSION_STATE_REVOKED', 'REVOCATION_REASON_ROTATED']);
    await refresh(client, tokens.refreshToken);
  });

  it('steps up: later auth_time, acr and amr, and a new absolute limit', async () => {
    const { client } = server();
    const start = await open(client, {
      userId: 'ann',
      acr: '1',
      amr: ['pwd'],
      claims: struct({ a: 1 }),
      data: struct({ b: 2 }),
    });
    server().advance(3_600_000);
    const authTime = { seconds: Math.floor(server().now() / 1000), nanos: 0 };
    const handle = { sessionId: start.session.sessionId };
    const { session, tokens } = await rotate(client, { session: handle, authTime, acr: '2', amr: ['pwd', 'otp'] });
    assert.deepEqual(
      [session.userId, session.authTime, session.acr, session.amr],
      ['ann', authTime, '2', ['pwd', 'otp']],
    );
    const { auth_time, acr, amr } = claimsOf(tokens.accessToken);
    assert.deepEqual([auth_time, acr, amr], [authTime.seconds, '2', ['pwd', 'otp']]);
    assert(ms(session.absoluteExpireTime) >= ms(start.session.absoluteExpireTime) + 3_600_000);
    const { claims, data } = await fullSession(client, session.sessionId);
    assert.deepEqual([unstruct(claims), unstruct(data)], [{ a: 1 }, { b: 2 }]);
  });

  it('moves the absolute limit with nothing but a later auth_time', async () => {
    const { client } = server();
    const start = await open(client, { userId: 'ann', authTime: { seconds: 1_700_000_000, nanos: 0 } });
    server().advance(3_600_000);
    let current = start.session.sessionId;
    for (const request of [
      {},
      { authTime: { seconds: 1_700_000_000, nanos: 0 } },
      { authTime: { seconds: 1_600_000_000, nanos: 0 } },
      { userId: 'ann' },
    ]) {
      const { session } = await rotate(client, {
        session: { sessionId: current },
        ...request,
        claims: struct({ role: 'admin' }),
      });
      assert.deepEqual(session.absoluteExpireTime, start.session.absoluteExpireTime);
      assert.deepEqual(unstruct(session.claims), { role: 'admin' });
      current = session.sessionId;
    }
  });

  it('carries authentication, claims, data and device over unless set', async () => {
    const { client } = server();
    const authTime = { seconds: 1_700_000_000, nanos: 0 };
    const given = { authTime, acr: '2', amr: ['pwd'], claims: struct({ a: 1 }), data: struct({ b: 1 }) };
    const start = await open(client, { userId: 'ann', ...given, device: { deviceId: 'd', userAgent: 'A' } });
    const { session } = await rotate(client, {
      session: { sessionId: start.session.sessionId },
      device: { userAgent: 'B' },
    });
    assert.deepEqual([session.authTime, session.acr, session.amr], [authTime, '2', ['pwd']]);
    assert.deepEqual(session.device, { deviceId: 'd', name: '', userAgent: 'B', ipAddress: '' });
    assert.deepEqual(unstruct(session.claims), { a: 1 });
    assert.deepEqual(unstruct((await fullSession(client, session.sessionId)).data), { b: 1 });
    const handle = { sessionId: session.sessionId };
    const next = await rotate(client, { session: handle, claims: struct({}), data: struct({ c: 1 }), amr: ['otp'] });
    assert.deepEqual([next.session.acr, next.session.amr, unstruct(next.session.claims)], ['2', ['otp'], {}]);
    assert.deepEqual(unstruct((await fullSession(client, next.session.sessionId)).data), { c: 1 });
  });

  it('carries timeouts over unless set', async () => {
    const { client } = server();
    const timeouts = { idleTimeout: seconds(7200), absoluteTimeout: seconds(86_400) };
    const start = await open(client, { userId: 'ann', ...timeouts });
    const kept = await rotate(client, { session: { sessionId: start.session.sessionId } });
    assert.deepEqual(kept.session.absoluteExpireTime, start.session.absoluteExpireTime);
    assert.equal(ms(kept.session.expireTime) - ms(kept.session.lastActiveTime), 7_200_000);
    const longer = await rotate(client, {
      session: { sessionId: kept.session.sessionId },
      idleTimeout: seconds(0),
      absoluteTimeout: seconds(9e9),
    });
    assert.equal(ms(longer.session.expireTime), ms(start.session.createTime) + 365 * DAY_MS);
    await assertInvalid(
      client.call('RotateSession', { session: { sessionId: longer.session.sessionId }, idleTimeout: seconds(1) }),
      'idle_timeout',
    );
    await assertInvalid(
      client.call('RotateSession', { session: { sessionId: longer.session.sessionId }, absoluteTimeout: seconds(0) }),
      'absolute_timeout',
    );
  });

  it('refuses an absolute timeout that would have passed already, and ends nothing', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'ann' });
    server().advance(120_000);
    const request = { session: { sessionId: session.sessionId }, absoluteTimeout: seconds(60) };
    await assertInvalid(client.call('RotateSession', request), 'absolute_timeout');
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
    const authTime = { seconds: Math.floor(server().now() / 1000), nanos: 0 };
    const anew = await rotate(client, { ...request, authTime });
    assert.equal(ms(anew.session.absoluteExpireTime) - ms(anew.session.createTime), 60_000);
  });

  it('gives an OPAQUE session a new session token', async () => {
    const { client } = server();
    const start = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
    const { sessionToken } = start.tokens;
    const next = await rotate(client, { session: { sessionToken }, userId: 'ann' });
    assert.notEqual(next.tokens.sessionToken, sessionToken);
    assert.equal(next.tokens.accessToken, '');
    assert.equal(await verdict(client, { sessionToken }), 'REVOKED');
    assert.equal(await verdict(client, next.tokens), 'ACTIVE');
  });

  it('gives no session another user, and none an end twice', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'ann' });
    const handle = { sessionId: session.sessionId };
    await assertRefused(client.call('RotateSession', { session: handle, userId: 'bob' }), STATE);
    const next = await rotate(client, { session: handle, userId: 'ann' });
    await assertRefused(client.call('RotateSession', { session: handle }), STATE);
    await client.call('RevokeSessions', { userId: 'ann' });
    await assertRefused(client.call('RotateSession', { session: { sessionId: next.session.sessionId } }), STATE);
    const opaque = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE', absoluteTimeout: seconds(1) });
    server().advance(1001);
    await assertRefused(client.call('RotateSession', { session: { sessionToken: opaque.tokens.sessionToken } }), STATE);
  });

  it('lets one of many through', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'ann' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => rotate(client, { session: { sessionId: session.sessionId } })),
    );
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
  });

  it('keeps an actor', async () => {
    const { client } = server();
    const actor = { userId: 'support', tenantId: '', reason: 'ticket' };
    const start = await open(client, { userId: 'ann', actor });
    const next = await rotate(client, { session: { sessionId: start.session.sessionId } });
    assert.deepEqual(next.session.actor, actor);
    assert.deepEqual(claimsOf(next.tokens.accessToken)['act'], { sub: 'support' });
  });
});

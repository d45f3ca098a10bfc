import assert from 'node:assert/strict';
import type { Struct } from '../../src/wire/gen/google/protobuf/Struct.ts';
import { onEachStore } from '../harness.ts';
import {
  assertInvalid,
  assertVerdict,
  claimsOf,
  fullSession,
  ms,
  open,
  present,
  refresh,
  seconds,
  verdict,
} from './expect.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

onEachStore('CreateSession', (server) => {
  it('answers a PAIR session with all that was asked', async () => {
    const { client } = server();
    const before = server().now();
    const claims = { fields: { roles: { listValue: { values: [{ stringValue: 'admin' }, { numberValue: 1.5 }] } } } };
    const data: Struct = {
      fields: { cart: { structValue: { fields: { open: { boolValue: true }, note: { nullValue: 'NULL_VALUE' } } } } },
    };
    const device = { deviceId: 'd1', name: 'Phone', userAgent: 'UA/1', ipAddress: '2001:db8::1' };
    const { session, tokens, response } = await open(client, {
      tenantId: 'acme',
      userId: 'ann',
      clientId: 'web',
      tokenMode: 'TOKEN_MODE_PAIR',
      claims,
      data,
      device,
      acr: 'urn:mfa',
      amr: ['pwd', 'otp'],
      audiences: ['api'],
    });
    const after = server().now();

    assert.match(session.sessionId, UUID_V7);
    assert.match(session.etag, /^.{1,64}$/);
    const created = ms(session.createTime);
    assert(before <= created && created <= after);
    for (const time of [session.lastActiveTime, session.authTime]) assert.equal(ms(time), created);
    assert.equal(ms(session.expireTime), created + 7 * DAY);
    assert.equal(ms(session.absoluteExpireTime), created + 30 * DAY);
    const { tenantId, userId, clientId, tokenMode, state, acr, amr, audiences, actor, revokeTime } = session;
    assert.deepEqual(
      { tenantId, userId, clientId, tokenMode, state, acr, amr, audiences, actor, revokeTime },
      {
        tenantId: 'acme',
        userId: 'ann',
        clientId: 'web',
        tokenMode: 'TOKEN_MODE_PAIR',
        state: 'SESSION_STATE_ACTIVE',
        acr: 'urn:mfa',
        amr: ['pwd', 'otp'],
        audiences: ['api'],
        actor: null,
        revokeTime: null,
      },
    );
    assert.equal(session.revocationReason, 'REVOCATION_REASON_UNSPECIFIED');
    assert.deepEqual(session.device, device);
    assert.equal(session.claims?.fields?.['roles']?.listValue?.values?.[1]?.numberValue, 1.5);
    assert.equal(session.data, null);
    const full = await fullSession(client, session.sessionId, 'acme');
    assert.equal(full.data?.fields?.['cart']?.structValue?.fields?.['note']?.kind, 'nullValue');
    assert.deepEqual(response.endedSessionIds, []);
    assert.equal(response.consistencyToken.length, 0);

    assert.equal(tokens.sessionToken, '');
    assert.match(tokens.refreshToken, /^sar_[\w-]+$/);
    assert.equal(ms(tokens.refreshTokenExpireTime), ms(session.expireTime));
    const expiry = ms(tokens.accessTokenExpireTime);
    assert(created + 10 * MINUTE - 1000 < expiry && expiry <= created + 10 * MINUTE);
    assert(created < ms(tokens.refreshAfterTime) && ms(tokens.refreshAfterTime) < expiry);
  });

  it('spreads refresh_after_time, so that a fleet does not refresh at once', async () => {
    const { client } = server();
    const opened = await Promise.all(Array.from({ length: 20 }, () => open(client)));
    const delays = opened.map(({ session, tokens }) => ms(tokens.refreshAfterTime) - ms(session.createTime));
    assert(Math.max(...delays) - Math.min(...delays) > 5000, String(delays));
    assert(Math.min(...delays) > 5 * MINUTE);
  });

  it('puts into an access token what RFC 9068 asks for and what was given, and no more', async () => {
    const { session, tokens } = await open(server().client, {
      tenantId: 'acme',
      userId: 'ann',
      clientId: 'web',
      claims: { fields: { plan: { stringValue: 'pro' }, quota: { numberValue: 3 } } },
      data: { fields: { secret: { stringValue: 'stays here' } } },
      authTime: { seconds: 1_700_000_000, nanos: 0 },
      acr: '2',
      amr: ['pwd'],
      audiences: ['api', 'files'],
    });
    const { iat, exp, jti, gen, ...rest } = claimsOf(tokens.accessToken);
    assert.deepEqual(rest, {
      iss: 'http://127.0.0.1:8080',
      aud: ['api', 'files'],
      sub: 'ann',
      client_id: 'web',
      sid: session.sessionId,
      tid: 'acme',
      ver: 1,
      auth_time: 1_700_000_000,
      acr: '2',
      amr: ['pwd'],
      plan: 'pro',
      quota: 3,
    });
    assert.equal(iat, Math.floor(ms(session.createTime) / 1000));
    assert.equal(Number(exp) * 1000, ms(tokens.accessTokenExpireTime));
    assert.equal(typeof jti, 'string');
    assert(Array.isArray(gen) && gen.length === 4 && gen.every((value) => Number.isSafeInteger(value)));
    const again = await refresh(server().client, tokens.refreshToken);
    assert.notEqual(claimsOf(again.tokens.accessToken)['jti'], jti);
    const header: unknown = JSON.parse(Buffer.from(tokens.accessToken.split('.')[0] ?? '', 'base64url').toString());
    assert.deepEqual({ ...(header as object), kid: '' }, { alg: 'ES256', typ: 'at+jwt', kid: '' });
  });

  it('answers an OPAQUE session with a session token alone', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'ann', tokenMode: 'TOKEN_MODE_OPAQUE' });
    const { sessionToken, ...others } = tokens;
    assert.match(sessionToken, /^sas_[\w-]+$/);
    assert.deepEqual(Object.values(others).filter(Boolean), []);
    assert.equal(session.tokenMode, 'TOKEN_MODE_OPAQUE');
    assert.equal(await verdict(client, { sessionToken }), 'ACTIVE');
  });

  it('takes what is unset from the configuration', async () => {
    const { session, tokens } = await open(server().client);
    assert.deepEqual(
      [session.tenantId, session.userId, session.clientId, session.tokenMode, session.audiences],
      ['', '', 'default', 'TOKEN_MODE_PAIR', ['session-authority']],
    );
    assert.equal(claimsOf(tokens.accessToken)['aud'], 'session-authority');
    assert.deepEqual(session.claims?.fields, {});
    assert.deepEqual((await fullSession(server().client, session.sessionId)).data?.fields, {});
  });

  it('opens an anonymous session whose sub is its session_id', async () => {
    const { client } = server();
    const { session, tokens } = await open(client);
    assert.equal(claimsOf(tokens.accessToken)['sub'], session.sessionId);
    const { userId, sessionId } = await client.call('ValidateSession', { accessToken: tokens.accessToken });
    assert.deepEqual([userId, sessionId], ['', session.sessionId]);
  });

  it('makes an actor the act claim, and keeps the reason on the server', async () => {
    const { client } = server();
    const actor = { userId: 'support-7', tenantId: 'staff', reason: 'ticket 12' };
    const { session, tokens } = await open(client, { userId: 'ann', actor });
    assert.deepEqual(session.actor, actor);
    assert.deepEqual(claimsOf(tokens.accessToken)['act'], { sub: 'support-7', tid: 'staff' });
    const answer = await client.call('ValidateSession', { accessToken: tokens.accessToken });
    assert.deepEqual([answer.actor?.userId, answer.actor?.tenantId], ['support-7', 'staff']);
    const again = await refresh(client, tokens.refreshToken);
    assert.deepEqual(claimsOf(again.tokens.accessToken)['act'], { sub: 'support-7', tid: 'staff' });
  });

  it('remembers a session for as long as was asked, up to the maxima', async () => {
    const { client } = server();
    const year = { idleTimeout: seconds(365 * 86_400), absoluteTimeout: seconds(365 * 86_400) };
    for (const asked of [year, { idleTimeout: seconds(9e9), absoluteTimeout: seconds(9e9) }]) {
      const { session } = await open(client, asked);
      const created = ms(session.createTime);
      assert.equal(ms(session.absoluteExpireTime), created + 365 * DAY);
      assert.equal(ms(session.expireTime), created + 365 * DAY);
    }
    const short = await open(client, { idleTimeout: seconds(600), absoluteTimeout: seconds(1200) });
    assert.equal(ms(short.session.expireTime), ms(short.session.createTime) + 600_000);
    assert.equal(ms(short.session.absoluteExpireTime), ms(short.session.createTime) + 1_200_000);
    const endless = await open(client, { idleTimeout: seconds(0) });
    assert.equal(ms(endless.session.expireTime), ms(endless.session.absoluteExpireTime));
  });

  it('refuses an idle timeout below the lifetime of an access token, and an absolute one of nothing', async () => {
    const { client } = server();
    await assertInvalid(client.call('CreateSession', { idleTimeout: seconds(599.999) }), 'idle_timeout');
    await assertInvalid(client.call('CreateSession', { idleTimeout: { seconds: -1, nanos: 0 } }), 'idle_timeout');
    await assertInvalid(client.call('CreateSession', { absoluteTimeout: seconds(0) }), 'absolute_timeout');
  });

  it('ends an access token no later than its session', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { absoluteTimeout: seconds(120) });
    assert(ms(tokens.accessTokenExpireTime) <= ms(session.absoluteExpireTime));
    assert(ms(tokens.refreshAfterTime) < ms(tokens.accessTokenExpireTime));
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
    server().advance(121_000);
    await assertVerdict(client, tokens.accessToken, 'EXPIRED');
  });

  it('keeps an auth_time that was given, to the second in the token and to the ms in the session', async () => {
    const { client } = server();
    const authTime = { seconds: 1_600_000_000, nanos: 123_000_000 };
    const { session, tokens } = await open(client, { userId: 'ann', authTime });
    assert.deepEqual(session.authTime, authTime);
    assert.equal(claimsOf(tokens.accessToken)['auth_time'], 1_600_000_000);
    const epoch = await open(client, { authTime: { seconds: 0, nanos: 0 } });
    assert.equal(claimsOf(epoch.tokens.accessToken)['auth_time'], 0);
  });

  it("ends the user's other sessions of the device where asked", async () => {
    const { client } = server();
    const user = { tenantId: 'devices', userId: 'ann' };
    const first = await open(client, { ...user, device: { deviceId: 'phone' } });
    const elsewhere = await open(client, { ...user, device: { deviceId: 'laptop' } });
    const other = await open(client, { ...user, userId: 'bob', device: { deviceId: 'phone' } });
    const plain = await open(client, { ...user, device: { deviceId: 'phone' } });
    assert.deepEqual(plain.response.endedSessionIds, []);
    const second = await open(client, { ...user, device: { deviceId: 'phone' }, replaceDeviceSessions: true });
    assert.deepEqual(
      second.response.endedSessionIds.toSorted(),
      [first.session.sessionId, plain.session.sessionId].toSorted(),
    );
    assert(second.response.consistencyToken.length > 0);
    await assertVerdict(client, first.tokens.accessToken, 'REVOKED');
    for (const kept of [elsewhere, other, second]) await assertVerdict(client, kept.tokens.accessToken, 'ACTIVE');
    const ended = await client.call('GetSession', {
      tenantId: 'devices',
      session: { sessionId: first.session.sessionId },
    });
    assert.equal(present(ended.session).revocationReason, 'REVOCATION_REASON_DEVICE_REPLACED');
    await assertInvalid(
      client.call('CreateSession', { userId: 'ann', replaceDeviceSessions: true }),
      'replace_device_sessions',
    );
  });
});

import assert from 'node:assert/strict';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import type { Request } from './client.ts';
import { withDatabase, withoutSessions } from './database.ts';
import {
  assertInvalid,
  assertRefused,
  assertVerdict,
  CONSISTENCIES,
  ms,
  open,
  present,
  range,
  seconds,
  struct,
  unstruct,
  verdict,
} from './expect.ts';

const RICH: Request<'CreateSession'> = {
  tenantId: 'acme',
  userId: 'ann',
  clientId: 'web',
  claims: struct({ role: 'admin' }),
  data: struct({ cart: [1, 2] }),
  device: { deviceId: 'd1', name: 'Phone', userAgent: 'UA/1', ipAddress: '192.0.2.1' },
  authTime: { seconds: 1_700_000_000, nanos: 0 },
  acr: '2',
  amr: ['pwd', 'otp'],
  actor: { userId: 'support' },
  audiences: ['api', 'files'],
};

const DAY_MS = 86_400_000;

onEachStore('ValidateSession', (server) => {
  for (const consistency of CONSISTENCIES) {
    it(`answers for an access token with what it says (${consistency})`, async () => {
      const { client } = server();
      const { session, tokens } = await open(client, RICH);
      const { accessToken } = tokens;
      const answer = await client.call('ValidateSession', { accessToken, consistency });
      const { actor, expireTime, reusableUntilTime, staleness, ...rest } = answer;
      assert.deepEqual(rest, {
        active: true,
        inactiveReason: 'INACTIVE_REASON_UNSPECIFIED',
        sessionId: session.sessionId,
        tenantId: 'acme',
        userId: 'ann',
        clientId: 'web',
        authTime: { seconds: 1_700_000_000, nanos: 0 },
        acr: '2',
        amr: ['pwd', 'otp'],
        claims: null,
        session: null,
        deviceChange: null,
        degraded: false,
      });
      assert.equal(actor?.userId, 'support');
      assert.deepEqual(expireTime, tokens.accessTokenExpireTime);
      assert(ms(reusableUntilTime) <= ms(tokens.accessTokenExpireTime) && ms(reusableUntilTime) > server().now());
      // What is read from the store is of now; a view of the log is refused before it is older than this.
      assert(ms(staleness) <= (consistency === 'CONSISTENCY_LOCAL' ? 60_000 : 0));
    });
  }

  it('adds claims and session where asked, and data in the full view alone', async () => {
    const { client } = server();
    const opened = await open(client, RICH);
    const opaque = await open(client, { ...RICH, tokenMode: 'TOKEN_MODE_OPAQUE' });
    const credentials = [{ accessToken: opened.tokens.accessToken }, { sessionToken: opaque.tokens.sessionToken }];
    for (const credential of credentials) {
      for (const [view, data] of [
        ['SESSION_VIEW_UNSPECIFIED', null],
        ['SESSION_VIEW_BASIC', null],
        ['SESSION_VIEW_FULL', { cart: [1, 2] }],
      ] as const) {
        const answer = await client.call('ValidateSession', {
          ...credential,
          view,
          includeClaims: true,
          includeSession: true,
        });
        assert.deepEqual(unstruct(answer.claims), { role: 'admin' });
        const session = present(answer.session);
        assert.deepEqual(unstruct(session.claims), { role: 'admin' });
        assert.deepEqual(unstruct(session.data), data);
        assert.equal(session.sessionId, answer.sessionId);
        assert.equal(session.device?.userAgent, 'UA/1');
      }
    }
  });

  it('tells how the device differs, where the store is read', async () => {
    const { client } = server();
    const { tokens } = await open(client, { ...RICH, tokenMode: 'TOKEN_MODE_OPAQUE' });
    const change = async (device: object) =>
      (await client.call('ValidateSession', { sessionToken: tokens.sessionToken, device })).deviceChange;
    assert.deepEqual(await change({ userAgent: 'UA/1', ipAddress: '192.0.2.1' }), {
      userAgentChanged: false,
      ipAddressChanged: false,
    });
    assert.deepEqual(await change({ userAgent: 'UA/2' }), { userAgentChanged: true, ipAddressChanged: false });
    assert.deepEqual(await change({ ipAddress: '192.0.2.9' }), { userAgentChanged: false, ipAddressChanged: true });
  });

  it('compares tenant and audience where set', async () => {
    const { client } = server();
    const pair = await open(client, RICH);
    const opaque = await open(client, { ...RICH, tokenMode: 'TOKEN_MODE_OPAQUE' });
    for (const credential of [{ accessToken: pair.tokens.accessToken }, { sessionToken: opaque.tokens.sessionToken }]) {
      for (const [expected, active] of [
        [{ tenantId: 'acme', audience: 'files' }, true],
        [{ tenantId: '' }, false],
        [{ tenantId: 'ACME' }, false],
        [{ audience: 'other' }, false],
        [{ audience: 'api,files' }, false],
      ] as const) {
        for (const consistency of CONSISTENCIES) {
          const answer = await client.call('ValidateSession', { ...credential, ...expected, consistency });
          assert.equal(answer.active, active, JSON.stringify(expected));
        }
      }
    }
  });

  it('slides the idle timeout of an OPAQUE session with use, but for TOUCH_INTERVAL and no_touch', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'idle', tokenMode: 'TOKEN_MODE_OPAQUE' });
    const use = async (noTouch = false) =>
      ms((await client.call('ValidateSession', { sessionToken: tokens.sessionToken, noTouch })).expireTime);
    const first = ms(session.expireTime);
    server().advance(50_000);
    assert.equal(await use(), first);
    server().advance(11_000);
    assert.equal(await use(true), first);
    const slid = await use();
    assert(slid >= first + 61_000, `${slid - first}`);
    server().advance(6 * DAY_MS);
    assert.equal(await verdict(client, tokens), 'ACTIVE');
    server().advance(6 * DAY_MS);
    assert.equal(await verdict(client, tokens), 'ACTIVE');
    server().advance(7.5 * DAY_MS);
    assert.equal(await verdict(client, tokens), 'EXPIRED');
    assert.equal(await verdict(client, tokens), 'EXPIRED');
  });

  it('never moves the absolute limit', async () => {
    const { client } = server();
    const { tokens, session } = await open(client, {
      tokenMode: 'TOKEN_MODE_OPAQUE',
      idleTimeout: seconds(3600),
      absoluteTimeout: seconds(5400),
    });
    server().advance(3_000_000);
    const answer = await client.call('ValidateSession', { sessionToken: tokens.sessionToken, includeSession: true });
    assert.equal(ms(answer.expireTime), ms(session.absoluteExpireTime));
    assert.deepEqual(present(answer.session).absoluteExpireTime, session.absoluteExpireTime);
    server().advance(2_500_000);
    assert.equal(await verdict(client, tokens), 'EXPIRED');
  });

  it('lets an answer be reused until use must slide the idle timeout again', async () => {
    const { client } = server();
    const sliding = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
    const endless = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE', idleTimeout: seconds(0) });
    const reuse = async (sessionToken: string) =>
      ms((await client.call('ValidateSession', { sessionToken })).reusableUntilTime) - server().now();
    const [short, long] = [await reuse(sliding.tokens.sessionToken), await reuse(endless.tokens.sessionToken)];
    assert(short <= 60_000 && short > 50_000, String(short));
    assert(long <= 600_000 && long > 590_000, String(long));
    const brief = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE', absoluteTimeout: seconds(20) });
    assert((await reuse(brief.tokens.sessionToken)) <= 20_000);
  });

  it('checks fields', async () => {
    const { client } = server();
    await assertInvalid(client.call('ValidateSession', {}), 'credential');
    await assertInvalid(
      client.call('ValidateSession', {
        accessToken: 'x',
        consistency: 7 as never,
        view: -1 as never,
        maxStaleness: { seconds: -1, nanos: 0 },
      }),
      'view',
      'consistency',
      'max_staleness',
    );
  });
});

onEachStore('BatchValidateSessions', (server) => {
  it('answers 256 in the order of the requests', async () => {
    const { client } = server();
    const opened = await Promise.all(range(8).map(() => open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' })));
    const pairs = await Promise.all(range(8).map(() => open(client)));
    await client.call('RevokeSession', { session: { sessionId: pairs[3]?.session.sessionId ?? '' } });
    const expected: string[] = [];
    const requests = range(256).map((index) => {
      const pair = present(pairs[index % 8]);
      const opaque = present(opened[(index * 5) % 8]);
      if (index % 3 === 0) {
        expected.push(index % 8 === 3 ? 'INACTIVE_REASON_REVOKED' : pair.session.sessionId);
        return { accessToken: pair.tokens.accessToken };
      }
      expected.push(index % 3 === 1 ? opaque.session.sessionId : 'INACTIVE_REASON_INVALID');
      return { sessionToken: index % 3 === 1 ? opaque.tokens.sessionToken : `sas_${index}` };
    });
    const { responses } = await client.call('BatchValidateSessions', { requests });
    assert.deepEqual(
      responses.map((answer) => (answer.active ? answer.sessionId : answer.inactiveReason)),
      expected,
    );
  });

  it('refuses 257, and answers none with none', async () => {
    const { client } = server();
    await assertInvalid(
      client.call('BatchValidateSessions', { requests: range(257).map(() => ({ accessToken: 'x' })) }),
      'requests',
    );
    assert.deepEqual(await client.call('BatchValidateSessions', {}), { responses: [] });
  });

  it('names the item and the field that is at fault', async () => {
    const requests = [
      { accessToken: 'x' },
      {},
      { accessToken: 'x', tenantId: 'x'.repeat(129), device: { userAgent: 'x'.repeat(513) } },
    ];
    await assertInvalid(
      server().client.call('BatchValidateSessions', { requests }),
      'requests[1].credential',
      'requests[2].tenant_id',
      'requests[2].device.user_agent',
    );
  });

  it('refuses what would not fit into one answer, and answers what does', async () => {
    const { client } = server();
    const { tokens } = await open(client, { data: struct({ blob: 'x'.repeat(16_000) }) });
    const request = { accessToken: tokens.accessToken, includeSession: true, view: 'SESSION_VIEW_FULL' } as const;
    await assertInvalid(client.call('BatchValidateSessions', { requests: range(256).map(() => request) }), 'requests');
    const { responses } = await client.call('BatchValidateSessions', { requests: range(60).map(() => request) });
    assert.equal(responses.length, 60);
    const claimed = await open(client, { claims: struct({ role: 'x'.repeat(2000) }) });
    const small = { accessToken: claimed.tokens.accessToken, includeClaims: true };
    const many = await client.call('BatchValidateSessions', { requests: range(256).map(() => small) });
    assert(many.responses.every((answer) => answer.active && answer.claims !== null));
  });
});

describe('the hot path', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());

  it('validates an access token without the store, and says UNAVAILABLE where it needs one', async () => {
    const { client } = server;
    const { tokens, session } = await open(client, { userId: 'ann', claims: struct({ a: 1 }) });
    const opaque = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
    const unavailable = { status: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' };
    await withoutSessions(server.databasePath, async () => {
      const local = await client.call('ValidateSession', { accessToken: tokens.accessToken, includeClaims: true });
      assert.deepEqual([local.active, unstruct(local.claims)], [true, { a: 1 }]);
      const { accessToken } = tokens;
      for (const call of [
        () => client.call('ValidateSession', { accessToken, consistency: 'CONSISTENCY_STRONG' }),
        () => client.call('ValidateSession', { accessToken, includeSession: true }),
        () => client.call('ValidateSession', { sessionToken: opaque.tokens.sessionToken }),
        () => client.call('CreateSession', {}),
        () => client.call('RefreshSession', { refreshToken: tokens.refreshToken }),
        () => client.call('GetSession', { session: { accessToken } }),
        () => client.call('ListSessions', { userId: 'ann' }),
        () => client.call('UpdateSession', { session: { accessToken }, data: struct({}) }),
        () => client.call('RotateSession', { session: { accessToken } }),
        () => client.call('RevokeSession', { session: { accessToken } }),
        () => client.call('RevokeSessions', { userId: 'ann', createTimeBefore: { seconds: 9e9, nanos: 0 } }),
      ]) {
        await assertRefused(call(), unavailable);
      }
    });
    // Nothing had happened.
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
    const { session: still } = await client.call('GetSession', { session: { sessionId: session.sessionId } });
    assert.equal(still?.etag, session.etag);
  });
});

describe('STRONG', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());

  it('goes by the row, where this instance has not heard of the revocation', async () => {
    const { client, databasePath } = server;
    for (const [set, expected] of [
      ["revoke_time = create_time, revocation_reason = 'admin'", 'REVOKED'],
      ['min_version = version + 1', 'SUPERSEDED'],
    ] as const) {
      const { tokens, session } = await open(client, { userId: 'ann' });
      await withDatabase(databasePath, (database) => {
        database.prepare(`UPDATE nest_auth_sessions SET ${set} WHERE session_id = ?`).run(session.sessionId);
      });
      assert.equal(await verdict(client, tokens, 'CONSISTENCY_LOCAL'), 'ACTIVE');
      assert.equal(await verdict(client, { accessToken: tokens.accessToken }, 'CONSISTENCY_STRONG'), expected);
    }
  });
});

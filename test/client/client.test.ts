import assert from 'node:assert/strict';
import { CallError, SessionAuthorityClient, SessionError, type RevocationStreamEvent } from '../../src/client/index.ts';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import { until } from '../servers/process.ts';

const DEVICE = { deviceId: 'd', name: 'phone', userAgent: 'ua', ipAddress: '::1' };
const ACTOR = { userId: 'op', tenantId: 'o', reason: 'support' };
const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000';
const MINUTE_MS = 60_000;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

onEachStore('SessionAuthorityClient', (server) => {
  let client: SessionAuthorityClient;
  before(() => {
    client = new SessionAuthorityClient({ target: `127.0.0.1:${server().grpcPort}` });
  });
  after(() => client.close());

  it('does nothing where it is told in the same turn that nobody waits', async () => {
    await client.getJwks();
    const stop = new AbortController();
    const aborted = client.createSession({ userId: 'nobody-waits' }, { signal: stop.signal });
    stop.abort(new Error('too late'));
    await assert.rejects(aborted, /too late/);
    assert.deepEqual((await client.listSessions({ userId: 'nobody-waits' })).sessions, []);
    const closing = new SessionAuthorityClient({ target: `127.0.0.1:${server().grpcPort}` });
    await closing.getJwks();
    const ended = closing.createSession({ userId: 'nobody-waits' });
    closing.close();
    await assert.rejects(ended, { status: 'CANCELLED' });
    assert.throws(() => closing.watchRevocations({}, () => {}), { status: 'CANCELLED' });
    assert.deepEqual((await client.listSessions({ userId: 'nobody-waits' })).sessions, []);
  });

  it('creates, reads, refreshes, validates and revokes a session', async () => {
    const { session, tokens, endedSessionIds, consistencyToken } = await client.createSession({
      tenantId: 'acme',
      userId: 'ann',
      clientId: 'web',
      claims: { role: 'admin', nested: { list: [1, null, 'x', true, {}] } },
      data: { cart: [1.5] },
      device: DEVICE,
      idleTimeoutMs: 30 * MINUTE_MS,
      absoluteTimeoutMs: 60 * MINUTE_MS,
      authTime: new Date(Date.now() - MINUTE_MS),
      acr: '2',
      amr: ['pwd', 'otp'],
      actor: ACTOR,
      audiences: ['api'],
    });
    assert.deepEqual([endedSessionIds, consistencyToken], [[], null]);
    const now = Date.now();
    const { createTime, lastActiveTime, expireTime, absoluteExpireTime, authTime, sessionId, etag, ...rest } = session;
    assert(createTime instanceof Date && Math.abs(createTime.getTime() - now) < 30_000);
    assert.deepEqual(lastActiveTime, createTime);
    assert.equal(expireTime.getTime() - createTime.getTime(), 30 * MINUTE_MS);
    assert.equal(absoluteExpireTime.getTime() - createTime.getTime(), 60 * MINUTE_MS);
    assert(Math.abs(createTime.getTime() - authTime.getTime() - MINUTE_MS) < 30_000);
    assert.match(sessionId, /^[0-9a-f-]{36}$/);
    assert.notEqual(etag, '');
    assert.deepEqual(rest, {
      tenantId: 'acme',
      userId: 'ann',
      clientId: 'web',
      tokenMode: 'pair',
      state: 'active',
      acr: '2',
      amr: ['pwd', 'otp'],
      device: DEVICE,
      actor: ACTOR,
      audiences: ['api'],
      claims: { role: 'admin', nested: { list: [1, null, 'x', true, {}] } },
      data: null,
      revokeTime: null,
      revocationReason: null,
    });
    assert.equal(tokens.kind, 'pair');
    assert(tokens.refreshAfterTime < tokens.accessTokenExpireTime);
    assert(tokens.accessTokenExpireTime <= tokens.refreshTokenExpireTime);

    const handle = { tenantId: 'acme', session: { accessToken: tokens.accessToken } };
    const full = await client.getSession({ ...handle, view: 'full' });
    assert.deepEqual(full, { ...session, data: { cart: [1.5] } });
    assert.deepEqual(await client.getSession({ ...handle, view: 'basic' }), session);

    const refreshed = await client.refreshSession({
      refreshToken: tokens.refreshToken,
      tenantId: 'acme',
      clientId: 'web',
      claims: { role: 'user' },
      device: { ...DEVICE, ipAddress: '::2' },
    });
    assert.deepEqual(refreshed.deviceChange, { userAgentChanged: false, ipAddressChanged: true });
    assert.deepEqual(refreshed.session.claims, { role: 'user' });
    assert.notEqual(refreshed.tokens.refreshToken, tokens.refreshToken);

    const { accessToken } = refreshed.tokens;
    const valid = await client.validateSession({
      accessToken,
      consistency: 'strong',
      tenantId: 'acme',
      audience: 'api',
      device: DEVICE,
      includeClaims: true,
      includeSession: true,
      view: 'full',
      noTouch: true,
      maxStalenessMs: 1000,
    });
    assert(valid.active);
    const { session: seen, expireTime: until, reusableUntilTime, authTime: authenticated, ...said } = valid;
    assert.deepEqual(seen?.data, { cart: [1.5] });
    assert(until > new Date(now) && reusableUntilTime !== null && reusableUntilTime <= until);
    assert(Math.abs(authenticated.getTime() - authTime.getTime()) < 1000);
    assert.deepEqual(said, {
      active: true,
      inactiveReason: null,
      sessionId,
      tenantId: 'acme',
      userId: 'ann',
      clientId: 'web',
      acr: '2',
      amr: ['pwd', 'otp'],
      actor: { userId: 'op', tenantId: 'o', reason: '' },
      claims: { role: 'user' },
      deviceChange: { userAgentChanged: false, ipAddressChanged: true },
      stalenessMs: 0,
      degraded: false,
    });

    const revoked = await client.revokeSession({ ...handle, reason: 'security', actor: ACTOR });
    assert(revoked.revoked && revoked.consistencyToken instanceof Uint8Array);
    const { consistencyToken: barrier } = revoked;
    const [invalid, ended] = await client.validateSessions([
      { accessToken: 'x' },
      { accessToken, consistencyToken: barrier },
    ]);
    assert.deepEqual([invalid?.active, invalid?.inactiveReason, invalid?.expireTime], [false, 'invalid', null]);
    assert.deepEqual([ended?.active, ended?.inactiveReason, ended?.sessionId], [false, 'revoked', sessionId]);
    const { state, revokeTime, revocationReason } = await client.getSession(handle);
    assert.deepEqual([state, revocationReason], ['revoked', 'security']);
    assert(revokeTime !== null && revokeTime >= createTime);
    assert.equal((await client.revokeSession(handle)).revoked, false);
  });

  it('opens opaque sessions, and rotates an anonymous one when its user logs in', async () => {
    const { session, tokens } = await client.createSession({ tokenMode: 'opaque' });
    assert.equal(session.userId, '');
    const { sessionToken } = tokens;
    const rotated = await client.rotateSession({
      session: { sessionToken },
      userId: 'bob',
      authTime: new Date(),
      acr: '1',
      amr: ['pwd'],
      claims: { a: 1 },
      data: { b: 2 },
      device: DEVICE,
      idleTimeoutMs: 20 * MINUTE_MS,
      absoluteTimeoutMs: 40 * MINUTE_MS,
    });
    assert(rotated.tokens.kind === 'opaque' && rotated.consistencyToken !== null);
    assert.deepEqual(rotated.endedSessionIds, [session.sessionId]);
    const { userId, acr, amr, claims, device, tokenMode } = rotated.session;
    assert.deepEqual([userId, acr, amr, claims, tokenMode], ['bob', '1', ['pwd'], { a: 1 }, 'opaque']);
    assert.deepEqual(device, DEVICE);
    assert.equal((await client.validateSession({ sessionToken })).inactiveReason, 'revoked');
    assert((await client.validateSession({ sessionToken: rotated.tokens.sessionToken })).active);
  });

  it('updates a session, and says where another was faster', async () => {
    const { session, tokens } = await client.createSession({ userId: 'cem', claims: { a: 1, b: 1 }, data: { a: 1 } });
    const handle = { session: { refreshToken: tokens.refreshToken } };
    const merged = await client.updateSession({
      ...handle,
      mergeClaims: { b: null, c: 3 },
      mergeData: { b: 2 },
      deviceName: 'desk',
      etag: session.etag,
    });
    assert.deepEqual(merged.session.claims, { a: 1, c: 3 });
    assert.equal(merged.session.device?.name, 'desk');
    assert.equal(merged.consistencyToken, null);
    await assert.rejects(client.updateSession({ ...handle, deviceName: 'x', etag: session.etag }), {
      name: 'SessionError',
      code: 'ETAG_MISMATCH',
    });
    const { etag } = merged.session;
    const replaced = await client.updateSession({ ...handle, claims: {}, data: {}, etag, supersedeAccessTokens: true });
    assert.deepEqual(replaced.session.claims, {});
    const { consistencyToken } = replaced;
    assert(consistencyToken !== null);
    const { accessToken } = tokens;
    assert.equal((await client.validateSession({ accessToken, consistencyToken })).inactiveReason, 'superseded');
    assert.deepEqual((await client.getSession({ ...handle, view: 'full' })).data, {});
  });

  it('lists a user in pages, or all', async () => {
    const user = { tenantId: 'lists', userId: 'dan' };
    const ids: string[] = [];
    for (const deviceId of ['a', 'b', 'a', 'b', 'a']) {
      ids.unshift((await client.createSession({ ...user, clientId: 'web', device: { deviceId } })).session.sessionId);
    }
    const listed = await all(client.listAllSessions({ ...user, pageSize: 2, view: 'full' }));
    assert.deepEqual(new Set(listed.map(({ sessionId }) => sessionId)), new Set(ids));
    for (const { data } of listed) assert.deepEqual(data, {});
    const page = await client.listSessions({ ...user, pageSize: 2, view: 'full' });
    const next = await client.listSessions({ ...user, pageSize: 2, pageToken: page.nextPageToken, view: 'full' });
    assert.deepEqual([...page.sessions, ...next.sessions], listed.slice(0, 4));
    await client.revokeSession({ tenantId: 'lists', session: { sessionId: ids[0] ?? '' } });
    const filtered = { ...user, clientId: 'web', deviceId: 'a', states: ['revoked'] as const };
    assert.deepEqual(
      (await all(client.listAllSessions(filtered))).map(({ sessionId }) => sessionId),
      [ids[0]],
    );
    assert.deepEqual(await all(client.listAllSessions({ ...user, userId: 'nobody' })), []);
  });

  it("ends a user's, a client's or a tenant's sessions, and keeps a disabled user out", async () => {
    const of = (userId: string) => ({ tenantId: 'many', userId, clientId: 'web', device: { deviceId: 'd' } });
    const [kept, other] = [await client.createSession(of('eve')), await client.createSession(of('eve'))];
    const dry = await client.revokeSessions({ tenantId: 'many', userId: 'eve', dryRun: true });
    assert.deepEqual(dry, { sessionCount: 2, consistencyToken: null });
    const { sessionCount, consistencyToken } = await client.revokeSessions({
      tenantId: 'many',
      userId: 'eve',
      exceptSessionId: kept.session.sessionId,
      denyCreateUntilTime: new Date(server().now() + MINUTE_MS),
      reason: 'account_disabled',
      actor: ACTOR,
    });
    assert(sessionCount === null && consistencyToken !== null);
    const verdicts = await client.validateSessions(
      [kept, other].map(({ tokens: { accessToken } }) => ({ accessToken, consistencyToken })),
    );
    assert.deepEqual(
      verdicts.map(({ active }) => active),
      [true, false],
    );
    await assert.rejects(client.createSession(of('eve')), { code: 'USER_BLOCKED' });
    const createTimeBefore = new Date(server().now() + MINUTE_MS);
    const matching = { tenantId: 'many', userId: 'eve', deviceId: 'd', createTimeBefore };
    assert.equal((await client.revokeSessions(matching)).sessionCount, 1);
    const { tokens } = await client.createSession(of('fay'));
    await client.revokeSessions({ tenantId: 'many', clientId: 'web' });
    const { accessToken } = tokens;
    assert.equal((await client.validateSession({ accessToken, consistency: 'strong' })).active, false);
    const again = await client.createSession(of('fay'));
    await client.revokeSessions({ tenantId: 'many', wholeTenant: true });
    const verdict = await client.validateSession({ accessToken: again.tokens.accessToken, consistency: 'strong' });
    assert.equal(verdict.inactiveReason, 'revoked');
  });

  it("replaces a device's sessions", async () => {
    const reinstalled = { userId: 'gus', device: { deviceId: 'd' }, replaceDeviceSessions: true };
    const { session } = await client.createSession(reinstalled);
    const { endedSessionIds, consistencyToken } = await client.createSession(reinstalled);
    assert.deepEqual(endedSessionIds, [session.sessionId]);
    assert(consistencyToken instanceof Uint8Array);
  });

  it('reads the keys that verify', async () => {
    const { keys } = await client.getJwks();
    assert.deepEqual(
      keys.map(({ kty, alg, use, crv }) => [kty, alg, use, crv]),
      [['EC', 'ES256', 'sig', 'P-256']],
    );
  });

  it('watches revocations', async () => {
    const events: RevocationStreamEvent[] = [];
    const watch = client.watchRevocations({ tenantIds: ['watched'], subscriberId: 'test' }, (event) =>
      events.push(event),
    );
    assert.equal(watch.ageMs, Number.POSITIVE_INFINITY);
    await until('the stream is proven', async () => watch.ageMs < 60_000);
    const { session } = await client.createSession({ tenantId: 'watched' });
    await client.createSession({ tenantId: 'other' });
    await client.revokeSessions({ tenantId: 'other', wholeTenant: true });
    await client.revokeSession({ tenantId: 'watched', session: { sessionId: session.sessionId } });
    const revocations = () => events.flatMap((event) => (event.kind === 'revocations' ? event.revocations : []));
    await until('the revocation comes', async () => revocations().length > 0);
    const { sessionId } = session;
    assert.deepEqual(
      revocations().map(({ scope }) => scope),
      [{ kind: 'session', tenantId: 'watched', sessionId, minVersion: 0 }],
    );
    watch.close();
    const count = events.length;
    await client.revokeSessions({ tenantId: 'watched', wholeTenant: true });
    assert.equal(events.length, count);
  });
});

describe('SessionAuthorityClient', () => {
  let server: TestServer;
  let client: SessionAuthorityClient;
  before(async () => {
    server = await startTestServer();
    client = new SessionAuthorityClient({ target: `127.0.0.1:${server.grpcPort}` });
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  it('throws what the service refuses, by its reason and its fields', async () => {
    await assert.rejects(client.createSession({ userId: 'x'.repeat(257), amr: ['', 'x'] }), (error) => {
      assert(error instanceof SessionError);
      assert.equal(error.code, 'INVALID_FIELD');
      assert.deepEqual(
        error.violations.map(({ field }) => field),
        ['user_id', 'amr[0]'],
      );
      assert(error.message.startsWith('user_id: '));
      return true;
    });
    const unknown = { session: { sessionId: UNKNOWN_ID } };
    await assert.rejects(client.getSession(unknown), { name: 'SessionError', code: 'SESSION_NOT_FOUND' });
    await assert.rejects(client.refreshSession({ refreshToken: 'x' }), { code: 'REFRESH_TOKEN_INVALID' });
  });

  it('refuses what the wire would change, as the service refuses what it would', async () => {
    const nowhere = new SessionAuthorityClient({ target: '127.0.0.1:1' });
    const bad = { value: { list: [2 ** 53] } };
    const never = new Date(Number.NaN);
    const handle = { session: { sessionId: UNKNOWN_ID } };
    const typed = <T>(value: unknown) => value as T;
    const cases: readonly (readonly [call: Promise<unknown>, ...fields: string[]])[] = [
      [
        nowhere.createSession({
          claims: { a: Number.NaN },
          data: bad,
          tokenMode: typed<'pair'>('PAIR'),
          idleTimeoutMs: Number.POSITIVE_INFINITY,
          absoluteTimeoutMs: Number.NaN,
          authTime: never,
        }),
        'token_mode',
        'claims',
        'data',
        'idle_timeout',
        'absolute_timeout',
        'auth_time',
      ],
      [nowhere.refreshSession({ refreshToken: 'x', claims: { a: new Date() } }), 'claims'],
      [
        nowhere.updateSession({ ...handle, claims: bad, mergeClaims: bad, data: bad, mergeData: bad }),
        'claims',
        'merge_claims',
        'data',
        'merge_data',
      ],
      [nowhere.rotateSession({ ...handle, claims: bad, data: bad, authTime: never }), 'auth_time', 'claims', 'data'],
      [
        nowhere.revokeSessions({ userId: 'x', createTimeBefore: never, denyCreateUntilTime: never }),
        'create_time_before',
        'deny_create_until_time',
      ],
      [nowhere.revokeSession({ ...handle, reason: typed<'admin'>('rotated') }), 'reason'],
      [nowhere.getSession({ ...handle, view: typed<'full'>('toString') }), 'view'],
      [nowhere.listSessions({ userId: 'x', pageSize: 1.5, states: [typed<'active'>('x')] }), 'states[0]', 'page_size'],
      [nowhere.validateSession({ accessToken: 'x', consistency: typed<'local'>('weak') }), 'consistency'],
      [
        nowhere.validateSessions([{ accessToken: 'x' }, { accessToken: 'x', maxStalenessMs: Number.NaN }]),
        'requests[1].max_staleness',
      ],
    ];
    for (const [call, ...fields] of cases) {
      await assert.rejects(call, (error) => {
        assert(error instanceof SessionError && error.code === 'INVALID_FIELD');
        assert.deepEqual(
          error.violations.map(({ field }) => field),
          fields,
        );
        return true;
      });
    }
    nowhere.close();
  });

  it('sends what is undefined as if it were not there', async () => {
    const { session } = await client.createSession({ userId: undefined, amr: undefined, claims: { a: undefined } });
    assert.deepEqual([session.userId, session.amr, session.claims], ['', [], {}]);
  });

  it('rejects a request of another type than declared, and says nothing of its values', async () => {
    const device = 'secret' as unknown as object;
    await assert.rejects(client.createSession({ device }), (error) => {
      assert(error instanceof TypeError && !error.message.includes('secret'));
      return true;
    });
  });

  it('makes thousands of calls at once, under one signal', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 2000 }, () => client.getJwks({ signal, deadlineMs: 60_000 })));
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  it('tells a service that went from one that refuses', async () => {
    const gone = await startTestServer();
    const lonely = new SessionAuthorityClient({ target: `127.0.0.1:${gone.grpcPort}` });
    await lonely.getJwks();
    await gone.stop();
    await assert.rejects(lonely.getJwks(), (error) => error instanceof CallError && error.status === 'UNAVAILABLE');
    lonely.close();
  });
});

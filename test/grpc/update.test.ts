import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import {
  assertInvalid,
  assertRefused,
  assertVerdict,
  claimsOf,
  fullSession,
  inParallel,
  open,
  present,
  range,
  refresh,
  struct,
  unstruct,
  verdict,
} from './expect.ts';

const MISMATCH = { status: 'ABORTED', reason: 'ETAG_MISMATCH' };
const NOT_FOUND = { status: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND' };
const ENDED = { status: 'FAILED_PRECONDITION', reason: 'SESSION_STATE' };

onEachStore('UpdateSession', (server) => {
  it('changes what is set, and nothing else', async () => {
    const { client } = server();
    const device = { deviceId: 'd', name: 'Phone', userAgent: 'UA', ipAddress: '::1' };
    const { session: before } = await open(client, {
      userId: 'ann',
      claims: struct({ a: 1 }),
      data: struct({ b: 2 }),
      device,
    });
    const handle = { sessionId: before.sessionId };
    const update = async (request: object) => {
      const answer = present((await client.call('UpdateSession', { ...request, session: handle })).session);
      const full = await fullSession(client, before.sessionId);
      assert.deepEqual(answer, { ...full, data: null });
      return full;
    };
    server().advance(1000);

    const one = await update({ claims: struct({ c: 3 }) });
    const { etag, claims, data, ...same } = one;
    assert.deepEqual([unstruct(claims), unstruct(data)], [{ c: 3 }, { b: 2 }]);
    const { etag: oldEtag, claims: _, data: __, ...unchanged } = before;
    assert.deepEqual(same, unchanged);
    assert.notEqual(etag, oldEtag);

    const two = await update({ data: struct({ x: [1] }), deviceName: 'Work phone' });
    assert.deepEqual([unstruct(two.claims), unstruct(two.data)], [{ c: 3 }, { x: [1] }]);
    assert.deepEqual(two.device, { ...device, name: 'Work phone' });
    const three = await update({ deviceName: '', claims: struct({}) });
    assert.deepEqual([three.device?.name, unstruct(three.claims)], ['', {}]);
  });

  it('merges as RFC 7396 says', async () => {
    const { client } = server();
    const original = { a: 'b', c: { d: 'e', f: 'g' }, list: [1, 2], gone: true };
    const { session } = await open(client, { claims: struct(original), data: struct(original) });
    const patch = struct({ a: 'z', c: { f: null }, list: { x: 1 }, gone: null, ['__proto__']: { p: 1 } });
    const { sessionId } = session;
    await client.call('UpdateSession', { session: { sessionId }, mergeClaims: patch, mergeData: patch });
    const { claims, data } = await fullSession(client, sessionId);
    const expected = '{"__proto__":{"p":1},"a":"z","c":{"d":"e"},"list":{"x":1}}';
    for (const merged of [claims, data]) assert.equal(JSON.stringify(unstruct(merged)), expected);
  });

  it('loses none of 100 merges beside each other', async () => {
    const { client } = server();
    const { session } = await open(client);
    const handle = { sessionId: session.sessionId };
    await inParallel(range(100), 50, (index) =>
      client.call('UpdateSession', { session: handle, mergeData: struct({ [`k${index}`]: index }) }),
    );
    const { session: read } = await client.call('GetSession', { session: handle, view: 'SESSION_VIEW_FULL' });
    assert.deepEqual(unstruct(present(read).data), Object.fromEntries(range(100).map((index) => [`k${index}`, index])));
  });

  it('lets one of many through that hold the same etag', async () => {
    const { client } = server();
    const { session } = await open(client);
    const { etag, sessionId } = session;
    const outcomes = await Promise.allSettled(
      range(20).map((n) => client.call('UpdateSession', { session: { sessionId }, etag, data: struct({ n }) })),
    );
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
    for (const stale of [etag, 'x', 'constructor', '-1', '1.5', ' 2', 'é']) {
      await assertRefused(client.call('UpdateSession', { session: { sessionId }, etag: stale }), MISMATCH);
    }
    const { session: read } = await client.call('GetSession', { session: { sessionId } });
    await client.call('UpdateSession', { session: { sessionId }, etag: present(read).etag, deviceName: 'x' });
  });

  it('shows new claims to the next access token, and supersedes the old ones only where asked', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { claims: struct({ role: 'admin' }) });
    const handle = { sessionId: session.sessionId };
    const plain = await client.call('UpdateSession', { session: handle, claims: struct({ role: 'user' }) });
    assert.equal(plain.consistencyToken.length, 0);
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
    const next = await refresh(client, tokens.refreshToken);
    assert.equal(claimsOf(next.tokens.accessToken)['role'], 'user');

    const update = await client.call('UpdateSession', {
      session: handle,
      claims: struct({ role: 'guest' }),
      supersedeAccessTokens: true,
    });
    assert(update.consistencyToken.length > 0);
    for (const { accessToken } of [tokens, next.tokens]) await assertVerdict(client, accessToken, 'SUPERSEDED');
    const good = await refresh(client, next.tokens.refreshToken);
    await assertVerdict(client, good.tokens.accessToken, 'ACTIVE');
    assert.equal(claimsOf(good.tokens.accessToken)['role'], 'guest');
    await client.call('RevokeSession', { session: handle });
    for (const { accessToken } of [tokens, next.tokens, good.tokens])
      await assertVerdict(client, accessToken, 'REVOKED');
  });

  it('supersedes with nothing else to change, and twice', async () => {
    const { client } = server();
    const { session, tokens } = await open(client);
    const handle = { sessionId: session.sessionId };
    await client.call('UpdateSession', { session: handle, supersedeAccessTokens: true });
    const second = await refresh(client, tokens.refreshToken);
    await client.call('UpdateSession', { session: handle, supersedeAccessTokens: true });
    for (const { accessToken } of [tokens, second.tokens]) await assertVerdict(client, accessToken, 'SUPERSEDED');
  });

  it('takes any credential that is good now, and no other', async () => {
    const { client } = server();
    const { tokens } = await open(client);
    const opaque = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
    const update = (session: object, deviceName = 'x') => client.call('UpdateSession', { session, deviceName });
    await update({ accessToken: tokens.accessToken });
    await update({ refreshToken: tokens.refreshToken });
    await update({ sessionToken: opaque.tokens.sessionToken });
    assert.equal(await verdict(client, opaque.tokens), 'ACTIVE');
    const next = await refresh(client, tokens.refreshToken);
    await assertRefused(update({ refreshToken: tokens.refreshToken }), NOT_FOUND);
    await client.call('UpdateSession', { session: { accessToken: tokens.accessToken }, supersedeAccessTokens: true });
    await assertRefused(update({ accessToken: tokens.accessToken }), NOT_FOUND);
    await update({ refreshToken: next.tokens.refreshToken });
    const last = await refresh(client, next.tokens.refreshToken);
    await update({ accessToken: last.tokens.accessToken });
    server().advance(600_000);
    for (const rpc of ['UpdateSession', 'RotateSession'] as const) {
      await assertRefused(client.call(rpc, { session: { accessToken: last.tokens.accessToken } }), NOT_FOUND);
    }
  });

  it('refuses an ended session', async () => {
    const { client } = server();
    const { session } = await open(client);
    const opaque = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE', absoluteTimeout: { seconds: 1, nanos: 0 } });
    await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
    server().advance(1001);
    for (const { sessionId } of [session, opaque.session]) {
      await assertRefused(client.call('UpdateSession', { session: { sessionId }, deviceName: 'x' }), ENDED);
    }
  });

  it('refuses a result that is too large, and changes nothing', async () => {
    const { client } = server();
    const { session } = await open(client, {
      claims: struct({ a: 'x'.repeat(2000) }),
      data: struct({ a: 'x'.repeat(8000) }),
    });
    const handle = { sessionId: session.sessionId };
    await assertInvalid(
      client.call('UpdateSession', { session: handle, mergeClaims: struct({ b: 'x'.repeat(2100) }) }),
      'merge_claims',
    );
    await assertInvalid(
      client.call('UpdateSession', { session: handle, mergeData: struct({ b: 'x'.repeat(8400) }) }),
      'merge_data',
    );
    const { session: read } = await client.call('GetSession', { session: handle });
    assert.equal(present(read).etag, session.etag);
  });

  it('refuses to replace and merge at once', async () => {
    const { client } = server();
    const { session } = await open(client);
    const one = struct({});
    await assertInvalid(
      client.call('UpdateSession', {
        session: { sessionId: session.sessionId },
        claims: one,
        mergeClaims: one,
        data: one,
        mergeData: one,
      }),
      'merge_claims',
      'merge_data',
    );
  });
});

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { onEachStore } from '../harness.ts';
import type { Request } from './client.ts';
import { assertInvalid, assertRefused, assertVerdict, open, present, range, refresh, struct } from './expect.ts';

const REUSED = { status: 'INVALID_ARGUMENT', reason: 'REQUEST_ID_REUSED' };
const SUPERSEDED = { status: 'FAILED_PRECONDITION', reason: 'REQUEST_SUPERSEDED' };
const DAY_MS = 86_400_000;

onEachStore('request_id of CreateSession', (server) => {
  const request = (userId: string): Request<'CreateSession'> => ({
    requestId: randomUUID(),
    tenantId: 't',
    userId,
    claims: struct({ b: 1, a: 2 }),
    device: { deviceId: 'd' },
  });

  it('makes a repeat get the same session and refresh token, with an access token signed anew', async () => {
    const { client } = server();
    const asked = request('ann');
    const first = await open(client, asked);
    const second = await open(client, {
      ...asked,
      requestId: asked.requestId?.toUpperCase() ?? '',
      claims: struct({ a: 2, b: 1 }),
    });
    assert.equal(second.session.sessionId, first.session.sessionId);
    assert.equal(second.tokens.refreshToken, first.tokens.refreshToken);
    assert.notEqual(second.tokens.accessToken, first.tokens.accessToken);
    await assertVerdict(client, second.tokens.accessToken, 'ACTIVE');
    const { sessions } = await client.call('ListSessions', { tenantId: 't', userId: 'ann' });
    assert.equal(sessions.length, 1);
  });

  it('makes one session of 50 at once', async () => {
    const { client } = server();
    for (const asked of [request('race'), { ...request(''), tokenMode: 'TOKEN_MODE_OPAQUE' as const }]) {
      const opened = await Promise.all(range(50).map(() => open(client, asked)));
      assert.equal(new Set(opened.map(({ session }) => session.sessionId)).size, 1);
      assert.equal(new Set(opened.map(({ tokens }) => tokens.refreshToken + tokens.sessionToken)).size, 1);
    }
  });

  it('is refused for another request, whatever differs', async () => {
    const { client } = server();
    const asked = request('bob');
    const { session } = await open(client, asked);
    const others: Request<'CreateSession'>[] = [
      { clientId: 'x' },
      { tokenMode: 'TOKEN_MODE_OPAQUE' },
      { claims: struct({ a: 2 }) },
      { data: struct({ a: 2 }) },
      { device: { deviceId: 'e' } },
      { idleTimeout: { seconds: 6000, nanos: 0 } },
      { authTime: { seconds: 1, nanos: 0 } },
      { acr: 'x' },
      { amr: ['x'] },
      { actor: { userId: 'x' } },
      { audiences: ['x'] },
      { replaceDeviceSessions: true },
    ];
    for (const other of others) await assertRefused(client.call('CreateSession', { ...asked, ...other }), REUSED);
    const { sessions } = await client.call('ListSessions', { tenantId: 't', userId: 'bob' });
    assert.deepEqual(
      sessions.map(({ sessionId }) => sessionId),
      [session.sessionId],
    );
  });

  it('belongs to its RPC, tenant and user', async () => {
    const { client } = server();
    const asked = request('carl');
    const ids = new Set<string>();
    for (const other of [
      {},
      { tenantId: 'u' },
      { userId: 'dora' },
      { tenantId: 'u', userId: 'dora' },
      { userId: '' },
    ]) {
      ids.add((await open(client, { ...asked, ...other })).session.sessionId);
    }
    assert.equal(ids.size, 5);
    const [sessionId = ''] = ids;
    const rotated = await client.call('RotateSession', {
      requestId: asked.requestId ?? '',
      tenantId: 't',
      session: { sessionId },
    });
    assert.deepEqual(rotated.endedSessionIds, [sessionId]);
  });

  it('is superseded once its session has moved on', async () => {
    const { client } = server();
    const ends: ((sessionId: string, refreshToken: string) => Promise<unknown>)[] = [
      (_, refreshToken) => refresh(client, refreshToken),
      (sessionId) => client.call('RevokeSession', { tenantId: 't', session: { sessionId } }),
      (sessionId) => client.call('RotateSession', { tenantId: 't', session: { sessionId } }),
      () => client.call('RevokeSessions', { tenantId: 't', userId: 'eve' }),
    ];
    for (const moveOn of ends) {
      const asked = request('eve');
      const { session, tokens } = await open(client, asked);
      await moveOn(session.sessionId, tokens.refreshToken);
      await assertRefused(client.call('CreateSession', asked), SUPERSEDED);
    }
  });

  it('repeats what the first call ended', async () => {
    const { client } = server();
    const user = { tenantId: 't', userId: 'fay', device: { deviceId: 'd' } };
    const old = await open(client, user);
    const asked = { ...request('fay'), replaceDeviceSessions: true };
    const first = await open(client, asked);
    const newer = await open(client, user);
    const second = await open(client, asked);
    assert.deepEqual(first.response.endedSessionIds, [old.session.sessionId]);
    assert.deepEqual(second.response.endedSessionIds, first.response.endedSessionIds);
    assert.deepEqual(second.response.consistencyToken, first.response.consistencyToken);
    await assertVerdict(client, newer.tokens.accessToken, 'ACTIVE');
  });

  it('is kept for 24 hours, and must be a UUID', async () => {
    const { client } = server();
    const asked = request('gus');
    const first = await open(client, asked);
    server().advance(DAY_MS - 10_000);
    assert.equal((await open(client, asked)).session.sessionId, first.session.sessionId);
    server().advance(20_000);
    assert.notEqual((await open(client, asked)).session.sessionId, first.session.sessionId);
    for (const requestId of [
      'x',
      '00000000-0000-7000-8000-00000000000',
      `${randomUUID()} `,
      randomUUID().replaceAll('-', ''),
    ]) {
      await assertInvalid(client.call('CreateSession', { requestId }), 'request_id');
      await assertInvalid(client.call('RefreshSession', { requestId, refreshToken: 'x' }), 'request_id');
      await assertInvalid(client.call('RevokeSessions', { requestId, userId: 'x' }), 'request_id');
      const session = { sessionId: first.session.sessionId };
      await assertInvalid(client.call('RotateSession', { requestId, session }), 'request_id');
      await assertInvalid(client.call('RevokeSession', { requestId, session }), 'request_id');
    }
  });
});

onEachStore('request_id of RefreshSession', (server) => {
  it('gives the same successor until that is used, however late', async () => {
    const { client } = server();
    const { tokens } = await open(client);
    const { refreshToken } = tokens;
    const asked = { requestId: randomUUID(), claims: struct({ a: 1 }) };
    const first = await refresh(client, refreshToken, asked);
    server().advance(3_600_000);
    const second = await refresh(client, refreshToken, asked);
    assert.equal(second.tokens.refreshToken, first.tokens.refreshToken);
    await assertVerdict(client, second.tokens.accessToken, 'ACTIVE');
    await assertRefused(client.call('RefreshSession', { ...asked, refreshToken, claims: struct({ a: 2 }) }), REUSED);
    await assertRefused(client.call('RefreshSession', { ...asked, refreshToken: first.tokens.refreshToken }), REUSED);
    await refresh(client, first.tokens.refreshToken);
    server().advance(11_000);
    await assertRefused(client.call('RefreshSession', { ...asked, refreshToken }), {
      status: 'FAILED_PRECONDITION',
      reason: 'REFRESH_TOKEN_REUSED',
    });
    await assertVerdict(client, second.tokens.accessToken, 'REVOKED');
  });

  it('saves nobody who comes late without it, or with another', async () => {
    const { client } = server();
    for (const late of [{}, { requestId: randomUUID() }]) {
      const { tokens } = await open(client);
      await refresh(client, tokens.refreshToken, { requestId: randomUUID() });
      server().advance(11_000);
      await assertRefused(client.call('RefreshSession', { refreshToken: tokens.refreshToken, ...late }), {
        status: 'FAILED_PRECONDITION',
        reason: 'REFRESH_TOKEN_REUSED',
      });
    }
  });
});

onEachStore('request_id of RotateSession', (server) => {
  it('makes a repeat get the same new session, though the credential is spent', async () => {
    const { client } = server();
    const { session, tokens } = await open(client);
    const { refreshToken, accessToken } = tokens;
    const asked = { requestId: randomUUID(), userId: 'ann', acr: '2' };
    const first = await client.call('RotateSession', { ...asked, session: { refreshToken } });
    for (const handle of [{ refreshToken }, { accessToken }, { sessionId: session.sessionId }]) {
      const second = await client.call('RotateSession', { ...asked, session: handle });
      assert.equal(present(second.session).sessionId, present(first.session).sessionId);
      assert.equal(present(second.tokens).refreshToken, present(first.tokens).refreshToken);
      assert.notEqual(present(second.tokens).accessToken, present(first.tokens).accessToken);
      assert.deepEqual(second.endedSessionIds, [session.sessionId]);
      assert.deepEqual(second.consistencyToken, first.consistencyToken);
    }
    await assertRefused(client.call('RotateSession', { ...asked, acr: '3', session: { refreshToken } }), REUSED);
    await refresh(client, present(first.tokens).refreshToken);
    await assertRefused(client.call('RotateSession', { ...asked, session: { refreshToken } }), SUPERSEDED);
  });

  it('makes one session of 20 at once', async () => {
    const { client } = server();
    const { tokens } = await open(client, { userId: 'ann' });
    const asked = { requestId: randomUUID(), session: { refreshToken: tokens.refreshToken } };
    const answers = await Promise.all(range(20).map(() => client.call('RotateSession', asked)));
    assert.equal(new Set(answers.map(({ session }) => present(session).sessionId)).size, 1);
    assert.equal(new Set(answers.map((answer) => present(answer.tokens).refreshToken)).size, 1);
  });
});

onEachStore('request_id of RevokeSession and RevokeSessions', (server) => {
  it('makes a repeat say what the first call did', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'ann' });
    const asked = { requestId: randomUUID(), session: { sessionId: session.sessionId } };
    const first = await client.call('RevokeSession', asked);
    const second = await client.call('RevokeSession', asked);
    assert.deepEqual(second, first);
    assert.equal(first.revoked, true);
    await assertRefused(client.call('RevokeSession', { ...asked, reason: 'REVOCATION_REASON_ADMIN' }), REUSED);
    const other = await open(client, { userId: 'ann' });
    await assertRefused(
      client.call('RevokeSession', { ...asked, session: { sessionId: other.session.sessionId } }),
      REUSED,
    );
    await assertVerdict(client, other.tokens.accessToken, 'ACTIVE');
  });

  it('keeps a retried log-out-everywhere from ending what was opened since', async () => {
    const { client } = server();
    for (const scope of [
      { userId: 'ann' },
      { clientId: 'web' },
      { wholeTenant: true },
      { userId: 'ann', deviceId: 'd' },
    ]) {
      const asked = { requestId: randomUUID(), tenantId: 'many', ...scope };
      const session = { tenantId: 'many', userId: 'ann', clientId: 'web', device: { deviceId: 'd' } };
      const before = await open(client, session);
      const first = await client.call('RevokeSessions', asked);
      const since = await open(client, session);
      assert.deepEqual(await client.call('RevokeSessions', asked), first);
      await assertVerdict(client, before.tokens.accessToken, 'REVOKED');
      await assertVerdict(client, since.tokens.accessToken, 'ACTIVE');
      await assertRefused(client.call('RevokeSessions', { ...asked, reason: 'REVOCATION_REASON_SECURITY' }), REUSED);
      await client.call('RevokeSessions', { ...asked, requestId: randomUUID() });
      await assertVerdict(client, since.tokens.accessToken, 'REVOKED');
    }
  });

  it('is not used up by a dry run', async () => {
    const { client } = server();
    const { tokens } = await open(client, { userId: 'dry' });
    const asked = { requestId: randomUUID(), userId: 'dry' };
    await client.call('RevokeSessions', { ...asked, dryRun: true });
    await client.call('RevokeSessions', asked);
    await assertVerdict(client, tokens.accessToken, 'REVOKED');
  });
});

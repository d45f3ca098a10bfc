import assert from 'node:assert/strict';
import { onEachStore, startTestServer } from '../harness.ts';
import { sweep } from './database.ts';
import { assertRefused, assertVerdict, open, present, refresh, seconds, struct, unstruct, verdict } from './expect.ts';

const NOT_FOUND = { status: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND' };
const HOUR_MS = 3_600_000;

onEachStore('an ended session', (server) => {
  it('is readable by id and credential, and listed by its state', async () => {
    const { client } = server();
    const user = { tenantId: 't', userId: 'ann' };
    const [live, revoked, swept, expired] = [
      await open(client, user),
      await open(client, { ...user, data: struct({ kept: 1 }) }),
      await open(client, { ...user, device: { deviceId: 'd' } }),
      await open(client, { ...user, absoluteTimeout: seconds(1) }),
    ];
    await client.call('RevokeSession', { tenantId: 't', session: { accessToken: revoked.tokens.accessToken } });
    await client.call('RevokeSessions', { ...user, deviceId: 'd', reason: 'REVOCATION_REASON_SECURITY' });
    server().advance(1001);
    const list = async (...states: ('SESSION_STATE_ACTIVE' | 'SESSION_STATE_EXPIRED' | 'SESSION_STATE_REVOKED')[]) =>
      (await client.call('ListSessions', { ...user, states })).sessions
        .map(({ sessionId, state }) => `${state} ${sessionId}`)
        .toSorted();
    const named = (state: string, ...opened: { session: { sessionId: string } }[]) =>
      opened.map(({ session }) => `${state} ${session.sessionId}`).toSorted();
    assert.deepEqual(await list(), named('SESSION_STATE_ACTIVE', live));
    assert.deepEqual(await list('SESSION_STATE_REVOKED'), named('SESSION_STATE_REVOKED', revoked, swept));
    assert.deepEqual(await list('SESSION_STATE_EXPIRED'), named('SESSION_STATE_EXPIRED', expired));
    assert.equal((await list('SESSION_STATE_ACTIVE', 'SESSION_STATE_EXPIRED', 'SESSION_STATE_REVOKED')).length, 4);

    for (const [handle, reason] of [
      [{ sessionId: revoked.session.sessionId }, 'REVOCATION_REASON_LOGOUT'],
      [{ accessToken: revoked.tokens.accessToken }, 'REVOCATION_REASON_LOGOUT'],
      [{ refreshToken: revoked.tokens.refreshToken }, 'REVOCATION_REASON_LOGOUT'],
      [{ sessionId: swept.session.sessionId }, 'REVOCATION_REASON_SECURITY'],
      [{ refreshToken: expired.tokens.refreshToken }, 'REVOCATION_REASON_UNSPECIFIED'],
    ] as const) {
      const { session } = await client.call('GetSession', {
        tenantId: 't',
        session: handle,
        view: 'SESSION_VIEW_FULL',
      });
      assert.equal(present(session).revocationReason, reason);
      assert.equal(present(session).revokeTime === null, reason === 'REVOCATION_REASON_UNSPECIFIED');
    }
    const { session } = await client.call('GetSession', {
      tenantId: 't',
      session: { sessionId: revoked.session.sessionId },
      view: 'SESSION_VIEW_FULL',
    });
    assert.deepEqual(unstruct(present(session).data), { kept: 1 });
    const answer = await client.call('ValidateSession', {
      accessToken: revoked.tokens.accessToken,
      includeSession: true,
    });
    assert.deepEqual([answer.active, answer.session?.state], [false, 'SESSION_STATE_REVOKED']);
  });

  it('stays revoked when its time would have run out, and expired when it is revoked too late', async () => {
    const { client } = server();
    const first = await open(client, { absoluteTimeout: seconds(100), tokenMode: 'TOKEN_MODE_OPAQUE' });
    const second = await open(client, {
      absoluteTimeout: seconds(100),
      tokenMode: 'TOKEN_MODE_OPAQUE',
      userId: 'late',
    });
    await client.call('RevokeSession', { session: { sessionId: first.session.sessionId } });
    server().advance(101_000);
    await client.call('RevokeSessions', { userId: 'late' });
    assert.equal(await verdict(client, first.tokens), 'REVOKED');
    assert.equal(await verdict(client, second.tokens), 'EXPIRED');
  });
});

describe('ENDED_SESSION_RETENTION', () => {
  it('is how long an ended session stays readable', async () => {
    const env = { ENDED_SESSION_RETENTION: '6h' };
    const server = await startTestServer('sqlite', env);
    try {
      const { client } = server;
      const revoked = await open(client, { userId: 'ann' });
      const expired = await open(client, { userId: 'ann', absoluteTimeout: seconds(3600) });
      const opaque = await open(client, { tokenMode: 'TOKEN_MODE_OPAQUE' });
      const live = await open(client, { userId: 'ann' });
      for (const { session } of [revoked, opaque])
        await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
      const read = ({ session }: typeof live) =>
        client.call('GetSession', { session: { sessionId: session.sessionId } });
      server.advance(6 * HOUR_MS - 5000);
      assert.equal(await sweep(server, env), 0);
      for (const opened of [revoked, expired, opaque, live]) await read(opened);
      server.advance(10_000);
      assert.equal(await sweep(server, env), 2);
      for (const opened of [revoked, opaque]) await assertRefused(read(opened), NOT_FOUND);
      assert.equal(await verdict(client, opaque.tokens), 'INVALID');
      await read(expired);
      server.advance(HOUR_MS);
      assert.equal(await sweep(server, env), 1);
      await assertRefused(read(expired), NOT_FOUND);
      const states = ['SESSION_STATE_ACTIVE', 'SESSION_STATE_EXPIRED', 'SESSION_STATE_REVOKED'] as const;
      const { sessions } = await client.call('ListSessions', { userId: 'ann', states: [...states] });
      assert.deepEqual(
        sessions.map(({ sessionId }) => sessionId),
        [live.session.sessionId],
      );
      await refresh(client, live.tokens.refreshToken);
    } finally {
      await server.stop();
    }
  });

  it('is the same for one session as for all of a user, swept or not', async () => {
    for (const store of ['memory', 'sqlite'] as const) {
      const server = await startTestServer(store, { ENDED_SESSION_RETENTION: '6h' });
      try {
        const { client } = server;
        const one = await open(client, { userId: 'one', tokenMode: 'TOKEN_MODE_OPAQUE' });
        const all = await open(client, { userId: 'all', tokenMode: 'TOKEN_MODE_OPAQUE' });
        const late = await open(client, {
          userId: 'late',
          tokenMode: 'TOKEN_MODE_OPAQUE',
          absoluteTimeout: seconds(1),
        });
        server.advance(1001);
        await client.call('RevokeSession', { session: { sessionId: one.session.sessionId } });
        await client.call('RevokeSessions', { userId: 'all' });
        const states = ['SESSION_STATE_REVOKED', 'SESSION_STATE_EXPIRED'] as const;
        const listed = async ({ session: { userId } }: typeof one) =>
          (await client.call('ListSessions', { userId, states: [...states] })).sessions.length;
        server.advance(6 * HOUR_MS - 10_000);
        for (const opened of [one, all, late]) assert.equal(await listed(opened), 1);
        assert.deepEqual(
          [await verdict(client, one.tokens), await verdict(client, late.tokens)],
          ['REVOKED', 'EXPIRED'],
        );
        server.advance(20_000);
        for (const opened of [one, all, late]) {
          assert.equal(await listed(opened), 0);
          assert.equal(await verdict(client, opened.tokens), 'INVALID');
          const handle = { sessionId: opened.session.sessionId };
          for (const rpc of ['GetSession', 'UpdateSession', 'RotateSession'] as const) {
            await assertRefused(client.call(rpc, { session: handle }), NOT_FOUND);
          }
          assert.equal((await client.call('RevokeSession', { session: handle })).revoked, false);
          const { userId, sessionId: exceptSessionId } = opened.session;
          await assertRefused(client.call('RevokeSessions', { userId, exceptSessionId }), NOT_FOUND);
        }
      } finally {
        await server.stop();
      }
    }
  });

  it('forgets no revocation while a token could still be accepted', async () => {
    const env = { ENDED_SESSION_RETENTION: '0', ACCESS_TOKEN_TTL: '1h' };
    const server = await startTestServer('sqlite', env);
    try {
      const one = await open(server.client, { userId: 'one' });
      const two = await open(server.client, { userId: 'two' });
      await server.client.call('RevokeSession', { session: { sessionId: one.session.sessionId } });
      await server.client.call('RevokeSessions', { userId: 'two' });
      for (const minutes of [1, 30, 28]) {
        server.advance(minutes * 60_000);
        await sweep(server, env);
        await server.restart();
        for (const { tokens } of [one, two]) {
          assert.equal(await verdict(server.client, { accessToken: tokens.accessToken }), 'REVOKED', `${minutes}`);
          const strong = await verdict(server.client, { accessToken: tokens.accessToken }, 'CONSISTENCY_STRONG');
          assert.equal(strong, 'REVOKED');
          const shown = { accessToken: tokens.accessToken ?? '', includeSession: true };
          const { inactiveReason, session } = await server.client.call('ValidateSession', shown);
          assert.deepEqual([inactiveReason, session], ['INACTIVE_REASON_REVOKED', null]);
        }
      }
      server.advance(2 * 60_000);
      for (const { tokens } of [one, two]) await assertVerdict(server.client, tokens.accessToken, 'EXPIRED');
    } finally {
      await server.stop();
    }
  });
});

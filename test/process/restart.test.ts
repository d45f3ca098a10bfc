import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sweep } from '../grpc/database.ts';
import { assertRefused, assertVerdict, open, present, refresh, struct, unstruct, verdict } from '../grpc/expect.ts';
import { startService, startTestServer, temporaryFolder, type TestService } from '../harness.ts';

describe('a restart', () => {
  const folder = temporaryFolder();
  after(folder.remove);
  const env = { STORE_URL: `sqlite:${join(folder.path, 'restart', 'sessions.db')}`, REFRESH_GRACE: '5m' };

  it('changes nothing for anybody', async () => {
    let service = await startService(env);
    const restart = async () => {
      assert.deepEqual(await service.end(), { code: 0, signal: null });
      assert.equal(service.stderr, '');
      service = await startService(env);
      return service.client;
    };
    const user = { tenantId: 't', userId: 'ann' };
    const request = { ...user, requestId: randomUUID(), claims: struct({ a: 1 }), data: struct({ b: [2] }) };
    const first = await open(service.client, request);
    const opaque = await open(service.client, { ...user, tokenMode: 'TOKEN_MODE_OPAQUE' });
    const gone = await open(service.client, user);
    await service.client.call('RevokeSession', { tenantId: 't', session: { sessionId: gone.session.sessionId } });
    const loggedOut = await open(service.client, { ...user, userId: 'bob' });
    await service.client.call('RevokeSessions', {
      ...user,
      userId: 'bob',
      denyCreateUntilTime: { seconds: 9e9, nanos: 0 },
    });
    const spent = await refresh(service.client, first.tokens.refreshToken);
    const jwks = await service.client.call('GetJwks', {});

    const client = await restart();
    assert.deepEqual(await client.call('GetJwks', {}), jwks);
    await assertVerdict(client, first.tokens.accessToken, 'ACTIVE');
    await assertVerdict(client, spent.tokens.accessToken, 'ACTIVE');
    assert.equal(await verdict(client, opaque.tokens), 'ACTIVE');
    for (const { tokens } of [gone, loggedOut]) await assertVerdict(client, tokens.accessToken, 'REVOKED');
    const blocked = { status: 'FAILED_PRECONDITION', reason: 'USER_BLOCKED' };
    await assertRefused(client.call('CreateSession', { ...user, userId: 'bob' }), blocked);
    await assertRefused(client.call('CreateSession', request), {
      status: 'FAILED_PRECONDITION',
      reason: 'REQUEST_SUPERSEDED',
    });
    const { session } = await client.call('GetSession', {
      tenantId: 't',
      session: { sessionId: first.session.sessionId },
      view: 'SESSION_VIEW_FULL',
    });
    assert.deepEqual([unstruct(present(session).claims), unstruct(present(session).data)], [{ a: 1 }, { b: [2] }]);
    // The successor that the answer before the restart gave, and the same one again.
    const replay = await refresh(client, first.tokens.refreshToken);
    assert.equal(replay.tokens.refreshToken, spent.tokens.refreshToken);
    const next = await refresh(client, spent.tokens.refreshToken);

    const last = await restart();
    await assertVerdict(last, next.tokens.accessToken, 'ACTIVE');
    await refresh(last, next.tokens.refreshToken);
    assert.deepEqual(await service.end('SIGINT'), { code: 0, signal: null });
  });

  it('forgets everything that was in memory, and cannot mistake old tokens for new ones', async () => {
    const memory = { STORE_URL: 'memory:' };
    const one = await startService(memory);
    const { tokens } = await open(one.client, { userId: 'ann' });
    await one.end();
    const other = await startService(memory);
    await assertVerdict(other.client, tokens.accessToken, 'INVALID');
    await assertRefused(other.client.call('RefreshSession', { refreshToken: tokens.refreshToken }), {
      status: 'FAILED_PRECONDITION',
      reason: 'REFRESH_TOKEN_INVALID',
    });
    await other.end();
  });
});

describe('kill -9 right after an answer', () => {
  const folder = temporaryFolder();
  let service: TestService | null = null;
  after(async () => {
    await service?.end('SIGKILL');
    folder.remove();
  });

  it('loses nothing of it', async () => {
    const env = { STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}`, MAX_SESSIONS_PER_USER: '0' };
    /** What every answer so far has promised. */
    const promises: ((service: TestService) => Promise<void>)[] = [];
    const steps: ((service: TestService) => Promise<void>)[] = [
      async ({ client }) => {
        const { tokens } = await open(client, { userId: 'created' });
        promises.push((later) => assertVerdict(later.client, tokens.accessToken, 'ACTIVE'));
      },
      async ({ client }) => {
        const { tokens } = await open(client, { userId: 'refreshed' });
        const next = await refresh(client, tokens.refreshToken);
        let current = next.tokens.refreshToken;
        promises.push(async (later) => {
          const again = await refresh(later.client, current);
          current = again.tokens.refreshToken;
          await assertVerdict(later.client, again.tokens.accessToken, 'ACTIVE');
        });
      },
      async ({ client }) => {
        const { session, tokens } = await open(client, { userId: 'revoked' });
        await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
        promises.push((later) => assertVerdict(later.client, tokens.accessToken, 'REVOKED'));
      },
      async ({ client }) => {
        const opened = await Promise.all([
          open(client, { userId: 'everywhere' }),
          open(client, { userId: 'everywhere' }),
        ]);
        await client.call('RevokeSessions', { userId: 'everywhere' });
        promises.push(async (later) => {
          for (const { tokens } of opened) await assertVerdict(later.client, tokens.accessToken, 'REVOKED');
        });
      },
      async ({ client }) => {
        const { session, tokens } = await open(client, { userId: 'superseded' });
        await client.call('UpdateSession', { session: { sessionId: session.sessionId }, supersedeAccessTokens: true });
        promises.push((later) => assertVerdict(later.client, tokens.accessToken, 'SUPERSEDED'));
      },
      async ({ client }) => {
        const { tokens } = await open(client);
        const next = await client.call('RotateSession', {
          session: { refreshToken: tokens.refreshToken },
          userId: 'rotated',
        });
        promises.push(async (later) => {
          await assertVerdict(later.client, tokens.accessToken, 'REVOKED');
          await assertVerdict(later.client, present(next.tokens).accessToken, 'ACTIVE');
        });
      },
    ];
    for (let round = 0; round < 3 * steps.length; round += 1) {
      service = await startService(env);
      for (const promise of promises) await promise(service);
      await steps[round % steps.length]?.(service);
      assert.deepEqual(await service.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
    }
  });
});

describe('a restart with a shorter ACCESS_TOKEN_TTL', () => {
  it('shortens no token that was issued, and no memory of its revocation', async () => {
    const minute = 60_000;
    const short = { ACCESS_TOKEN_TTL: '10m' };
    const server = await startTestServer('sqlite', { ENDED_SESSION_RETENTION: '0' });
    try {
      await server.restart({ ACCESS_TOKEN_TTL: '1h' });
      const [kept, ended, everywhere] = await Promise.all([
        open(server.client),
        open(server.client),
        open(server.client, { userId: 'ann' }),
      ]);
      await server.restart(short);
      server.advance(minute);
      await server.client.call('RevokeSession', { session: { sessionId: ended.session.sessionId } });
      await server.client.call('RevokeSessions', { userId: 'ann' });
      for (const _ of [1, 2, 3]) {
        server.advance(19 * minute);
        await sweep(server, { ...short, ENDED_SESSION_RETENTION: '0' });
        await server.restart(short);
        await assertVerdict(server.client, kept.tokens.accessToken, 'ACTIVE');
        for (const { tokens } of [ended, everywhere]) await assertVerdict(server.client, tokens.accessToken, 'REVOKED');
      }
      server.advance(2 * minute);
      for (const { tokens } of [kept, ended, everywhere])
        await assertVerdict(server.client, tokens.accessToken, 'EXPIRED');
    } finally {
      await server.stop();
    }
  });
});

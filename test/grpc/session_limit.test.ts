import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import { assertRefused, assertVerdict, inParallel, open, present, range, refresh, seconds } from './expect.ts';
import type { Request } from './client.ts';

const LIMIT = { status: 'RESOURCE_EXHAUSTED', reason: 'SESSION_LIMIT' };

for (const policy of ['evict-oldest', 'evict-least-recently-active'] as const) {
  onEachStore(
    `SESSION_LIMIT_POLICY=${policy}`,
    (server) => {
      it('makes room for one more, and says what it ended', async () => {
        const { client } = server();
        const user = { tenantId: 't', userId: 'ann' };
        const opened = [];
        for (const _ of range(3)) {
          opened.push(await open(client, user));
          server().advance(1000);
        }
        // Used again, the oldest is no longer the least recently active.
        const used = await refresh(client, present(opened[0]).tokens.refreshToken);
        server().advance(1000);
        const { response } = await open(client, user);
        const victim = present(opened[policy === 'evict-oldest' ? 0 : 1]);
        assert.deepEqual(response.endedSessionIds, [victim.session.sessionId]);
        assert(response.consistencyToken.length > 0);
        await assertVerdict(client, victim.tokens.accessToken, 'REVOKED');
        await assertVerdict(client, used.tokens.accessToken, policy === 'evict-oldest' ? 'REVOKED' : 'ACTIVE');
        const { session } = await client.call('GetSession', {
          tenantId: 't',
          session: { sessionId: victim.session.sessionId },
        });
        assert.equal(session?.revocationReason, 'REVOCATION_REASON_SESSION_LIMIT');
        assert.equal((await client.call('ListSessions', user)).sessions.length, 3);
      });

      it('counts neither anonymous sessions, nor ended ones, nor those with an actor', async () => {
        const { client } = server();
        const user = { tenantId: 't', userId: 'bob' };
        for (const _ of range(5)) await open(client, { tenantId: 't' });
        const acted = await inParallel(range(5), 1, () => open(client, { ...user, actor: { userId: 'support' } }));
        const first = await open(client, { ...user, absoluteTimeout: seconds(1) });
        const second = await open(client, user);
        await client.call('RevokeSession', { tenantId: 't', session: { sessionId: second.session.sessionId } });
        server().advance(1001);
        for (const _ of range(3)) assert.deepEqual((await open(client, user)).response.endedSessionIds, []);
        await client.call('RevokeSessions', { ...user, exceptSessionId: present(acted[0]).session.sessionId });
        for (const _ of range(3)) assert.deepEqual((await open(client, user)).response.endedSessionIds, []);
        const { session } = await client.call('GetSession', {
          tenantId: 't',
          session: { sessionId: first.session.sessionId },
        });
        assert.equal(session?.state, 'SESSION_STATE_EXPIRED');
      });

      it('holds under racing creates, and at a login on an anonymous session', async () => {
        const { client } = server();
        const user: Request<'CreateSession'> = { tenantId: 't', userId: 'race' };
        const opened = await inParallel(range(30), 30, () => open(client, user));
        assert.equal(opened.flatMap(({ response }) => response.endedSessionIds).length, 27);
        const anonymous = await open(client, { tenantId: 't' });
        server().advance(1000);
        server().audited();
        const login = await client.call('RotateSession', {
          tenantId: 't',
          session: { sessionId: anonymous.session.sessionId },
          userId: 'race',
        });
        assert.equal(login.endedSessionIds.length, 2);
        assert.equal(login.endedSessionIds[0], anonymous.session.sessionId);
        const recorded = server().audited();
        assert.deepEqual(
          recorded.map(({ action }) => action),
          ['session_rotated', 'session_created', 'session_evicted'],
        );
        const { sessions } = await client.call('ListSessions', { tenantId: 't', userId: 'race' });
        assert.equal(sessions.length, 3);
        assert(sessions.some(({ sessionId }) => sessionId === login.session?.sessionId));
      });

      it("replaces a device's sessions before it evicts", async () => {
        const { client } = server();
        const user = { tenantId: 't', userId: 'dev' };
        const phone = await open(client, { ...user, device: { deviceId: 'phone' } });
        for (const _ of range(2)) await open(client, user);
        const again = await open(client, { ...user, device: { deviceId: 'phone' }, replaceDeviceSessions: true });
        assert.deepEqual(again.response.endedSessionIds, [phone.session.sessionId]);
      });
    },
    { MAX_SESSIONS_PER_USER: '3', SESSION_LIMIT_POLICY: policy },
  );
}

onEachStore(
  'SESSION_LIMIT_POLICY=reject',
  (server) => {
    it('refuses one more, and takes it once one has ended', async () => {
      const { client } = server();
      const user = { tenantId: 't', userId: 'ann' };
      const opened = await inParallel(range(2), 1, () => open(client, user));
      const anonymous = await open(client, { tenantId: 't' });
      const login = { tenantId: 't', session: { sessionId: anonymous.session.sessionId }, userId: 'ann' };
      await assertRefused(client.call('CreateSession', user), LIMIT);
      await assertRefused(client.call('RotateSession', login), LIMIT);
      await assertVerdict(client, anonymous.tokens.accessToken, 'ACTIVE');
      for (const { tokens } of opened) await assertVerdict(client, tokens.accessToken, 'ACTIVE');
      // A session of one's own is rotated in place, and support may always look in.
      await client.call('RotateSession', {
        tenantId: 't',
        session: { sessionId: present(opened[0]).session.sessionId },
      });
      await open(client, { ...user, actor: { userId: 'support' } });
      await client.call('RevokeSession', {
        tenantId: 't',
        session: { sessionId: present(opened[1]).session.sessionId },
      });
      await open(client, user);
      await assertRefused(client.call('CreateSession', user), LIMIT);
      await client.call('RevokeSessions', user);
      await client.call('RotateSession', login);
      await open(client, user);
    });
  },
  { MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: 'reject' },
);

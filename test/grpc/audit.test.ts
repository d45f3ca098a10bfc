import assert from 'node:assert/strict';
import { onEachStore, startTestServer } from '../harness.ts';
import { until } from '../servers/process.ts';
import { SessionClient } from './client.ts';
import { assertRefused, open, present } from './expect.ts';
import { callersFile, identity } from './identities.ts';

function actorOf(record: Record<string, unknown> | undefined): Record<string, unknown> {
  return present(record)['actor'] as Record<string, unknown>;
}

onEachStore('the audit', (server) => {
  /** What was recorded since the last look, without what all records have. */
  function recorded(): Record<string, unknown>[] {
    return server()
      .audited()
      .map(({ time, log, caller, ...rest }) => {
        assert.equal(new Date(String(time)).toISOString(), time);
        assert.equal(log, 'audit');
        assert.equal(caller, '');
        return rest;
      });
  }

  const REQUEST_ID = '0190a5c0-0000-7000-8000-000000000001';

  it('tells of each step of a session, under the same names', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { tenantId: 'acme', userId: 'ann', requestId: REQUEST_ID });
    const { sessionId } = session;
    await client.call('RefreshSession', { refreshToken: tokens.refreshToken, requestId: REQUEST_ID });
    await client.call('RefreshSession', { refreshToken: tokens.refreshToken, requestId: REQUEST_ID });
    await client.call('UpdateSession', { tenantId: 'acme', session: { sessionId }, deviceName: 'phone' });
    const rotated = await client.call('RotateSession', { tenantId: 'acme', session: { sessionId } });
    const actor = { userId: 'support', tenantId: 'staff', reason: 'ticket 4711' };
    await client.call('RevokeSession', {
      tenantId: 'acme',
      session: { sessionId: present(rotated.session).sessionId },
      actor,
    });
    const records = recorded();
    assert.deepEqual(
      records.map(({ action, reason }) => [action, reason]),
      [
        ['session_created', undefined],
        ['session_refreshed', undefined],
        ['session_refreshed', 'replayed'],
        ['session_updated', undefined],
        ['session_rotated', undefined],
        ['session_created', 'rotated'],
        ['session_revoked', 'logout'],
      ],
    );
    assert(records.every((record) => record['tenant_id'] === 'acme'));
    const [created, refreshed, , , ended, begun, revoked] = records;
    assert.deepEqual(created, { ...created, client_id: 'default', request_id: REQUEST_ID });
    assert.equal(new Set(records.slice(0, 5).map((record) => record['session'])).size, 1);
    assert.equal(new Set(records.slice(0, 6).map((record) => record['user'])).size, 1);
    assert.equal(refreshed?.['request_id'], REQUEST_ID);
    assert.notEqual(begun?.['session'], ended?.['session']);
    assert.equal(revoked?.['session'], begun?.['session']);
    const { user, ...told } = actorOf(revoked);
    assert.deepEqual(told, { tenant_id: 'staff', reason: 'ticket 4711' });
    assert.notEqual(user, begun?.['user']);
  });

  it('has pseudonyms in place of users and sessions', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'ann-canary' });
    const { session: other } = await open(client, { userId: 'ann-canary', tenantId: 'other' });
    await client.call('RevokeSessions', { userId: 'ann-canary', exceptSessionId: session.sessionId });
    const actor = { userId: 'ann-canary', tenantId: '', reason: '' };
    await client.call('RevokeSession', { session: { sessionId: session.sessionId }, actor });
    const records = recorded();
    const text = JSON.stringify(records);
    for (const name of ['ann-canary', session.sessionId, other.sessionId]) assert(!text.includes(name), text);
    const [first, second, many, one] = records;
    for (const name of [first?.['user'], first?.['session']]) assert.match(String(name), /^[\w-]{22}$/);
    assert.equal(many?.['user'], first?.['user']);
    assert.equal(many?.['except_session'], first?.['session']);
    assert.equal(actorOf(one)['user'], first?.['user']);
    assert.notEqual(second?.['user'], first?.['user'], 'a user of another tenant is another user');
  });

  it('tells a whole user from the sessions of one device, and how many these were', async () => {
    const { client } = server();
    await open(client, { userId: 'bea', device: { deviceId: 'phone' } });
    const [{ user } = {}] = recorded();
    await client.call('RevokeSessions', { userId: 'bea', deviceId: 'tablet' });
    await client.call('RevokeSessions', { userId: 'bea', deviceId: 'phone', reason: 'REVOCATION_REASON_SECURITY' });
    await client.call('RevokeSessions', { userId: 'bea', denyCreateUntilTime: { seconds: 1, nanos: 0 } });
    await client.call('RevokeSessions', { clientId: 'web' });
    const about = { action: 'sessions_revoked', tenant_id: '' };
    assert.deepEqual(recorded(), [
      { ...about, user, by_device: true, count: 0, reason: 'admin' },
      { ...about, user, by_device: true, count: 1, reason: 'security' },
      { ...about, user, deny_create_until_time: '1970-01-01T00:00:01.000Z', reason: 'admin' },
      { ...about, client_id: 'web', reason: 'admin' },
    ]);
  });

  it('tells of a repeated request once', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'bob', requestId: REQUEST_ID });
    await open(client, { userId: 'bob', requestId: REQUEST_ID });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await client.call('RevokeSession', { requestId: REQUEST_ID, session: { sessionId: session.sessionId } });
      await client.call('RevokeSessions', { requestId: REQUEST_ID, userId: 'bob' });
    }
    assert.deepEqual(
      recorded().map(({ action }) => action),
      ['session_created', 'session_revoked', 'sessions_revoked'],
    );
  });

  it('tells which session was evicted, and of a stolen refresh token', async () => {
    const { client } = server();
    const device = { deviceId: 'phone' };
    await open(client, { userId: 'cyd', device });
    const second = await open(client, { userId: 'cyd', device, replaceDeviceSessions: true });
    const [first, created, evicted] = recorded();
    const { user, session } = first ?? {};
    const why = 'session_limit or device_replaced';
    assert.deepEqual(evicted, { action: 'session_evicted', tenant_id: '', user, session, reason: why });
    const { refreshToken } = second.tokens;
    await client.call('RefreshSession', { refreshToken });
    server().advance(3_600_000);
    await assert.rejects(client.call('RefreshSession', { refreshToken }));
    const reused = { action: 'refresh_token_reused', tenant_id: '', session: created?.['session'] };
    assert.deepEqual(recorded()[1], { ...reused, reason: 'refresh_token_reuse' });
  });

  it('tells of a denial, and how often it was repeated', async () => {
    const { client } = server();
    await client.call('RevokeSessions', { userId: 'dan', denyCreateUntilTime: { seconds: 9_999_999_999, nanos: 0 } });
    const [{ user } = {}] = recorded();
    for (let attempt = 0; attempt < 3; attempt += 1) await assert.rejects(open(client, { userId: 'dan' }));
    const denied = { action: 'denied', rpc: 'CreateSession', reason: 'USER_BLOCKED' };
    assert.deepEqual(recorded(), [{ ...denied, tenant_id: '', user }]);
    await until('the other two', async () => recorded().some(({ count }) => count === 2));
  });

  it('is silent where nothing was done', async () => {
    const { client } = server();
    await open(client, { userId: 'dee' });
    recorded();
    await client.call('RevokeSessions', { userId: 'dee', dryRun: true });
    await client.call('RevokeSession', { session: { sessionId: '0190a5c0-0000-7000-8000-000000000002' } });
    await client.call('ListSessions', { userId: 'dee' });
    assert.deepEqual(recorded(), []);
  });
});

describe('the audit where callers are told apart', () => {
  it('tells who called, of nobody known from where, and which other tenant was asked for', async () => {
    const login = identity('login', ['admin'], ['acme']);
    const server = await startTestServer('memory', { CALLERS_FILE: callersFile([login]) });
    const client = new SessionClient(server.grpcPort, {}, login.token);
    await open(client, { tenantId: 'acme', userId: 'ann' });
    await assertRefused(server.client.call('ListSessions', { tenantId: 'acme', userId: 'ann' }), {
      status: 'UNAUTHENTICATED',
      reason: 'CALLER_UNKNOWN',
    });
    // The caller is not told that it may not see them.
    const { sessions } = await client.call('ListSessions', { tenantId: 'beta', userId: 'ann' });
    assert.deepEqual(sessions, []);
    const [created, unknown, other] = server.audited();
    assert.equal(created?.['caller'], 'login');
    const denied = { log: 'audit', action: 'denied', rpc: 'ListSessions' };
    const { time: _, peer, ...nobody } = present(unknown);
    assert.deepEqual(nobody, { ...denied, caller: '', tenant_id: '', reason: 'CALLER_UNKNOWN' });
    assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
    const { time: __, ...seen } = present(other);
    assert.deepEqual(seen, { ...denied, caller: 'login', tenant_id: 'beta', reason: 'CALLER_NOT_ALLOWED' });
    client.close();
    await server.stop();
  });
});

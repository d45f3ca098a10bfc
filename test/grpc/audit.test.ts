import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import { open } from './expect.ts';

onEachStore('the audit log', (server) => {
  /** What was recorded since the last look. */
  function recorded(): Record<string, unknown>[] {
    const lines = server()
      .log.splice(0)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return lines.filter(({ msg }) => msg === 'audit').map(({ time: _time, level: _level, msg: _msg, ...rest }) => rest);
  }

  it('tells a whole user from the sessions of one device, and how many these were', async () => {
    const { client } = server();
    await open(client, { userId: 'ann', device: { deviceId: 'phone' } });
    await client.call('RevokeSessions', { userId: 'ann', deviceId: 'tablet' });
    await client.call('RevokeSessions', { userId: 'ann', deviceId: 'phone', reason: 'REVOCATION_REASON_SECURITY' });
    await client.call('RevokeSessions', { userId: 'ann', denyCreateUntilTime: { seconds: 1, nanos: 0 } });
    const about = { action: 'sessions_revoked', tenantId: '', userId: 'ann' };
    assert.deepEqual(recorded(), [
      { ...about, deviceId: 'tablet', count: 0, reason: 'admin' },
      { ...about, deviceId: 'phone', count: 1, reason: 'security' },
      { ...about, denyCreateUntil: '1970-01-01T00:00:01.000Z', reason: 'admin' },
    ]);
  });

  it('tells of a repeated request once', async () => {
    const { client } = server();
    const { session } = await open(client, { userId: 'bob' });
    const requestId = '0190a5c0-0000-7000-8000-000000000001';
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await client.call('RevokeSession', { requestId, session: { sessionId: session.sessionId } });
      await client.call('RevokeSessions', { requestId, userId: 'bob' });
    }
    assert.deepEqual(
      recorded().map(({ action }) => action),
      ['session_revoked', 'sessions_revoked'],
    );
  });

  it('tells which sessions another one displaced, and of a stolen refresh token', async () => {
    const { client } = server();
    const device = { deviceId: 'phone' };
    const first = await open(client, { userId: 'cyd', device });
    const second = await open(client, { userId: 'cyd', device, replaceDeviceSessions: true });
    const displaced = { action: 'sessions_displaced', tenantId: '', userId: 'cyd' };
    const { sessionId } = second.session;
    assert.deepEqual(recorded(), [{ ...displaced, sessionId, endedSessionIds: [first.session.sessionId] }]);
    const { refreshToken } = second.tokens;
    await client.call('RefreshSession', { refreshToken });
    server().advance(3_600_000);
    await assert.rejects(client.call('RefreshSession', { refreshToken }));
    const reason = 'refresh_token_reuse';
    assert.deepEqual(recorded(), [{ action: 'refresh_token_reused', tenantId: '', sessionId, reason }]);
  });

  it('is silent where nothing ends', async () => {
    const { client } = server();
    await open(client, { userId: 'dee' });
    await client.call('RevokeSessions', { userId: 'dee', dryRun: true });
    await client.call('RevokeSession', { session: { sessionId: '0190a5c0-0000-7000-8000-000000000002' } });
    assert.deepEqual(recorded(), []);
  });
});

import assert from 'node:assert/strict';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import {
  assertRefused,
  assertVerdict,
  claimsOf,
  fullSession,
  inParallel,
  ms,
  open,
  present,
  range,
  refresh,
  seconds,
  struct,
  unstruct,
} from './expect.ts';

const INVALID = { status: 'FAILED_PRECONDITION', reason: 'REFRESH_TOKEN_INVALID' };
const REUSED = { status: 'FAILED_PRECONDITION', reason: 'REFRESH_TOKEN_REUSED' };

async function endOf(server: TestServer, sessionId: string) {
  const { session } = await server.client.call('GetSession', { session: { sessionId } });
  const { state, revocationReason } = present(session);
  return [state, revocationReason];
}

onEachStore('RefreshSession', (server) => {
  it('exchanges a token pair for the next one', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'ann', data: struct({ kept: true }) });
    server().advance(60_000);
    const next = await refresh(client, tokens.refreshToken);
    assert.notEqual(next.tokens.refreshToken, tokens.refreshToken);
    assert.notEqual(next.tokens.accessToken, tokens.accessToken);
    assert.equal(next.session.sessionId, session.sessionId);
    assert.equal(next.session.state, 'SESSION_STATE_ACTIVE');
    assert(ms(next.session.lastActiveTime) >= ms(session.lastActiveTime) + 60_000);
    assert(ms(next.session.expireTime) >= ms(session.expireTime) + 60_000);
    assert.deepEqual(next.session.absoluteExpireTime, session.absoluteExpireTime);
    assert.equal(next.session.etag, session.etag);
    assert.equal(next.session.data, null);
    assert.deepEqual(unstruct((await fullSession(client, session.sessionId)).data), { kept: true });
    assert.deepEqual(next.tokens.refreshTokenExpireTime, next.session.expireTime);
    assert(ms(next.tokens.refreshAfterTime) < ms(next.tokens.accessTokenExpireTime));
    assert.equal(next.response.deviceChange, null);
    await assertVerdict(client, next.tokens.accessToken, 'ACTIVE');
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  });

  it('gives 200 racers one and the same successor', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'race' });
    const answers = await Promise.all(range(200).map(() => refresh(client, tokens.refreshToken)));
    assert.equal(new Set(answers.map((answer) => answer.tokens.refreshToken)).size, 1);
    assert.equal(new Set(answers.map((answer) => answer.tokens.accessToken)).size, 200);
    assert.deepEqual(new Set(answers.map((answer) => answer.session.sessionId)), new Set([session.sessionId]));
    await inParallel(answers, 50, ({ tokens: { accessToken } }) => assertVerdict(client, accessToken, 'ACTIVE'));
    const next = await refresh(client, present(answers[0]).tokens.refreshToken);
    await assertVerdict(client, next.tokens.accessToken, 'ACTIVE');
  });

  it('answers a lost reply again', async () => {
    const { client } = server();
    const { tokens } = await open(client);
    const lost = await refresh(client, tokens.refreshToken);
    const again = await refresh(client, tokens.refreshToken);
    assert.equal(again.tokens.refreshToken, lost.tokens.refreshToken);
    await assertVerdict(client, again.tokens.accessToken, 'ACTIVE');
    await refresh(client, again.tokens.refreshToken);
  });

  it('keeps three tabs alive that share one token, whatever their order', async () => {
    const { client } = server();
    const { tokens } = await open(client);
    const a1 = await refresh(client, tokens.refreshToken);
    const b1 = await refresh(client, tokens.refreshToken);
    const a2 = await refresh(client, a1.tokens.refreshToken);
    // The third tab is two generations behind, and gets the newest.
    const c1 = await refresh(client, tokens.refreshToken);
    const b2 = await refresh(client, b1.tokens.refreshToken);
    assert.equal(c1.tokens.refreshToken, a2.tokens.refreshToken);
    assert.equal(b2.tokens.refreshToken, a2.tokens.refreshToken);
    for (const tab of [a2, b2, c1]) await assertVerdict(client, tab.tokens.accessToken, 'ACTIVE');
  });

  it('takes a token that comes late for theft, and ends the session', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, { userId: 'ann' });
    const next = await refresh(client, tokens.refreshToken);
    server().advance(5_000);
    const last = await refresh(client, tokens.refreshToken);
    server().advance(6_000);
    await assertRefused(client.call('RefreshSession', { refreshToken: tokens.refreshToken }), REUSED);
    for (const { accessToken } of [tokens, next.tokens, last.tokens])
      await assertVerdict(client, accessToken, 'REVOKED');
    await assertRefused(client.call('RefreshSession', { refreshToken: last.tokens.refreshToken }), INVALID);
    await assertRefused(client.call('RefreshSession', { refreshToken: tokens.refreshToken }), INVALID);
    assert.deepEqual(await endOf(server(), session.sessionId), [
      'SESSION_STATE_REVOKED',
      'REVOCATION_REASON_REFRESH_TOKEN_REUSE',
    ]);
  });

  it('ends it once, though thieves race', async () => {
    const { client } = server();
    const { session, tokens } = await open(client);
    await refresh(client, tokens.refreshToken);
    server().advance(11_000);
    const outcomes = await Promise.allSettled(range(50).map(() => refresh(client, tokens.refreshToken)));
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as { reason: string }).reason : 'OK',
    );
    assert.deepEqual(reasons.toSorted(), [...range(49).map(() => 'REFRESH_TOKEN_INVALID'), 'REFRESH_TOKEN_REUSED']);
    assert.equal((await endOf(server(), session.sessionId))[0], 'SESSION_STATE_REVOKED');
  });

  it('remembers the last 8 spent generations within the window', async () => {
    const { client } = server();
    const { tokens } = await open(client);
    const chain = [tokens.refreshToken];
    for (const _ of range(9)) chain.push((await refresh(client, chain.at(-1) ?? '')).tokens.refreshToken);
    const eighth = await refresh(client, chain[1] ?? '');
    assert.equal(eighth.tokens.refreshToken, chain[9]);
    await assertRefused(client.call('RefreshSession', { refreshToken: chain[0] ?? '' }), REUSED);
  });

  it('replaces the claims where set, but not in a replay', async () => {
    const { client } = server();
    const { session, tokens } = await open(client, {
      claims: struct({ role: 'user', x: 1 }),
      device: { userAgent: 'A' },
    });
    const next = await refresh(client, tokens.refreshToken, {
      claims: struct({ role: 'admin' }),
      device: { userAgent: 'B', ipAddress: '::1' },
    });
    assert.deepEqual(unstruct(next.session.claims), { role: 'admin' });
    assert.notEqual(next.session.etag, session.etag);
    assert.deepEqual(next.response.deviceChange, { userAgentChanged: true, ipAddressChanged: true });
    assert.equal(claimsOf(next.tokens.accessToken)['role'], 'admin');
    assert.equal('x' in claimsOf(next.tokens.accessToken), false);
    const replay = await refresh(client, tokens.refreshToken, {
      claims: struct({ role: 'root' }),
      device: { userAgent: 'C' },
    });
    assert.deepEqual(unstruct(replay.session.claims), { role: 'admin' });
    assert.equal(claimsOf(replay.tokens.accessToken)['role'], 'admin');
    assert.equal(replay.session.device?.userAgent, 'B');
    assert.equal(replay.session.etag, next.session.etag);
    const same = await refresh(client, next.tokens.refreshToken, { device: { userAgent: 'B' } });
    assert.deepEqual(same.response.deviceChange, { userAgentChanged: false, ipAddressChanged: false });
    assert.equal(same.session.device?.ipAddress, '::1');
  });

  it('removes all claims where they are set to none', async () => {
    const { client } = server();
    const { tokens } = await open(client, { claims: struct({ role: 'admin' }) });
    const next = await refresh(client, tokens.refreshToken, { claims: struct({}) });
    assert.deepEqual(unstruct(next.session.claims), {});
    assert.equal('role' in claimsOf(next.tokens.accessToken), false);
  });

  it('compares tenant and client where set, and changes nothing where they differ', async () => {
    const { client } = server();
    const { tokens } = await open(client, { tenantId: 'acme', clientId: 'web', userId: 'ann' });
    const { refreshToken } = tokens;
    for (const other of [
      { tenantId: '' },
      { tenantId: 'other' },
      { clientId: 'app' },
      { tenantId: 'acme', clientId: 'default' },
    ]) {
      await assertRefused(client.call('RefreshSession', { refreshToken, ...other }), INVALID);
    }
    server().advance(20_000);
    const next = await refresh(client, refreshToken, { tenantId: 'acme', clientId: 'web' });
    await assertVerdict(client, next.tokens.accessToken, 'ACTIVE');
  });

  it('ends at the idle and at the absolute limit', async () => {
    const { client } = server();
    const idle = await open(client, { idleTimeout: seconds(600) });
    const absolute = await open(client, { idleTimeout: seconds(600), absoluteTimeout: seconds(900) });
    server().advance(500_000);
    const used = await refresh(client, absolute.tokens.refreshToken);
    assert.deepEqual(used.session.expireTime, absolute.session.absoluteExpireTime);
    assert(ms(used.tokens.accessTokenExpireTime) <= ms(absolute.session.absoluteExpireTime));
    server().advance(101_000);
    await assertRefused(client.call('RefreshSession', { refreshToken: idle.tokens.refreshToken }), INVALID);
    const still = await refresh(client, used.tokens.refreshToken);
    server().advance(300_000);
    await assertRefused(client.call('RefreshSession', { refreshToken: still.tokens.refreshToken }), INVALID);
    assert.equal((await endOf(server(), idle.session.sessionId))[0], 'SESSION_STATE_EXPIRED');
  });

  it('never wins against a revocation beside it', async () => {
    const { client } = server();
    const rounds = await inParallel(range(40), 10, async () => {
      const { session, tokens } = await open(client);
      const [refreshed] = await Promise.allSettled([
        refresh(client, tokens.refreshToken),
        client.call('RevokeSession', { session: { sessionId: session.sessionId } }),
      ]);
      const accessToken = refreshed.status === 'fulfilled' ? refreshed.value.tokens.accessToken : tokens.accessToken;
      await assertVerdict(client, accessToken, 'REVOKED');
      const latest = refreshed.status === 'fulfilled' ? refreshed.value.tokens.refreshToken : tokens.refreshToken;
      await assertRefused(client.call('RefreshSession', { refreshToken: latest }), INVALID);
    });
    assert.equal(rounds.length, 40);
  });
});

describe('REFRESH_GRACE=0', () => {
  it('takes every replay for theft', async () => {
    const server = await startTestServer('memory', { REFRESH_GRACE: '0' });
    try {
      const { tokens } = await open(server.client);
      const next = await refresh(server.client, tokens.refreshToken);
      await assertRefused(server.client.call('RefreshSession', { refreshToken: tokens.refreshToken }), REUSED);
      await assertVerdict(server.client, next.tokens.accessToken, 'REVOKED');
    } finally {
      await server.stop();
    }
  });
});

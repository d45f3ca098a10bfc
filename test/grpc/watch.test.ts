import assert from 'node:assert/strict';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import { encode, RpcError } from './client.ts';
import { assertInvalid, assertRefused, open, present, range, refusalOf } from './expect.ts';
import { Watcher } from './watcher.ts';

onEachStore('WatchRevocations', (server) => {
  const watchers: Watcher[] = [];
  const watch = (request: ConstructorParameters<typeof Watcher>[1] = {}) => {
    const watcher = new Watcher(server().client, { heartbeat: { seconds: 0, nanos: 250_000_000 }, ...request });
    watchers.push(watcher);
    return watcher;
  };
  afterEach(() => Promise.all(watchers.splice(0).map((watcher) => watcher.close())));

  const begun = async (userId: string, tenantId = '') => (await open(server().client, { userId, tenantId })).session;
  const revoked = async (userId = 'ann', tenantId = '') => {
    const { sessionId } = await begun(userId, tenantId);
    await server().client.call('RevokeSession', { session: { sessionId }, tenantId });
    return sessionId;
  };

  it('begins with what is revoked already, goes on with what is revoked, and resumes behind it', async () => {
    const before = [await revoked('ann'), await revoked('bob')];
    const first = watch();
    await first.checkpoint();
    assert.deepEqual(first.kinds.slice(0, 2), ['opened', 'snapshotChunk']);
    assert.equal(present(first.frames[0]?.opened).start, 'START_SNAPSHOT');
    for (const id of before) assert(first.sessionIds.includes(id));

    const during = await revoked('cas');
    await first.until(() => first.sessionIds.includes(during));
    const { cursor } = first;
    const behind = [await revoked('dan'), await revoked('ann')];
    const second = watch({ cursor });
    await second.until(() => behind.every((id) => second.sessionIds.includes(id)));
    assert.equal(present(second.frames[0]?.opened).start, 'START_RESUMED');
    assert.deepEqual([...second.sessionIds].sort(), [...behind].sort());
    assert(!second.kinds.includes('snapshotChunk'));
  });

  it('tells of every scope with what a verifier needs', async () => {
    const { client } = server();
    const watcher = watch({ tenantIds: ['acme'] });
    await watcher.checkpoint();
    const kept = await begun('eve', 'acme');
    const superseded = await begun('eve', 'acme');
    await client.call('UpdateSession', {
      tenantId: 'acme',
      session: { sessionId: superseded.sessionId },
      supersedeAccessTokens: true,
    });
    await client.call('RevokeSession', {
      tenantId: 'acme',
      session: { sessionId: superseded.sessionId },
      reason: 'REVOCATION_REASON_SECURITY',
    });
    await client.call('RevokeSessions', { tenantId: 'acme', userId: 'eve', exceptSessionId: kept.sessionId });
    await client.call('RevokeSessions', { tenantId: 'acme', clientId: 'default' });
    await client.call('RevokeSessions', { tenantId: 'acme', wholeTenant: true });
    await watcher.until(() => watcher.revocations.some(({ tenant }) => tenant != null));
    const [update, session, user, client_, tenant] = ['session', 'session', 'user', 'client', 'tenant'].map(
      (scope, index) => watcher.revocations.filter((one) => one.scope === scope)[index === 1 ? 1 : 0],
    );
    assert.deepEqual(
      { ...present(update?.session) },
      { tenantId: 'acme', sessionId: superseded.sessionId, minVersion: 2 },
    );
    assert.deepEqual(
      { ...present(session?.session) },
      { tenantId: 'acme', sessionId: superseded.sessionId, minVersion: 0 },
    );
    assert.equal(session?.reason, 'REVOCATION_REASON_SECURITY');
    const { minGeneration, ...names } = present(user?.user);
    assert.deepEqual(names, { tenantId: 'acme', userId: 'eve', exceptSessionId: kept.sessionId });
    for (const generation of [
      minGeneration,
      present(client_?.client).minGeneration,
      present(tenant?.tenant).minGeneration,
    ]) {
      assert(generation > Date.now() - 3_600_000);
    }
    for (const { discardAfterTime, revokeTime } of watcher.revocations) {
      assert(present(discardAfterTime).seconds > present(revokeTime).seconds + 600);
    }
  });

  it('sends a tenant what is of it alone', async () => {
    const watcher = watch({ tenantIds: ['t1', 't3'] });
    const all = watch();
    await watcher.checkpoint();
    const ids = [
      await revoked('ann', 't1'),
      await revoked('ann', 't2'),
      await revoked('ann', ''),
      await revoked('x', 't3'),
    ];
    await all.until(() => ids.every((id) => all.sessionIds.includes(id)));
    await watcher.until(() => watcher.sessionIds.includes(ids[3] ?? ''));
    await watcher.checkpoint();
    assert.deepEqual(watcher.sessionIds, [ids[0], ids[3]]);
    const late = watch({ tenantIds: ['t3', 't1', 't3'], cursor: watcher.cursor });
    await late.checkpoint();
    assert.deepEqual(late.kinds.slice(0, 2), ['opened', 'checkpoint']);
  });

  it('proves with every checkpoint that nothing is missing', async () => {
    const watcher = watch();
    const { staleness, asOfTime } = await watcher.checkpoint();
    assert(present(staleness).seconds < 60);
    assert(Math.abs(present(asOfTime).seconds * 1000 - server().now()) < 60_000);
    const known = await revoked();
    await watcher.until(() => watcher.sessionIds.includes(known));
    await watcher.checkpoint();
    const later = watch({ cursor: watcher.cursor });
    await later.checkpoint();
    assert.deepEqual(later.revocations, []);
  });

  it('answers a cursor of another filter, and one that was tampered with', async () => {
    const watcher = watch();
    await watcher.checkpoint();
    const other = watch({ cursor: watcher.cursor, tenantIds: ['t1'] });
    await other.checkpoint();
    assert.deepEqual(other.kinds.slice(0, 3), ['opened', 'reset', 'snapshotChunk']);
    assert.equal(present(other.frames[0]?.opened).start, 'START_SNAPSHOT');
    assert.equal(present(other.frames[1]?.reset).cause, 'CAUSE_FOREIGN');
    const { cursor } = watcher;
    for (const at of range(cursor.length)) {
      const bad = Buffer.from(cursor);
      bad[at] = (bad[at] ?? 0) ^ 1;
      const answer = watch({ cursor: bad });
      // Nothing tells a store with another key from a forger; what it gets is what anybody gets without a cursor.
      if (at >= 1 && at < 9) {
        await answer.until(() => answer.kinds.includes('reset'));
        assert.equal(present(answer.frames[1]?.reset).cause, 'CAUSE_FOREIGN');
      } else {
        const error = present(await answer.ended);
        assert.deepEqual([error.status, error.reason], ['INVALID_ARGUMENT', 'INVALID_TOKEN_PARAMETER'], `byte ${at}`);
      }
    }
    for (const bad of [Buffer.from('x'), cursor.subarray(1), cursor.subarray(0, -1), Buffer.alloc(100, 1)]) {
      const answer = watch({ cursor: bad });
      const outcome = await Promise.race([answer.ended, answer.until(() => answer.kinds.includes('reset'))]);
      if (outcome !== undefined) assert.equal(outcome?.reason, 'INVALID_TOKEN_PARAMETER');
    }
  });
});

describe('A request of WatchRevocations', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('memory', { MAX_WATCH_STREAMS: '2' });
  });
  after(() => server.stop());

  const refusal = async (request: ConstructorParameters<typeof Watcher>[1]) => {
    throw present(await new Watcher(server.client, request).ended);
  };

  it('is refused where a field is bad', async () => {
    for (const heartbeat of [
      { seconds: 0, nanos: 249_000_000 },
      { seconds: 10, nanos: 1_000_000 },
      { seconds: -1, nanos: 0 },
    ]) {
      await assertInvalid(refusal({ heartbeat }), 'heartbeat');
    }
    await assertInvalid(refusal({ tenantIds: range(257).map(String) }), 'tenant_ids');
    await assertInvalid(refusal({ tenantIds: ['ok', 'a\u0000b'] }), 'tenant_ids[1]');
    await assertInvalid(refusal({ subscriberId: 'x'.repeat(129) }), 'subscriber_id');
    await assertInvalid(refusal({ cursor: Buffer.alloc(20_481, 1) }), 'cursor');
    const undecodable = server.client.raw('WatchRevocations', Buffer.alloc(20, 0xff));
    await assertInvalid(undecodable, 'request');
    assert.equal(
      (await refusalOf(server.client.raw('WatchRevocations', Buffer.alloc(3, 0xff)))).status,
      'INVALID_ARGUMENT',
    );
    assert(encode('WatchRevocations', {}).length === 0);
  });

  it('is refused, with a time to wait, where there are as many streams as there may be', async () => {
    const watchers = [new Watcher(server.client), new Watcher(server.client)];
    for (const watcher of watchers) await watcher.checkpoint();
    const error = await assertRefused(refusal({}), { status: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' });
    assert(error.retryAfterMs >= 1000);
    await watchers[0]?.close();
    // The server hears of it a moment later.
    let another = new Watcher(server.client);
    while ((await Promise.race([another.ended, another.checkpoint()])) instanceof RpcError) {
      another = new Watcher(server.client);
    }
    await Promise.all([another.close(), watchers[1]?.close()]);
  });
});

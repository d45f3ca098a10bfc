import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import type { Request } from './client.ts';
import {
  assertInvalid,
  assertRefused,
  assertVerdict,
  inParallel,
  ms,
  open,
  type Opened,
  present,
  range,
  refresh,
  verdict,
} from './expect.ts';

const NOT_FOUND = { status: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND' };
const STATE = { status: 'FAILED_PRECONDITION', reason: 'SESSION_STATE' };
const BLOCKED = { status: 'FAILED_PRECONDITION', reason: 'USER_BLOCKED' };

onEachStore('RevokeSessions', (server) => {
  let tenant = 0;
  let tenantId = '';
  beforeEach(() => {
    tenant += 1;
    tenantId = `tenant-${tenant}`;
  });

  const begin = (request: Request<'CreateSession'> = {}) =>
    open(server().client, { tenantId, userId: 'ann', ...request });
  const revoke = (request: Request<'RevokeSessions'>) =>
    server().client.call('RevokeSessions', { tenantId, ...request });
  const assertAll = async (opened: readonly Opened[], expected: string) => {
    for (const { tokens } of opened) {
      if (tokens.accessToken === '') assert.equal(await verdict(server().client, tokens), expected);
      else await assertVerdict(server().client, tokens.accessToken, expected);
    }
  };

  it('ends every session of a user, whatever its kind, and no other', async () => {
    const mine = [
      await begin(),
      await begin({ clientId: 'app' }),
      await begin({ tokenMode: 'TOKEN_MODE_OPAQUE' }),
      await begin({ actor: { userId: 'x' } }),
    ];
    const others = [
      await begin({ userId: 'anna' }),
      await begin({ userId: '' }),
      await begin({ tenantId: 'elsewhere' }),
      await begin({ userId: 'Ann' }),
    ];
    const { sessionCount, consistencyToken } = await revoke({ userId: 'ann' });
    assert.equal(sessionCount, undefined);
    assert(consistencyToken.length > 0);
    await assertAll(mine, 'REVOKED');
    await assertAll(others, 'ACTIVE');
    const { refreshToken } = present(mine[0]).tokens;
    const invalid = { status: 'FAILED_PRECONDITION', reason: 'REFRESH_TOKEN_INVALID' };
    await assertRefused(server().client.call('RefreshSession', { refreshToken }), invalid);
    await assertAll([await begin()], 'ACTIVE');
  });

  it('ends again what was opened since, though within the same millisecond', async () => {
    for (const _ of range(20)) {
      const [before] = await Promise.all([begin(), revoke({ userId: 'ann' })]);
      const since = await begin();
      await revoke({ userId: 'ann' });
      await assertAll([before, since], 'REVOKED');
    }
  });

  it('keeps every way to its token shut for a session that it ended', async () => {
    const { client } = server();
    const { session, tokens } = await begin();
    await revoke({ userId: 'ann', reason: 'REVOCATION_REASON_CREDENTIAL_CHANGE' });
    const handle = { sessionId: session.sessionId };
    await assertRefused(
      client.call('UpdateSession', { tenantId, session: handle, supersedeAccessTokens: true }),
      STATE,
    );
    await assertRefused(client.call('RotateSession', { tenantId, session: handle }), STATE);
    assert.equal((await client.call('RevokeSession', { tenantId, session: handle })).revoked, false);
    await assertVerdict(client, tokens.accessToken, 'REVOKED');
    const { session: read } = await client.call('GetSession', { tenantId, session: handle });
    assert.deepEqual(
      [read?.state, read?.revocationReason],
      ['SESSION_STATE_REVOKED', 'REVOCATION_REASON_CREDENTIAL_CHANGE'],
    );
    assert.notEqual(read?.revokeTime, null);
  });

  it('spares one session, which goes on for good', async () => {
    const { client } = server();
    const [mine, other] = [await begin(), await begin()];
    await revoke({ userId: 'ann', exceptSessionId: mine.session.sessionId.toUpperCase() });
    await assertAll([mine], 'ACTIVE');
    await assertAll([other], 'REVOKED');
    const next = await refresh(client, mine.tokens.refreshToken);
    await revoke({ userId: 'ann', exceptSessionId: mine.session.sessionId });
    await assertVerdict(client, next.tokens.accessToken, 'ACTIVE');
    await assertAll([mine], 'ACTIVE');
    const third = await begin();
    await revoke({ userId: 'ann', exceptSessionId: third.session.sessionId });
    await assertAll([mine], 'REVOKED');
    await assertVerdict(client, next.tokens.accessToken, 'REVOKED');
    await assertAll([third], 'ACTIVE');
  });

  it("ends nothing where the session to spare is dead, unknown or another user's", async () => {
    const [mine, dead] = [await begin(), await begin()];
    const [foreign, bob] = [await begin({ tenantId: 'elsewhere' }), await begin({ userId: 'bob' })];
    await server().client.call('RevokeSession', { tenantId, session: { sessionId: dead.session.sessionId } });
    const selections = [{}, { deviceId: 'd' }, { createTimeBefore: { seconds: 9e9, nanos: 0 } }, { dryRun: true }];
    for (const more of selections) {
      await assertRefused(revoke({ userId: 'ann', exceptSessionId: dead.session.sessionId, ...more }), STATE);
      for (const { session } of [foreign, bob]) {
        await assertRefused(revoke({ userId: 'ann', exceptSessionId: session.sessionId, ...more }), NOT_FOUND);
      }
      const unknown = '00000000-0000-7000-8000-000000000000';
      await assertRefused(
        revoke({ userId: 'ann', exceptSessionId: unknown, denyCreateUntilTime: { seconds: 9e9, nanos: 0 }, ...more }),
        NOT_FOUND,
      );
    }
    await assertInvalid(revoke({ userId: 'ann', exceptSessionId: 'x' }), 'except_session_id');
    await assertAll([mine, foreign, bob, await begin()], 'ACTIVE');
  });

  it('ends one by one what a device or a time selects, and counts it', async () => {
    const old = [await begin({ device: { deviceId: 'd' } }), await begin({ device: { deviceId: 'e' } })];
    server().advance(2000);
    const young = [
      await begin({ device: { deviceId: 'd' } }),
      await begin({ device: { deviceId: 'd' } }),
      await begin(),
    ];
    const createTimeBefore = { seconds: Math.floor(ms(present(young[0]).session.createTime) / 1000), nanos: 0 };
    const spared = present(young[1]).session.sessionId;
    assert.equal((await revoke({ userId: 'ann', deviceId: 'd', createTimeBefore })).sessionCount, 1);
    await assertAll([present(old[0])], 'REVOKED');
    assert.equal((await revoke({ userId: 'ann', deviceId: 'd', exceptSessionId: spared })).sessionCount, 1);
    assert.equal((await revoke({ userId: 'ann', createTimeBefore })).sessionCount, 1);
    assert.equal((await revoke({ userId: 'ann', createTimeBefore })).sessionCount, 0);
    await assertAll([...old, present(young[0])], 'REVOKED');
    await assertAll([present(young[1]), present(young[2])], 'ACTIVE');
  });

  it('denies new sessions of a disabled user in the same step, until the time comes', async () => {
    const { client } = server();
    const anonymous = await begin({ userId: '' });
    const mine = await begin();
    const denyCreateUntilTime = { seconds: Math.floor(server().now() / 1000) + 3600, nanos: 0 };
    await revoke({ userId: 'ann', reason: 'REVOCATION_REASON_ACCOUNT_DISABLED', denyCreateUntilTime });
    await assertAll([mine], 'REVOKED');
    const login = { tenantId, session: { sessionId: anonymous.session.sessionId }, userId: 'ann' };
    await assertRefused(begin(), BLOCKED);
    await assertRefused(client.call('RotateSession', login), BLOCKED);
    // A later log-out-everywhere does not lift it.
    await revoke({ userId: 'ann' });
    await assertRefused(begin(), BLOCKED);
    await assertAll([await begin({ userId: 'bob' }), await begin({ tenantId: 'elsewhere' }), anonymous], 'ACTIVE');
    server().advance(3_601_000);
    await assertAll([await begin()], 'ACTIVE');
    await client.call('RotateSession', login);
  });

  it('lifts a denial by an earlier time, and denies beside a selection too', async () => {
    const kept = await begin({ device: { deviceId: 'e' } });
    await revoke({ userId: 'ann', deviceId: 'd', denyCreateUntilTime: { seconds: 9e9, nanos: 0 } });
    await assertAll([kept], 'ACTIVE');
    await assertRefused(begin(), BLOCKED);
    await assertRefused(
      server().client.call('RotateSession', { tenantId, session: { sessionId: kept.session.sessionId } }),
      BLOCKED,
    );
    await revoke({ userId: 'ann', denyCreateUntilTime: { seconds: 1, nanos: 0 } });
    await assertAll([await begin()], 'ACTIVE');
  });

  it('ends every session of a client or of a tenant', async () => {
    const web = [
      await begin({ clientId: 'web' }),
      await begin({ clientId: 'web', userId: '' }),
      await begin({ clientId: 'web', userId: 'bob' }),
    ];
    const rest = [await begin({ clientId: 'app' }), await begin({ userId: '', tokenMode: 'TOKEN_MODE_OPAQUE' })];
    const elsewhere = await begin({ clientId: 'web', tenantId: 'elsewhere' });
    await revoke({ clientId: 'web' });
    await assertAll(web, 'REVOKED');
    await assertAll([...rest, elsewhere], 'ACTIVE');
    const again = await begin({ clientId: 'web' });
    await assertAll([again], 'ACTIVE');
    await revoke({ wholeTenant: true });
    await assertAll([...rest, again], 'REVOKED');
    await assertAll([elsewhere, await begin()], 'ACTIVE');
  });

  it('keeps scopes apart: none masks another', async () => {
    for (const scopes of [
      [{ userId: 'ann' }, { clientId: 'web' }],
      [{ clientId: 'web' }, { wholeTenant: true }],
      [{ wholeTenant: true }, { userId: 'ann' }],
    ]) {
      for (const scope of scopes) {
        const session = await begin({ clientId: 'web' });
        await revoke(scope);
        await assertAll([session], 'REVOKED');
      }
    }
  });

  it('says in a dry run what would end, and ends nothing', async () => {
    const opened = [
      await begin({ device: { deviceId: 'd' } }),
      await begin({ clientId: 'app' }),
      await begin({ userId: 'bob' }),
      await begin({ userId: '' }),
    ];
    const gone = await begin({ device: { deviceId: 'd' }, clientId: 'app' });
    await server().client.call('RevokeSession', { tenantId, session: { sessionId: gone.session.sessionId } });
    const first = present(opened[0]).session.sessionId;
    for (const [scope, count] of [
      [{ userId: 'ann' }, 2],
      [{ userId: 'ann', exceptSessionId: first }, 1],
      [{ userId: 'ann', deviceId: 'd' }, 1],
      [{ userId: 'ann', createTimeBefore: { seconds: 1, nanos: 0 } }, 0],
      [{ clientId: 'app' }, 1],
      [{ wholeTenant: true }, 4],
      [{ userId: 'nobody' }, 0],
    ] as const) {
      const { sessionCount, consistencyToken } = await revoke({ ...scope, dryRun: true, denyCreateUntilTime: null });
      assert.deepEqual([sessionCount, consistencyToken.length], [count, 0], JSON.stringify(scope));
    }
    await revoke({ userId: 'ann', dryRun: true, denyCreateUntilTime: { seconds: 9e9, nanos: 0 } });
    await assertAll([...opened, await begin()], 'ACTIVE');
  });

  it('checks fields', async () => {
    const time = { seconds: 1, nanos: 0 };
    await assertInvalid(revoke({}), 'scope');
    await assertInvalid(revoke({ userId: '' }), 'user_id');
    await assertInvalid(revoke({ clientId: '' }), 'client_id');
    await assertInvalid(revoke({ wholeTenant: false }), 'whole_tenant');
    const selectors = {
      deviceId: 'd',
      createTimeBefore: time,
      exceptSessionId: '00000000-0000-7000-8000-000000000000',
      denyCreateUntilTime: time,
    };
    for (const scope of [{ clientId: 'web' }, { wholeTenant: true }]) {
      await assertInvalid(
        revoke({ ...scope, ...selectors }),
        'device_id',
        'create_time_before',
        'except_session_id',
        'deny_create_until_time',
      );
    }
  });

  it('wins every race against refreshes, rotations and repeated creates', async () => {
    const { client } = server();
    const opened = await inParallel(range(20), 10, () => begin());
    const racing = opened.flatMap(({ session, tokens }) => [
      refresh(client, tokens.refreshToken).then((next) => next.tokens.accessToken),
      client
        .call('RotateSession', { tenantId, session: { sessionId: session.sessionId } })
        .then((next) => present(next.tokens).accessToken),
    ]);
    const revoked = revoke({ userId: 'ann' });
    const outcomes = await Promise.allSettled(racing);
    await revoked;
    const before = opened.map(({ tokens }) => tokens.accessToken);
    for (const accessToken of before) await assertVerdict(client, accessToken, 'REVOKED');
    const { sessions } = await client.call('ListSessions', { tenantId, userId: 'ann' });
    const alive = new Set(sessions.map(({ sessionId }) => sessionId));
    // A rotation that came after is a new session; all that came before is over.
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') continue;
      const { active, sessionId } = await client.call('ValidateSession', { accessToken: outcome.value });
      assert.equal(active, alive.has(sessionId));
    }
    await revoke({ userId: 'ann' });
    assert.deepEqual((await client.call('ListSessions', { tenantId, userId: 'ann' })).sessions, []);
  });
});

import assert from 'node:assert/strict';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import { nextEntry, withDatabase } from './database.ts';
import { assertInvalid, assertRefused, CONSISTENCIES, open, present, range, refusalOf } from './expect.ts';

const BAD_TOKEN = { status: 'INVALID_ARGUMENT', reason: 'INVALID_TOKEN_PARAMETER' };
const KEY = Buffer.alloc(32, 7).toString('base64');

onEachStore(
  'consistency_token',
  (server) => {
    const revoked = async () => {
      const { client } = server();
      const opened = await open(client, { userId: 'ann' });
      const { consistencyToken } = await client.call('RevokeSession', {
        session: { sessionId: opened.session.sessionId },
      });
      return { ...opened, consistencyToken };
    };

    it('is taken from every answer that has one, by LOCAL and STRONG alike', async () => {
      const { client } = server();
      const a = await open(client, { userId: 'ann', device: { deviceId: 'd' } });
      const b = await open(client, { userId: 'ann', device: { deviceId: 'd' }, replaceDeviceSessions: true });
      const update = await client.call('UpdateSession', {
        session: { sessionId: b.session.sessionId },
        supersedeAccessTokens: true,
      });
      const rotation = await client.call('RotateSession', { session: { sessionId: b.session.sessionId } });
      const one = await client.call('RevokeSession', { session: { sessionId: present(rotation.session).sessionId } });
      const many = await client.call('RevokeSessions', { userId: 'ann' });
      for (const { consistencyToken } of [b.response, update, rotation, one, many]) {
        assert(consistencyToken.length > 0 && consistencyToken.length <= 256);
        for (const consistency of CONSISTENCIES) {
          const answer = await client.call('ValidateSession', {
            accessToken: a.tokens.accessToken,
            consistency,
            consistencyToken,
          });
          assert.equal(answer.inactiveReason, 'INACTIVE_REASON_REVOKED');
        }
      }
    });

    it('is refused where it was tampered with', async () => {
      const { client } = server();
      const { tokens, consistencyToken } = await revoked();
      const tampered = range(consistencyToken.length).map((at) => {
        const copy = Buffer.from(consistencyToken);
        copy[at] = (copy[at] ?? 0) ^ 1;
        return copy;
      });
      const others = [
        consistencyToken.subarray(1),
        Buffer.concat([consistencyToken, Buffer.alloc(1)]),
        Buffer.from('x'),
        Buffer.alloc(256),
      ];
      for (const bad of [...tampered, ...others]) {
        for (const credential of [{ accessToken: tokens.accessToken }, { accessToken: 'x' }, { sessionToken: 'x' }]) {
          await assertRefused(client.call('ValidateSession', { ...credential, consistencyToken: bad }), BAD_TOKEN);
        }
      }
      const requests = [{ accessToken: 'x' }, { accessToken: 'x', consistencyToken: Buffer.from('x') }];
      await assertRefused(client.call('BatchValidateSessions', { requests }), BAD_TOKEN);
      await assertInvalid(
        client.call('ValidateSession', { accessToken: 'x', consistencyToken: Buffer.alloc(257) }),
        'consistency_token',
      );
    });

    it('is refused where it is of another store, even under the same master key', async () => {
      const other = await startTestServer('sqlite', { MASTER_KEY: KEY });
      try {
        const { tokens, consistencyToken } = await revoked();
        const call = other.client.call('ValidateSession', { accessToken: tokens.accessToken, consistencyToken });
        await assertRefused(call, BAD_TOKEN);
      } finally {
        await other.stop();
      }
    });
  },
  { MASTER_KEY: KEY },
);

describe('consistency_token on one database', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer('sqlite');
  });
  afterEach(() => server.stop());

  it('outlives a restart', async () => {
    const { session, tokens } = await open(server.client);
    const { consistencyToken } = await server.client.call('RevokeSession', {
      session: { sessionId: session.sessionId },
    });
    await server.restart();
    const answer = await server.client.call('ValidateSession', { accessToken: tokens.accessToken, consistencyToken });
    assert.equal(answer.inactiveReason, 'INACTIVE_REASON_REVOKED');
  });

  it('makes a call wait until what it stands for has been applied', async () => {
    const { tokens } = await open(server.client);
    const { token, append } = await nextEntry(server);
    const waiting = server.client.call('ValidateSession', { accessToken: tokens.accessToken, consistencyToken: token });
    // It has arrived by then.
    await server.client.call('GetJwks', {});
    await append();
    assert.equal((await waiting).active, true);
  });

  it('is waited for so often at once and no more', async () => {
    const { tokens } = await open(server.client);
    const { token, append } = await nextEntry(server);
    const requests = range(200).map(() => ({ accessToken: tokens.accessToken, consistencyToken: token }));
    const calls = range(6).map(() => server.client.call('BatchValidateSessions', { requests }));
    const refused = await Promise.race(calls.map((call) => refusalOf(call)));
    assert.deepEqual([refused.status, refused.reason], ['RESOURCE_EXHAUSTED', 'RATE_LIMITED']);
    assert(refused.retryAfterMs > 0);
    await append();
    const answers = await Promise.allSettled(calls);
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 5);
    // They have left room behind them.
    const { responses } = await server.client.call('BatchValidateSessions', { requests });
    assert(responses.every(({ active }) => active));
  });

  it('is answered UNAVAILABLE where that never happens: a backup was put back', async () => {
    const { tokens } = await open(server.client);
    const { session } = await open(server.client);
    const other = await open(server.client);
    const backup = `${server.databasePath}.backup`;
    await withDatabase(server.databasePath, (database) => database.exec(`VACUUM INTO '${backup}'`));
    const { consistencyToken } = await server.client.call('RevokeSession', {
      session: { sessionId: session.sessionId },
    });
    await server.restart({ STORE_URL: `sqlite:${backup}`, MASTER_KEY_FILE: `${server.databasePath}.master-key` });
    // Another revocation gets the same position now, and does not stand for the one that was lost.
    await server.client.call('RevokeSession', { session: { sessionId: other.session.sessionId } });
    const call = server.client.call('ValidateSession', { accessToken: tokens.accessToken, consistencyToken });
    await assertRefused(call, { status: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP' });
  });
});

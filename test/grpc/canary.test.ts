import assert from 'node:assert/strict';
import { startTestServer, type TestServer } from '../harness.ts';
import { encode, type RpcError, UNARY_RPCS } from './client.ts';
import { withDatabase, withoutSessions } from './database.ts';
import { everyString, type Texts } from './every_string.ts';
import { assertRefused, open, refresh, refusalOf, struct } from './expect.ts';
import { forgedAccessTokens, forgedTokens } from './forge.ts';

const CANARY = 'c4n4ry';

describe('what a caller sent', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());
  beforeEach(() => server.log.splice(0));

  const assertSilent = (error: RpcError, ...secrets: readonly string[]) => {
    const told = `${error.message}\n${error.text}\n${error.trailers}`.toLowerCase();
    for (const secret of [CANARY, ...secrets]) assert(!told.includes(secret.toLowerCase()), error.message);
  };
  const assertLogSilent = (...secrets: readonly string[]) => {
    const log = server.log.join('').toLowerCase();
    for (const secret of [CANARY, ...secrets]) assert(!log.includes(secret.toLowerCase()), secret);
  };

  it('is in no refusal and in no log line', async () => {
    const long = 'x'.repeat(5000);
    const spellings: Texts[] = [
      (name) => `${CANARY}-${name}`,
      (name) => `${CANARY}-${name}-${long}`,
      (name) => `${CANARY}\n${name}`,
      (name) => `${name} %s %j {} \${${CANARY}} ${CANARY}`,
      (name) => `sar_${CANARY}${name}`,
    ];
    const contents: Record<string, unknown>[] = [
      { [CANARY]: Number.NaN },
      { [CANARY]: CANARY.repeat(4000) },
      { sub: CANARY, [CANARY]: { [CANARY]: 2 ** 60 } },
      { [CANARY]: [[[[[[[[[[[[[[[[[CANARY]]]]]]]]]]]]]]]]] },
    ];
    for (const text of spellings) {
      for (const content of contents) {
        const all = everyString(text, content);
        for (const rpc of UNARY_RPCS) {
          if (rpc === 'GetJwks') continue;
          assertSilent(await refusalOf(server.client.call(rpc, all[rpc])));
        }
      }
    }
    // Bytes that do not decode, with canaries in them.
    for (const rpc of UNARY_RPCS) {
      const bytes = Buffer.concat([Buffer.from([0xfa, 0x3e, 100]), Buffer.from(CANARY)]);
      assertSilent(await refusalOf(server.client.raw(rpc, bytes)));
    }
    assertLogSilent();
  });

  it('is in no answer and in no log line of a store that fails', async () => {
    const { client } = server;
    const { session, tokens } = await open(client, { userId: 'ann' });
    const all = everyString((name) => `${CANARY}-${name}`, { [CANARY]: CANARY });
    const handle = { session: { sessionId: session.sessionId } };
    const { requestId: _, ...create } = all.CreateSession;
    const { session: __, etag: ___, ...update } = all.UpdateSession;
    const lines = server.log.length;
    await withoutSessions(server.databasePath, async () => {
      for (const call of [
        () => client.call('CreateSession', create),
        () => client.call('UpdateSession', { ...update, ...handle }),
        () => client.call('RotateSession', { ...all.RotateSession, ...handle, requestId: '' }),
        () => client.call('ListSessions', { ...all.ListSessions, pageToken: '' }),
        () =>
          client.call('RefreshSession', { ...all.RefreshSession, requestId: '', refreshToken: tokens.refreshToken }),
        () => client.call('RevokeSession', { ...all.RevokeSession, ...handle, requestId: '' }),
        () => client.call('RevokeSessions', { ...all.RevokeSessions, requestId: '', exceptSessionId: '' }),
      ]) {
        const error = await refusalOf(call());
        assertSilent(error, tokens.refreshToken, 'nest_auth', 'sqlite');
      }
    });
    // The fault itself is told to the operator.
    assert.equal(server.log.length, lines + 7);
    assertLogSilent(tokens.refreshToken);
  });

  it('is in no answer and in no log line of a fault that nobody foresaw', async () => {
    const { client } = server;
    const { session } = await open(client, { userId: 'ann' });
    await withDatabase(server.databasePath, (database) => {
      database.prepare('UPDATE nest_auth_sessions SET claims = ? WHERE session_id = ?').run(CANARY, session.sessionId);
    });
    const lines = server.log.length;
    const error = await assertRefused(client.call('GetSession', { session: { sessionId: session.sessionId } }), {
      status: 'INTERNAL',
      reason: 'INTERNAL',
    });
    assert.equal(error.message, 'internal error');
    assertSilent(error);
    assert.equal(server.log.length, lines + 1);
    assertLogSilent();
  });

  it('is in no answer to a credential, and no credential in the log', async () => {
    const { client } = server;
    const opened = await open(client, { userId: 'bob', claims: struct({ [CANARY]: CANARY }) });
    const opaque = await open(client, { userId: 'bob', tokenMode: 'TOKEN_MODE_OPAQUE' });
    const next = await refresh(client, opened.tokens.refreshToken);
    server.advance(11_000);
    const secrets = [opened.tokens, opaque.tokens, next.tokens].flatMap(({ accessToken, refreshToken, sessionToken }) =>
      [accessToken, refreshToken, sessionToken].filter((token) => token !== ''),
    );
    const bad = [
      opened.tokens.refreshToken,
      ...forgedTokens(next.tokens.refreshToken).slice(0, 20),
      ...forgedAccessTokens(next.tokens.accessToken),
    ];
    for (const refreshToken of bad)
      assertSilent(await refusalOf(client.call('RefreshSession', { refreshToken })), refreshToken, ...secrets);
    for (const accessToken of bad) {
      assertSilent(await refusalOf(client.call('GetSession', { session: { accessToken } })), accessToken, ...secrets);
    }
    await client.call('RevokeSessions', { userId: 'bob' });
    // Parts of tokens would be as bad as all of one.
    assertLogSilent(...secrets, ...secrets.map((secret) => secret.slice(-40)), ...bad);
  });

  it('is found where it should be, so that these tests would see it', async () => {
    const request = encode('CreateSession', everyString((name) => `${CANARY}-${name}`, {}).CreateSession).toString();
    assert.equal(request.split(CANARY).length - 1, 14);
  });
});

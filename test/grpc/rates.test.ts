import assert from 'node:assert/strict';
import { type Env, startTestServer, type TestServer } from '../harness.ts';
import { SessionClient } from './client.ts';
import { nextEntry } from './database.ts';
import { assertRefused, open, range, refusalOf } from './expect.ts';
import { callersFile, identity } from './identities.ts';

const LIMITED = { status: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' };
const LOGIN = identity('login', ['sessions.create', 'sessions.validate']);
const OTHER = identity('other', ['sessions.validate']);
/** As much as a caller of a call a second may do at once; it is minutes before that may be done again. */
const WHOLE = { requests: range(256).map(() => ({ accessToken: 'x' })) };
const MOST = range(200);

describe('the rate of a caller', () => {
  let server: TestServer;
  const clients: SessionClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });

  /** A server with these limits, and clients of both callers. */
  async function start(store: 'memory' | 'sqlite', env: Env): Promise<readonly [SessionClient, SessionClient]> {
    server = await startTestServer(store, { CALLERS_FILE: callersFile([LOGIN, OTHER]), ...env });
    clients.push(...[LOGIN, OTHER].map(({ token }) => new SessionClient(server.grpcPort, {}, token)));
    return clients as unknown as readonly [SessionClient, SessionClient];
  }

  it('bounds the calls of each, a batch as its items', async () => {
    const [login, other] = await start('memory', { CALLER_RATE: '1' });
    await login.call('BatchValidateSessions', WHOLE);
    const error = await assertRefused(login.call('BatchValidateSessions', WHOLE), LIMITED);
    assert(error.retryAfterMs > 10_000);
    await other.call('BatchValidateSessions', WHOLE);
  });

  for (const [what, attempt, reason] of [
    ['not allowed', (client) => client.call('ListSessions', {}), 'CALLER_NOT_ALLOWED'],
    ['nonsense', (client) => client.raw('CreateSession', Buffer.of(0xff)), 'INVALID_FIELD'],
  ] as const satisfies readonly (readonly [string, (client: SessionClient) => Promise<unknown>, string])[]) {
    it(`counts what is refused because it is ${what}`, async () => {
      const [login] = await start('memory', { CALLER_RATE: '1' });
      const refused = await Promise.all(MOST.map(() => refusalOf(attempt(login))));
      assert(refused.every((error) => error.reason === reason));
      await assertRefused(login.call('BatchValidateSessions', WHOLE), LIMITED);
    });
  }

  it('bounds the calls that each has in progress', async () => {
    const [login, other] = await start('sqlite', { CALLER_CONCURRENCY: '2' });
    const { tokens } = await open(login, { userId: 'ann' });
    const { accessToken } = tokens;
    const { token: consistencyToken, append } = await nextEntry(server);
    const waiting = range(2).map(() => login.call('ValidateSession', { accessToken, consistencyToken }));
    // Behind them on the same connection.
    const error = await assertRefused(login.call('ValidateSession', { accessToken }), LIMITED);
    assert(error.retryAfterMs > 0);
    await other.call('ValidateSession', { accessToken });
    await append();
    for (const { active } of await Promise.all(waiting)) assert.equal(active, true);
    await login.call('ValidateSession', { accessToken });
  });
});

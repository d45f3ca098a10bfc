import assert from 'node:assert/strict';
import { ServerResponse, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { SessionError, VerificationError } from '../../src/client/index.ts';
import { SessionCookie } from '../../src/client/middleware/cookies.ts';
import { startAuthority, type TestAuthority } from './authority.ts';

const newResponse = () => new ServerResponse(new IncomingMessage(new Socket()));

/** The Set-Cookie headers of a response. */
function cookiesOf(response: ServerResponse): readonly string[] {
  return [response.getHeader('set-cookie') ?? []].flat().map(String);
}

describe('SessionCookie', () => {
  const cookie = new SessionCookie();
  let parts: TestAuthority;

  before(async () => {
    parts = await startAuthority();
  });
  after(() => parts.stop());

  /** A browser's requests bring the last cookie it was given. */
  const requestOf = (response: ServerResponse) => ({
    method: 'POST',
    headers: {
      cookie: cookiesOf(response)
        .map((set) => set.split(';')[0])
        .join('; '),
    },
  });
  const verify = (response: ServerResponse) => parts.verifier.verify(cookie.read(requestOf(response)) ?? '');
  const isRevoked = (error: unknown) => error instanceof VerificationError && error.reason === 'revoked';
  /** A browser with a new session. */
  const begin = async (userId = '') => {
    const response = newResponse();
    const authTime = new Date(Date.now() - 3_600_000);
    const held = { userId, tokenMode: 'opaque', data: { cart: ['tea'] }, authTime } as const;
    cookie.set(response, await parts.authority.createSession(held));
    return response;
  };

  it('refuses a name that no cookie can have', () => {
    for (const name of ['a b', 'a;b', 'a=b', 'é']) assert.throws(() => new SessionCookie({ name }), TypeError, name);
  });

  it('is one that no other host can set and no script can read, for as long as the session may live', async () => {
    const absoluteTimeoutMs = 40 * 86_400_000;
    const begun = await parts.authority.createSession({ tokenMode: 'opaque', absoluteTimeoutMs });
    const response = newResponse();
    cookie.set(response, begun);
    const [value, maxAge, ...attributes] = cookiesOf(response)[0]?.split('; ') ?? [];
    assert.equal(value, `__Host-session=${begun.tokens.sessionToken}`);
    assert.deepEqual(attributes, ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']);
    const seconds = Number(/^Max-Age=(\d+)$/.exec(maxAge ?? '')?.[1]);
    assert.ok(seconds <= absoluteTimeoutMs / 1000 && seconds > absoluteTimeoutMs / 1000 - 120, maxAge);
    assert.equal(response.getHeader('cache-control'), 'no-store');
  });

  it('has the name and the SameSite that are asked for', () => {
    const response = newResponse();
    new SessionCookie({ name: 'app', sameSite: 'strict' }).clear(response);
    assert.deepEqual(cookiesOf(response), ['__Host-app=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict']);
  });

  it('is sent once, the last one, beside those of others', async () => {
    const response = newResponse();
    response.setHeader('set-cookie', 'theme=dark');
    cookie.clear(response);
    cookie.set(response, await parts.authority.createSession({ userId: 'alice', tokenMode: 'opaque' }));
    const [theme, mine, ...more] = cookiesOf(response);
    assert.deepEqual([theme, mine?.startsWith('__Host-session=sas_'), more], ['theme=dark', true, []]);
  });

  it('does not take a token pair', async () => {
    const pair = await parts.authority.createSession({ userId: 'alice' });
    assert.throws(() => cookie.set(newResponse(), pair), /tokenMode opaque/);
  });

  it('is read among others, and not where there are several', () => {
    const read = (header?: string) => cookie.read({ headers: header === undefined ? {} : { cookie: header } });
    assert.equal(read('a=b; __Host-session=sas_1;c=d'), 'sas_1');
    for (const none of [undefined, '', 'a=b', '__host-session=x', 'x__Host-session=x', 'session=x', '__Host-session']) {
      assert.equal(read(none), null, none);
    }
    for (const several of ['__Host-session=a; __Host-session=b', '__Host-session=a;a=b; __Host-session=a']) {
      assert.throws(
        () => read(several),
        (error) => error instanceof VerificationError && error.reason === 'invalid',
      );
    }
  });

  it('rotates an anonymous session at login, and carries its data over', async () => {
    const [before, after] = [await begin(), newResponse()];
    const anonymous = await verify(before);
    const { sessionId } = await cookie.login(parts.authority, requestOf(before), after, {
      userId: 'bob',
      amr: ['pwd'],
    });
    const { userId, amr, ...verified } = await verify(after);
    assert.deepEqual([userId, amr, verified.sessionId], ['bob', ['pwd'], sessionId]);
    assert.notEqual(sessionId, anonymous.sessionId);
    const { data } = await parts.authority.getSession({ session: { sessionId }, view: 'full' });
    assert.deepEqual(data, { cart: ['tea'] });
    await assert.rejects(verify(before), isRevoked);
  });

  it('renews the token of a user who logs in again, and when that was', async () => {
    const [before, after] = [await begin('bob'), newResponse()];
    await cookie.login(parts.authority, requestOf(before), after, { userId: 'bob' });
    const { userId, authTime } = await verify(after);
    assert.equal(userId, 'bob');
    assert.ok(authTime.getTime() > Date.now() - 60_000, authTime.toISOString());
    await assert.rejects(verify(before), isRevoked);
  });

  it("ends another user's session at login, and carries nothing over", async () => {
    const [before, after] = [await begin('mallory'), newResponse()];
    const { sessionId } = await cookie.login(parts.authority, requestOf(before), after, { userId: 'bob' });
    assert.equal((await verify(after)).userId, 'bob');
    const { data } = await parts.authority.getSession({ session: { sessionId }, view: 'full' });
    assert.deepEqual(data, {});
    await assert.rejects(verify(before), isRevoked);
  });

  it('begins a session at login where there is none, or none any more', async () => {
    const ended = await begin();
    await parts.authority.revokeSession({ session: { sessionToken: cookie.read(requestOf(ended)) ?? '' } });
    const forged = { headers: { cookie: `${cookie.name}=sas_forged` } };
    for (const request of [{ headers: {} }, requestOf(ended), forged]) {
      const response = newResponse();
      await cookie.login(parts.authority, request, response, { userId: 'bob', clientId: 'web' });
      const { userId, clientId } = await verify(response);
      assert.deepEqual([userId, clientId], ['bob', 'web']);
    }
  });

  it('leaves browser and session as they are where a login is refused', async () => {
    const [before, after] = [await begin(), newResponse()];
    await parts.authority.revokeSessions({ userId: 'eve', denyCreateUntilTime: new Date(Date.now() + 3_600_000) });
    await assert.rejects(
      cookie.login(parts.authority, requestOf(before), after, { userId: 'eve' }),
      (error) => error instanceof SessionError && error.code === 'USER_BLOCKED',
    );
    assert.deepEqual(cookiesOf(after), []);
    assert.equal((await verify(before)).userId, '');
  });

  describe('isFromOwnSite', () => {
    const allowing = new SessionCookie({ allowedOrigins: ['https://friend.example'] });
    const held = { host: 'app.example', cookie: '__Host-session=x' };
    const SAME = { 'sec-fetch-site': 'same-origin' };
    const CASES: readonly (readonly [method: string, headers: Record<string, string>, answer: boolean])[] = [
      ['GET', { 'sec-fetch-site': 'cross-site' }, true],
      ['HEAD', {}, true],
      ['OPTIONS', { origin: 'https://evil.example' }, true],
      ['GET', { upgrade: 'websocket', origin: 'https://app.example' }, true],
      ['GET', { upgrade: 'WebSocket', origin: 'https://evil.example' }, false],
      ['GET', { upgrade: 'websocket' }, false],
      ['POST', {}, false],
      ['PUT', {}, false],
      ['DELETE', {}, false],
      ['get', {}, false],
      ['POST', SAME, true],
      ['POST', { 'sec-fetch-site': 'none' }, true],
      ['POST', { 'sec-fetch-site': 'same-site' }, false],
      ['POST', { 'sec-fetch-site': 'cross-site' }, false],
      ['POST', { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' }, false],
      ['POST', { 'sec-fetch-site': 'cross-site', origin: 'https://friend.example' }, true],
      ['POST', { origin: 'https://app.example' }, true],
      ['POST', { origin: 'http://app.example' }, false],
      ['POST', { origin: 'https://app.example:8443' }, false],
      ['POST', { origin: 'https://app.example.evil.example' }, false],
      ['POST', { origin: 'https://friend.example' }, true],
      ['POST', { origin: 'https://sub.friend.example' }, false],
      ['POST', { origin: 'null' }, false],
      ['POST', { host: 'localhost:8000', origin: 'http://localhost:8000' }, true],
      ['POST', { host: 'localhost:8000', origin: 'https://localhost:8000' }, true],
      ['POST', { host: 'localhost:8000', origin: 'http://localhost:9000' }, false],
      ['POST', { host: 'localhost.evil.example', origin: 'http://localhost.evil.example' }, false],
    ];

    for (const [method, headers, answer] of CASES) {
      it(`${answer ? 'passes' : 'refuses'} ${method} with ${JSON.stringify(headers)}`, () => {
        assert.equal(allowing.isFromOwnSite({ method, headers: { ...held, ...headers } }), answer);
      });
    }

    it('passes without a cookie what no browser sends, and refuses a forged login', () => {
      assert.equal(allowing.isFromOwnSite({ method: 'POST', headers: { host: 'app.example' } }), true);
      assert.equal(allowing.isFromOwnSite({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }), false);
    });

    it('takes no origin that browsers would not write so', () => {
      for (const origin of ['friend.example', 'https://friend.example/', 'https://Friend.example', 'null', '*']) {
        assert.throws(() => new SessionCookie({ allowedOrigins: [origin] }), /allowedOrigins/, origin);
      }
    });
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import {
  type RevokedEvent,
  SessionAuthorityClient,
  SessionVerifier,
  type SessionVerifierOptions,
  VerificationError,
  type VerificationReason,
  type VerifiedSession,
  type VerifierState,
  type VerifyOptions,
} from '../../src/client/index.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { accessToken, sessionId } from './core_bench.ts';
import { GrpcProxy } from './grpc_proxy.ts';
import { ScriptedService, until } from './scripted_service.ts';

const OF_THE_SERVICE = { issuer: 'http://127.0.0.1:8080', audience: 'session-authority' };

describe('SessionVerifier', function () {
  this.timeout(120_000);
  let server: TestServer;
  let proxy: GrpcProxy;
  let authority: SessionAuthorityClient;
  let verifier: SessionVerifier;
  const clients: SessionAuthorityClient[] = [];

  beforeEach(async () => {
    server = await startTestServer('sqlite');
    proxy = await GrpcProxy.start(server.grpcPort);
    authority = new SessionAuthorityClient({ target: `127.0.0.1:${server.grpcPort}` });
    clients.push(authority);
  });

  afterEach(async () => {
    verifier.close();
    for (const client of clients.splice(0)) client.close();
    proxy.stop();
    await server.stop();
  });

  /** By the proxy, which counts; all else goes to the service itself. */
  const verify = (token: string, options?: VerifyOptions) => verifier.verify(token, options);
  const start = (options: Partial<SessionVerifierOptions> = {}) => {
    const counted = new SessionAuthorityClient({ target: `127.0.0.1:${proxy.port}` });
    verifier = new SessionVerifier({ ...OF_THE_SERVICE, authority: counted, ...options });
    clients.push(counted);
    return verifier.ready();
  };
  const login = async (userId: string) => {
    const { session, tokens } = await authority.createSession({ userId, claims: { role: 'admin' } });
    return { session, token: tokens.accessToken };
  };
  const loginOpaque = async (userId: string) => {
    const { session, tokens } = await authority.createSession({
      userId,
      claims: { role: 'admin' },
      tokenMode: 'opaque',
    });
    return { session, token: tokens.sessionToken };
  };
  const said = async (token: string, options?: VerifyOptions) => {
    try {
      return (await verify(token, options)).decidedBy;
    } catch (error) {
      if (error instanceof VerificationError) return error.reason;
      throw error;
    }
  };
  const refused = (token: string, reason: VerificationReason) =>
    assert.rejects(verify(token), (error) => error instanceof VerificationError && error.reason === reason);
  const revoked = (session: VerifiedSession) => new Promise<void>((resolve) => void verifier.watch(session, resolve));

  it('knows of a revocation, though nobody is asked of an access token', async () => {
    await start();
    const { session, token } = await login('alice');
    const verified = await verify(token);
    const { sessionId: id, tenantId, userId, clientId, claims, authTime, decidedBy } = verified;
    assert.deepEqual(
      [id, tenantId, userId, clientId, claims, authTime.getTime(), decidedBy],
      [
        session.sessionId,
        '',
        'alice',
        'default',
        { role: 'admin' },
        Math.floor(session.authTime.getTime() / 1000) * 1000,
        'local',
      ],
    );
    assert.equal(verifier.isRevoked(verified), false);
    const told = revoked(verified);
    await authority.revokeSession({ session: { sessionId: session.sessionId } });
    await told;
    assert.equal(verifier.isRevoked(verified), true);
    await refused(token, 'revoked');
    assert.deepEqual(proxy.asked, []);
  });

  it('asks once of a session token, and knows of its revocation', async () => {
    await start();
    const { token } = await loginOpaque('alice');
    assert.deepEqual([await said(token), await said(token), await said(token)], ['service', 'local', 'local']);
    const verified = await verify(token);
    assert.deepEqual([verified.userId, verified.claims], ['alice', { role: 'admin' }]);
    const told = revoked(verified);
    await authority.revokeSessions({ userId: 'alice' });
    await told;
    await refused(token, 'revoked');
    assert.deepEqual(proxy.asked, [token, token]);
    const anonymous = await authority.createSession({ tokenMode: 'opaque' });
    assert.equal((await verify(anonymous.tokens.sessionToken)).userId, '');
  });

  it('says the same of both kinds of tokens', async () => {
    await start();
    const request = {
      userId: 'alice',
      tenantId: 'acme',
      clientId: 'web',
      claims: { role: 'admin', list: [1, { deep: true }] },
      acr: 'high',
      amr: ['pwd', 'otp'],
      authTime: new Date(Date.now() - 60_000),
      actor: { userId: 'bob', tenantId: 'acme', reason: 'support' },
    } as const;
    const pair = await authority.createSession(request);
    const opaque = await authority.createSession({ ...request, tokenMode: 'opaque' });
    // A token counts in seconds.
    const comparable = ({ authTime, ...session }: VerifiedSession) => ({
      ...session,
      authTimeS: Math.floor(authTime.getTime() / 1000),
      sessionId: '',
      expireTime: '',
      decidedBy: '',
    });
    const one = await verify(pair.tokens.accessToken);
    const other = await verify(opaque.tokens.sessionToken);
    assert.deepEqual(comparable(one), comparable(other));
    assert.deepEqual(one.actor, { userId: 'bob', tenantId: 'acme' });
    assert.deepEqual([one.acr, one.amr, one.tenantId], ['high', ['pwd', 'otp'], 'acme']);
  });

  it('tells a superseded token from a revoked one, and asks for claims that have changed', async () => {
    await start();
    const { session, token } = await login('alice');
    const { session: opaqueSession, token: opaque } = await loginOpaque('alice');
    await verify(token);
    await verify(opaque);
    for (const handle of [session, opaqueSession]) {
      await authority.updateSession({
        session: { sessionId: handle.sessionId },
        mergeClaims: { role: 'guest' },
        supersedeAccessTokens: true,
      });
    }
    await until(() => verifier.state.revocations === 2);
    await refused(token, 'superseded');
    assert.deepEqual((await verify(opaque)).claims, { role: 'guest' });
    assert.equal(await said(opaque), 'local');
  });

  it('refuses what is of another issuer or for another audience, and what is nonsense', async () => {
    await start({ audience: 'other' });
    const { token } = await login('alice');
    const { token: opaque } = await loginOpaque('alice');
    await refused(token, 'invalid');
    await refused(opaque, 'invalid');
    await refused('nonsense', 'invalid');
    verifier.close();
    await start({ issuer: 'https://other.example' });
    await refused(token, 'invalid');
    assert.equal(await said(opaque), 'service');
  });

  it('looks for a key that it does not know, and a flood of them costs no more', async () => {
    await start();
    const before = proxy.keyRequests;
    const begin = performance.now();
    const identity = {
      sessionId: sessionId(1),
      tenantId: '',
      subject: 'eve',
      clientId: 'web',
      generations: [1, 1, 1, 1],
      version: 1,
    } as const;
    const forged = Array.from({ length: 300 }, (_, index) => accessToken({ ...identity, kid: `forged-${index % 10}` }));
    assert.deepEqual(new Set(await Promise.all(forged.map((token) => said(token)))), new Set(['invalid']));
    assert(proxy.keyRequests - before <= 1 + (performance.now() - begin) / 1000);
    assert.deepEqual(proxy.asked, []);
  });

  it('reads a token of a key that it has never seen when it is told of it, and says where it can not', async () => {
    const keys = new SessionAuthorityClient({ target: `127.0.0.1:${server.grpcPort}` });
    let isServed = false;
    const late = {
      getJwks: () => (isServed ? keys.getJwks() : Promise.reject(new Error('not yet'))),
      validateSession: keys.validateSession.bind(keys),
      watchRevocations: keys.watchRevocations.bind(keys),
    };
    verifier = new SessionVerifier({ ...OF_THE_SERVICE, authority: late });
    await assert.rejects(verifier.ready({ timeoutMs: 300 }), /not ready, the public keys have not come/);
    const { token } = await login('alice');
    await refused(token, 'unavailable');
    isServed = true;
    await verifier.ready();
    await until(() => verifier.state.freshness === 'fresh');
    assert.equal(await said(token), 'local');
    keys.close();
  });

  it('makes one call for each token, however many ask at once', async () => {
    await start();
    const logins = await Promise.all(Array.from({ length: 10 }, (_, index) => login(`user-${index}`)));
    const tokens = logins.map(({ token }) => token);
    const calls = tokens.flatMap((token) => Array.from({ length: 100 }, () => said(token, { freshMs: -1 })));
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['service']));
    assert.deepEqual(proxy.asked.toSorted(), tokens.toSorted());
    const { token } = await loginOpaque('alice');
    const others = Array.from({ length: 1000 }, () => said(token));
    assert.deepEqual(new Set(await Promise.all(others)), new Set(['service']));
    assert.equal(proxy.asked.length, 11);
  });

  it('asks of few tokens at once, and waits for no service that hangs', async () => {
    await start();
    const tokens = await Promise.all(Array.from({ length: 150 }, (_, index) => login(`user-${index}`)));
    for (const { token } of tokens) await verify(token);
    proxy.isHanging = true;
    const calls = tokens.map(({ token }) => said(token, { freshMs: -1, maxStaleMs: 600_000 }));
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['local_stale']));
    assert(proxy.mostAtOnce <= 64, `${proxy.mostAtOnce} at once`);
  });

  it('goes on while the service is gone, as far as its view is fresh enough, and comes back with it', async () => {
    const bounds = { freshMs: 3_000, maxStaleMs: 8_000 };
    await start(bounds);
    const states: VerifierState['freshness'][] = [];
    verifier.on('state', ({ freshness }) => states.push(freshness));
    const { token } = await login('alice');
    const { token: opaque } = await loginOpaque('alice');
    await Promise.all([verify(token), verify(opaque)]);
    await server.halt();
    // What is said must be right for the view's age before or after the call: time passes in it.
    const right = { fresh: 'local', stale: 'local_stale', expired: 'unavailable', unsynced: 'unavailable' } as const;
    const heard = new Set<string>();
    while (heard.size < 3) {
      for (const credential of [token, opaque]) {
        const before = right[verifier.state.freshness];
        const word = await said(credential);
        assert([before, right[verifier.state.freshness]].includes(word as typeof before), `${word}, was ${before}`);
        heard.add(word);
      }
      await turn();
    }
    assert.deepEqual([...heard], ['local', 'local_stale', 'unavailable']);
    await until(() => states.length === 2);
    assert.deepEqual(states, ['stale', 'expired']);

    await server.start();
    proxy.retarget(server.grpcPort);
    await once(verifier, 'state');
    assert.deepEqual([verifier.state.freshness, await said(token)], ['fresh', 'local']);
    assert.equal(await said(opaque), 'local');
  });

  it('asks the service at once where it has not heard of revocations yet', async () => {
    const watch = await ScriptedService.start();
    const silent = new SessionAuthorityClient({ target: `127.0.0.1:${watch.port}` });
    verifier = new SessionVerifier({
      ...OF_THE_SERVICE,
      authority: {
        getJwks: authority.getJwks.bind(authority),
        validateSession: authority.validateSession.bind(authority),
        watchRevocations: silent.watchRevocations.bind(silent),
      },
    });
    await assert.rejects(verifier.ready({ timeoutMs: 300 }), /not ready, the revocations have not come/);
    const { token } = await login('alice');
    assert.equal(verifier.state.freshness, 'unsynced');
    assert.equal(await said(token), 'service');
    silent.close();
    await watch.stop();
  });

  it('says that it is refused, and tries again', async () => {
    const watch = await ScriptedService.start();
    const strict = new SessionAuthorityClient({ target: `127.0.0.1:${watch.port}` });
    verifier = new SessionVerifier({
      ...OF_THE_SERVICE,
      authority: {
        getJwks: authority.getJwks.bind(authority),
        validateSession: authority.validateSession.bind(authority),
        watchRevocations: strict.watchRevocations.bind(strict),
      },
    });
    const refusal = assert.rejects(verifier.ready(), /the revocations have not come: PERMISSION_DENIED/);
    (await watch.next()).refuse(status.PERMISSION_DENIED, 'CALLER_NOT_ALLOWED');
    await refusal;
    const second = await watch.next();
    const heartbeat = { seconds: 1, nanos: 0 };
    second.send({ opened: { start: 'START_RESUMED', heartbeat } });
    second.send({ checkpoint: { cursor: Buffer.from('c1'), staleness: { seconds: 0, nanos: 0 } } });
    await until(() => verifier.state.freshness === 'fresh');
    await verifier.ready();
    const { token } = await login('alice');
    assert.deepEqual([await said(token), verifier.state.fault], ['local', null]);

    // Its service token is being replaced.
    second.refuse(status.UNAUTHENTICATED, 'CALLER_UNKNOWN');
    for (const _ of [1, 2]) {
      await until(() => verifier.state.fault === 'UNAUTHENTICATED: as the script says');
      (await watch.next()).refuse(status.UNAUTHENTICATED, 'CALLER_UNKNOWN');
    }
    const last = await watch.next();
    // What was proven goes on ageing, and counts for no more than it is worth.
    const { ageMs } = verifier.state;
    assert(ageMs > 1_000 && ageMs < 600_000, `${ageMs}`);
    assert.equal(await said(token, { freshMs: 600_000, maxStaleMs: 600_000 }), 'local');
    assert.equal(await said(token, { freshMs: 1_000, maxStaleMs: 1_000 }), 'service');
    last.send({ opened: { start: 'START_SNAPSHOT', heartbeat } });
    last.send({ snapshotChunk: { complete: true, cursor: Buffer.from('c2') } });
    await until(() => {
      last.send({ checkpoint: { cursor: Buffer.from('c2'), staleness: { seconds: 0, nanos: 0 } } });
      return verifier.state.ageMs < 1_000;
    });
    assert.deepEqual([await said(token, { freshMs: 60_000 }), verifier.state.fault], ['local', null]);
    strict.close();
    await watch.stop();
  });

  it('refuses a token that lives longer than the service lets any', async () => {
    const watch = await ScriptedService.start();
    const own = new SessionAuthorityClient({ target: `127.0.0.1:${watch.port}` });
    verifier = new SessionVerifier({
      ...OF_THE_SERVICE,
      authority: {
        getJwks: authority.getJwks.bind(authority),
        validateSession: authority.validateSession.bind(authority),
        watchRevocations: own.watchRevocations.bind(own),
      },
    });
    const stream = await watch.next();
    const { token } = await login('alice');
    for (const [seconds, word] of [
      [599, 'invalid'],
      [600, 'service'],
    ] as const) {
      stream.send({ opened: { start: 'START_SNAPSHOT', maxAccessTokenTtl: { seconds, nanos: 0 } } });
      while ((await said(token)) !== word) await turn();
    }
    own.close();
    await watch.stop();
  });

  it('accepts no token of a withdrawn key, though the service still tells of it, and looks for the next', async () => {
    const watch = await ScriptedService.start();
    const own = new SessionAuthorityClient({ target: `127.0.0.1:${watch.port}` });
    let fetches = 0;
    verifier = new SessionVerifier({
      ...OF_THE_SERVICE,
      authority: {
        getJwks: () => {
          fetches += 1;
          return authority.getJwks();
        },
        validateSession: authority.validateSession.bind(authority),
        watchRevocations: own.watchRevocations.bind(own),
      },
    });
    const stream = await watch.next();
    const { token } = await login('alice');
    const [key] = (await authority.getJwks()).keys;
    stream.send({ opened: { start: 'START_RESUMED' } });
    stream.send({ checkpoint: { cursor: Buffer.from('c1'), staleness: { seconds: 0, nanos: 0 } } });
    await verifier.ready();
    assert.equal(await said(token), 'local');
    stream.send({ batch: { revocations: [{ key: { kid: key?.kid ?? '' } }], cursor: Buffer.from('c2') } });
    await until(() => fetches === 2);
    await until(() => verifier.state.revocations === 1);
    await refused(token, 'revoked');
    own.close();
    await watch.stop();
  });

  it('tells of each revocation, and which sessions it ends', async () => {
    await start();
    const alice = await verify((await login('alice')).token);
    const bob = await verify((await login('bob')).token);
    const events: RevokedEvent[] = [];
    verifier.on('revoked', (event) => events.push(event));
    await authority.revokeSessions({ userId: 'alice' });
    await until(() => events.length > 0);
    await authority.revokeSessions({ wholeTenant: true });
    await until(() => events.length > 1);
    const told = events.map(({ revocation, ends }) => [revocation.scope.kind, ends(alice), ends(bob)]);
    assert.deepEqual(told, [
      ['user', true, false],
      ['tenant', true, true],
    ]);
    assert.equal(events[0]?.revocation.reason, 'admin');
  });

  it('tells how it stands', async () => {
    await start();
    const { ageMs, ...state } = verifier.state;
    assert(ageMs >= 0 && ageMs < 60_000);
    assert.deepEqual(state, { freshness: 'fresh', fault: null, isUnderstood: true, revocations: 0, keys: 1 });
  });

  it('accepts nothing when it is closed, and has let go of everything', async () => {
    await start();
    const { token } = await login('alice');
    const session = await verify(token);
    let calls = 0;
    verifier.watch(session, () => (calls += 1));
    verifier.on('state', () => (calls += 1));
    proxy.isHanging = true;
    const asked = refused((await loginOpaque('alice')).token, 'unavailable');
    const unready = new SessionVerifier({ ...OF_THE_SERVICE, authority });
    const waiting = assert.rejects(unready.ready(), /closed/);
    unready.close();
    await until(() => proxy.asked.length > 0);
    verifier.close();
    verifier.close();
    await Promise.all([asked, waiting]);
    await until(() => proxy.streams === 0);
    await refused(token, 'unavailable');
    await assert.rejects(verifier.ready(), /closed/);
    assert.equal(verifier.listenerCount('state'), 0);
    assert.equal(calls, 0);
  });
});

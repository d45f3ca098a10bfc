import assert from 'node:assert/strict';
import { startTestServer, type TestServer } from '../harness.ts';
import { encode, type Request, RPCS, type UnaryRpc } from './client.ts';
import { deleteSession, dump, withoutSessions } from './database.ts';
import {
  assertRefused,
  assertVerdict,
  CONSISTENCIES,
  inParallel,
  open,
  type Opened,
  refresh,
  refusalOf,
  seconds,
  verdict,
} from './expect.ts';
import { forgedAccessTokens, forgedTokens, MALFORMED } from './forge.ts';

const ACME = { tenantId: 'acme', userId: 'ann', clientId: 'web', audiences: ['api'], claims: { fields: {} } };
const OPAQUE = { ...ACME, tokenMode: 'TOKEN_MODE_OPAQUE' } as const;

describe('credentials that prove nothing', () => {
  let server: TestServer;
  let foreign: TestServer;
  let pair: Opened;
  let opaque: Opened;
  let purged: Opened;
  let purgedOpaque: Opened;
  before(async () => {
    server = await startTestServer('sqlite');
    foreign = await startTestServer('sqlite');
    [pair, opaque, purged, purgedOpaque] = await Promise.all([
      open(server.client, ACME),
      open(server.client, OPAQUE),
      open(server.client, ACME),
      open(server.client, OPAQUE),
    ]);
    for (const { session } of [purged, purgedOpaque]) await deleteSession(server.databasePath, session.sessionId);
  });
  after(async () => {
    await server.stop();
    await foreign.stop();
  });

  /** Every answer is the same, to the byte, and tells nothing but that the credential is invalid. */
  const assertInvalid = async (requests: readonly Request<'ValidateSession'>[]) => {
    const answers = await inParallel(requests, 50, (request) =>
      server.client.raw('ValidateSession', encode('ValidateSession', request)),
    );
    assert.equal(new Set(answers.map((answer) => answer.toString('hex'))).size, 1);
    const { inactiveReason, amr, ...rest } = RPCS.ValidateSession.responseDeserialize(answers[0] ?? Buffer.alloc(0));
    assert.equal(inactiveReason, 'INACTIVE_REASON_INVALID');
    assert.deepEqual([...amr, ...Object.values(rest).filter(Boolean)], []);
  };

  it('look alike as access tokens, byte by byte', async () => {
    const { accessToken } = pair.tokens;
    const foreigner = await open(foreign.client, ACME);
    const bad = [
      ...MALFORMED,
      ...forgedAccessTokens(accessToken),
      foreigner.tokens.accessToken,
      pair.tokens.refreshToken,
    ];
    for (const consistency of CONSISTENCIES) {
      const full = {
        consistency,
        includeClaims: true,
        includeSession: true,
        view: 'SESSION_VIEW_FULL',
        device: { userAgent: 'x' },
      } as const;
      const requests = [
        ...bad.map((token) => ({ accessToken: token, consistency })),
        ...bad.map((token) => ({ accessToken: token, ...full })),
        { accessToken, consistency, tenantId: 'other' },
        { accessToken, consistency, tenantId: '' },
        { accessToken, consistency, audience: 'other' },
        { accessToken, ...full, tenantId: 'other' },
      ];
      await assertInvalid(requests);
    }
    const unknown = { accessToken: purged.tokens.accessToken, consistency: 'CONSISTENCY_STRONG' } as const;
    await assertInvalid([unknown]);
    await assertVerdict(server.client, accessToken, 'ACTIVE');
  });

  it('look alike as session tokens, byte by byte', async () => {
    const { sessionToken } = opaque.tokens;
    const foreigner = await open(foreign.client, OPAQUE);
    const bad = [
      ...MALFORMED,
      ...forgedTokens(sessionToken),
      foreigner.tokens.sessionToken,
      purgedOpaque.tokens.sessionToken,
      pair.tokens.refreshToken,
      pair.tokens.accessToken,
    ];
    for (const consistency of CONSISTENCIES) {
      const full = {
        consistency,
        includeClaims: true,
        includeSession: true,
        view: 'SESSION_VIEW_FULL',
        device: { userAgent: 'x' },
      } as const;
      const requests = [
        ...bad.map((token) => ({ sessionToken: token, consistency })),
        ...bad.map((token) => ({ sessionToken: token, ...full })),
        { sessionToken, consistency, tenantId: 'other' },
        { sessionToken, consistency, tenantId: '' },
        { sessionToken, consistency, audience: 'other' },
        { sessionToken, ...full, tenantId: 'other' },
      ];
      await assertInvalid(requests);
    }
    assert.equal(await verdict(server.client, { sessionToken }), 'ACTIVE');
  });

  /** The distinct refusals: status, message and every trailer. */
  const refusals = async <R extends UnaryRpc>(rpc: R, requests: readonly Request<R>[]) => {
    const errors = await inParallel(requests, 50, (request) => refusalOf(server.client.call(rpc, request)));
    return new Set(errors.map((error) => `${error.status} ${error.reason} ${error.message} ${error.trailers}`));
  };

  it('look alike to RefreshSession, expired and revoked ones too', async () => {
    const foreigner = await open(foreign.client, ACME);
    const revoked = await open(server.client, ACME);
    const revokedSession = { tenantId: 'acme', session: { sessionId: revoked.session.sessionId } };
    await server.client.call('RevokeSession', revokedSession);
    const expired = await open(server.client, { ...ACME, absoluteTimeout: seconds(1) });
    server.advance(2000);
    const { refreshToken } = pair.tokens;
    const bad = [
      ...MALFORMED.filter((token) => token !== ''),
      ...forgedTokens(refreshToken),
      foreigner.tokens.refreshToken,
      purged.tokens.refreshToken,
      revoked.tokens.refreshToken,
      expired.tokens.refreshToken,
      opaque.tokens.sessionToken,
      pair.tokens.accessToken,
    ];
    const distinct = await refusals('RefreshSession', [
      ...bad.map((token) => ({ refreshToken: token })),
      ...bad.map((token) => ({ refreshToken: token, tenantId: 'acme', claims: { fields: {} } })),
      { refreshToken, tenantId: 'other' },
      { refreshToken, tenantId: '' },
      { refreshToken, clientId: 'other' },
    ]);
    assert.equal(distinct.size, 1, [...distinct].join('\n'));
    assert.match([...distinct][0] ?? '', /^FAILED_PRECONDITION REFRESH_TOKEN_INVALID /);
  });

  it('look alike to GetSession, UpdateSession and RotateSession: no such session', async () => {
    const foreigner = await open(foreign.client, ACME);
    const tokensOf = ({ tokens, session }: Opened) => [
      { sessionId: session.sessionId },
      ...(tokens.refreshToken === '' ? [{ sessionToken: tokens.sessionToken }] : []),
      ...(tokens.refreshToken === ''
        ? []
        : [{ refreshToken: tokens.refreshToken }, { accessToken: tokens.accessToken }]),
    ];
    const bad = [
      ...[purged, purgedOpaque, foreigner].flatMap(tokensOf),
      ...MALFORMED.flatMap((token) => [{ sessionToken: token }, { refreshToken: token }, { accessToken: token }]),
      ...forgedTokens(opaque.tokens.sessionToken).map((sessionToken) => ({ sessionToken })),
      ...forgedTokens(pair.tokens.refreshToken).map((refreshToken) => ({ refreshToken })),
      ...forgedAccessTokens(pair.tokens.accessToken).map((accessToken) => ({ accessToken })),
      { sessionId: '00000000-0000-7000-8000-000000000000' },
      { refreshToken: opaque.tokens.sessionToken },
      { sessionToken: pair.tokens.refreshToken },
    ];
    const requests = [
      ...bad.map((session) => ({ tenantId: 'acme', session })),
      ...[...tokensOf(pair), ...tokensOf(opaque)].flatMap((session) => [{ session }, { session, tenantId: 'other' }]),
    ];
    for (const rpc of ['GetSession', 'UpdateSession', 'RotateSession'] as const) {
      const distinct = await refusals(rpc, requests);
      assert.equal(distinct.size, 1, [...distinct].join('\n'));
      assert.match([...distinct][0] ?? '', /^NOT_FOUND SESSION_NOT_FOUND /);
    }
    for (const request of requests) {
      const { revoked, consistencyToken } = await server.client.call('RevokeSession', request);
      assert.deepEqual([revoked, consistencyToken.length], [false, 0]);
    }
    await assertVerdict(server.client, pair.tokens.accessToken, 'ACTIVE');
    assert.equal(await verdict(server.client, opaque.tokens), 'ACTIVE');
  });

  it('cost the store nothing and change nothing, though they name a real session', async () => {
    const { client, databasePath } = server;
    const next = await refresh(client, pair.tokens.refreshToken);
    const before = await dump(databasePath);
    const unavailable = { status: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' };
    const invalid = { status: 'FAILED_PRECONDITION', reason: 'REFRESH_TOKEN_INVALID' };
    await withoutSessions(databasePath, async () => {
      // A genuine token needs the store, and notices that it is not there.
      await assertRefused(client.call('RefreshSession', { refreshToken: next.tokens.refreshToken }), unavailable);
      for (const refreshToken of forgedTokens(next.tokens.refreshToken)) {
        await assertRefused(client.call('RefreshSession', { refreshToken }), invalid);
        const { revoked } = await client.call('RevokeSession', { tenantId: 'acme', session: { refreshToken } });
        assert.equal(revoked, false);
      }
      for (const sessionToken of forgedTokens(opaque.tokens.sessionToken)) {
        assert.equal(await verdict(client, { sessionToken }, 'CONSISTENCY_STRONG'), 'INVALID');
      }
    });
    assert.equal(await dump(databasePath), before);
    await refresh(client, next.tokens.refreshToken);
  });
});

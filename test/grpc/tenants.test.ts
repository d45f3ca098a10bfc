import assert from 'node:assert/strict';
import { onEachStore } from '../harness.ts';
import { callersFile, type Identity, identity } from './identities.ts';
import { type Request, RpcError, SessionClient, UNARY_RPCS, type UnaryRpc } from './client.ts';
import { fullSession, open, type Opened, present } from './expect.ts';
import { forgedTokens } from './forge.ts';

const OWNER = identity('owner', ['admin'], ['acme']);
const EVERYWHERE = identity('everywhere', ['admin']);
/** Callers to whom acme is foreign. */
const FOREIGNERS = [
  identity('neighbour', ['admin'], ['beta']),
  identity('landlord', ['admin'], ['beta', 'gamma', 'acme2']),
  identity('nameless', ['admin'], ['']),
];
const FILE = callersFile([OWNER, EVERYWHERE, ...FOREIGNERS]);

/** All by which a tenant's sessions can be named, or something that names nothing. */
interface Names {
  readonly sessionId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionToken: string;
  readonly pageToken: string;
  readonly consistencyToken: Uint8Array;
}

type Requests<R extends UnaryRpc> = (names: Names, tenantId: string) => readonly Request<R>[];

/** Every way in which an RPC can be led to a session. */
const REQUESTS: { readonly [R in UnaryRpc]: Requests<R> } = {
  CreateSession: (_, tenantId) => [{ tenantId, userId: 'ann' }, { tenantId }],
  RefreshSession: ({ refreshToken, sessionToken }, tenantId) => [
    { refreshToken },
    { refreshToken, tenantId },
    { refreshToken, clientId: 'web' },
    { refreshToken: sessionToken },
  ],
  ValidateSession: (names, tenantId) => validations(names, tenantId),
  BatchValidateSessions: (names, tenantId) => [
    { requests: validations(names, tenantId).filter(({ consistencyToken }) => consistencyToken === undefined) },
  ],
  GetSession: (names, tenantId) => handles(names).map((session) => ({ tenantId, session, view: 'SESSION_VIEW_FULL' })),
  ListSessions: ({ pageToken }, tenantId) => [
    { tenantId, userId: 'ann' },
    { tenantId, userId: 'ann', pageSize: 1, pageToken },
  ],
  UpdateSession: (names, tenantId) => handles(names).map((session) => ({ tenantId, session, deviceName: 'changed' })),
  RotateSession: (names, tenantId) => handles(names).map((session) => ({ tenantId, session })),
  RevokeSession: (names, tenantId) => handles(names).map((session) => ({ tenantId, session })),
  RevokeSessions: (_, tenantId) => [
    { tenantId, userId: 'ann' },
    { tenantId, userId: 'ann', dryRun: true },
    { tenantId, clientId: 'web' },
    { tenantId, wholeTenant: true },
  ],
  GetJwks: () => [{}],
};

function validations(names: Names, tenantId: string): Request<'ValidateSession'>[] {
  const { accessToken, sessionToken, consistencyToken } = names;
  const all = { includeClaims: true, includeSession: true, view: 'SESSION_VIEW_FULL' } as const;
  return [{ accessToken }, { sessionToken }].flatMap((credential) => [
    credential,
    { ...credential, tenantId },
    { ...credential, ...all },
    { ...credential, consistency: 'CONSISTENCY_STRONG' as const },
    { ...credential, consistencyToken },
  ]);
}

function handles({ sessionId, accessToken, refreshToken, sessionToken }: Names) {
  return [{ sessionId }, { accessToken }, { refreshToken }, { sessionToken }];
}

/** What one is told: the answer, or all of the refusal. */
async function outcome(client: SessionClient, rpc: UnaryRpc, request: Request<UnaryRpc>): Promise<unknown> {
  try {
    return await client.call(rpc, request);
  } catch (error) {
    assert(error instanceof RpcError);
    return { status: error.status, text: error.text, trailers: error.trailers };
  }
}

onEachStore(
  'another tenant',
  (server) => {
    const clients = new Map<string, SessionClient>();
    let pair: Opened;
    let spent: string;
    let opaque: Opened;
    let real: Names;
    let unknown: Names;

    const as = ({ name, token }: Identity) => {
      const client = clients.get(name) ?? new SessionClient(server().grpcPort, {}, token);
      clients.set(name, client);
      return client;
    };

    before(async () => {
      const owner = as(OWNER);
      const about = { tenantId: 'acme', userId: 'ann', clientId: 'web' };
      pair = await open(owner, about);
      spent = pair.tokens.refreshToken;
      opaque = await open(owner, { ...about, tokenMode: 'TOKEN_MODE_OPAQUE' });
      const { nextPageToken } = await owner.call('ListSessions', { tenantId: 'acme', userId: 'ann', pageSize: 1 });
      const { sessionId: gone } = (await open(owner, { ...about, userId: 'bob' })).session;
      const revoked = await owner.call('RevokeSession', { tenantId: 'acme', session: { sessionId: gone } });
      real = {
        sessionId: pair.session.sessionId,
        accessToken: pair.tokens.accessToken,
        refreshToken: pair.tokens.refreshToken,
        sessionToken: opaque.tokens.sessionToken,
        pageToken: nextPageToken,
        consistencyToken: revoked.consistencyToken,
      };
      assert(real.pageToken !== '' && real.consistencyToken.length > 0);
      unknown = {
        sessionId: '0190a5c0-0000-7000-8000-000000000001',
        accessToken: `${real.accessToken.slice(0, -8)}AAAAAAAA`,
        refreshToken: present(forgedTokens(real.refreshToken)[0]),
        sessionToken: present(forgedTokens(real.sessionToken)[0]),
        pageToken: Buffer.alloc(64).toString('base64url'),
        consistencyToken: Buffer.alloc(real.consistencyToken.length),
      };
    });
    after(() => {
      for (const client of clients.values()) client.close();
    });

    /** All that a caller of another tenant must not have changed. */
    const state = async () => {
      const owner = as(OWNER);
      const ids = [pair.session.sessionId, opaque.session.sessionId];
      const list = await owner.call('ListSessions', { tenantId: 'acme', userId: 'ann' });
      return JSON.stringify([list, await Promise.all(ids.map((id) => fullSession(owner, id, 'acme')))]);
    };

    for (const foreigner of FOREIGNERS) {
      for (const rpc of UNARY_RPCS) {
        it(`looks as if it held nothing to ${foreigner.name} in ${rpc}`, async () => {
          // A touch would show.
          server().advance(120_000);
          const before = await state();
          const home = present(foreigner.tenants[0]);
          for (const tenantId of ['acme', home]) {
            const ways = [real, unknown].map((names) => (REQUESTS[rpc] as Requests<UnaryRpc>)(names, tenantId));
            for (const [index, request] of present(ways[0]).entries()) {
              // What is of one's own tenant alone is not the same twice.
              if (['CreateSession', 'RevokeSessions'].includes(rpc) && tenantId === home) continue;
              const answers = [request, present(ways[1]?.[index])].map((asked) => outcome(as(foreigner), rpc, asked));
              const [toReal, toUnknown] = await Promise.all(answers);
              assert.deepEqual(toReal, toUnknown, `${rpc} ${index} in ${tenantId}`);
            }
          }
          assert.equal(await state(), before);
        });
      }
    }

    it('can neither be given sessions nor lose them', async () => {
      for (const foreigner of FOREIGNERS) {
        for (const rpc of ['CreateSession', 'RevokeSessions'] as const) {
          for (const request of REQUESTS[rpc](real, 'acme')) {
            const error = (await outcome(as(foreigner), rpc, request)) as { readonly status: string };
            assert.equal(error.status, 'PERMISSION_DENIED');
          }
        }
      }
      const denials = server()
        .audited()
        .filter(({ action, reason }) => action === 'denied' && reason === 'CALLER_NOT_ALLOWED');
      assert.deepEqual(new Set(denials.map(({ caller }) => caller)), new Set(FOREIGNERS.map(({ name }) => name)));
    });

    it('keeps a spent refresh token from being a weapon', async () => {
      const { tokens } = await open(as(OWNER), { tenantId: 'acme', userId: 'eve' });
      const { tokens: next } = present(await as(OWNER).call('RefreshSession', { refreshToken: tokens.refreshToken }));
      server().advance(60_000);
      for (const foreigner of FOREIGNERS) {
        const error = (await outcome(as(foreigner), 'RefreshSession', { refreshToken: tokens.refreshToken })) as {
          readonly text: string;
        };
        assert(error.text.includes('REFRESH_TOKEN_INVALID'), error.text);
      }
      await as(OWNER).call('RefreshSession', { refreshToken: present(next).refreshToken });
    });

    it('is all there to its own, and to whoever serves every tenant', async () => {
      for (const caller of [OWNER, EVERYWHERE]) {
        const client = as(caller);
        const { accessToken, sessionToken, consistencyToken, pageToken } = real;
        assert((await client.call('ValidateSession', { accessToken, consistencyToken })).active);
        assert((await client.call('ValidateSession', { sessionToken })).active);
        const page = { tenantId: 'acme', userId: 'ann', pageSize: 1, pageToken };
        assert.equal((await client.call('ListSessions', page)).sessions.length, 1);
        const refreshed = await client.call('RefreshSession', { refreshToken: spent });
        spent = present(refreshed.tokens).refreshToken;
      }
    });

    it('has request ids of its own, and so has each caller', async () => {
      const requestId = '0190a5c0-0000-7000-8000-00000000000a';
      const request = { tenantId: 'acme', userId: 'ann', requestId };
      const [first, again, other] = [
        await open(as(OWNER), request),
        await open(as(OWNER), request),
        await open(as(EVERYWHERE), request),
      ];
      assert.equal(first.session.sessionId, again.session.sessionId);
      assert.notEqual(first.session.sessionId, other.session.sessionId);
      const { refreshToken } = first.tokens;
      await as(OWNER).call('RefreshSession', { refreshToken, requestId });
      server().advance(60_000);
      // The owner's id is no proof that another caller lost an answer.
      const error = (await outcome(as(EVERYWHERE), 'RefreshSession', { refreshToken, requestId })) as {
        readonly text: string;
      };
      assert(error.text.includes('REFRESH_TOKEN_REUSED'), error.text);
    });
  },
  { CALLERS_FILE: FILE, ACCESS_TOKEN_TTL: '12h' },
);

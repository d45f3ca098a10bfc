import assert from 'node:assert/strict';
import type { KnownCaller } from '../../src/access/callers.ts';
import { admit } from '../../src/access/gate.ts';
import { costOf, type RequestOf, type Rpc, scopesNeeded } from '../../src/access/policy.ts';
import { CallerRates } from '../../src/access/rates.ts';
import { SCOPES, type Scope } from '../../src/access/scopes.ts';
import { SessionError } from '../../src/error.ts';
import { encode, type Request, RPCS } from '../grpc/client.ts';

/** A request as a handler gets it. */
function received<R extends Rpc>(rpc: R, request: Request<R>): RequestOf<R> {
  return RPCS[rpc].requestDeserialize(encode(rpc, request)) as RequestOf<R>;
}

const needs = <R extends Rpc>(rpc: R, request: Request<R> = {}) => scopesNeeded(rpc, received(rpc, request)).join(' ');

describe('the scopes that a request takes', () => {
  it('are one of its RPC, and none for public keys', () => {
    assert.equal(needs('CreateSession'), 'sessions.create');
    assert.equal(needs('RefreshSession', { refreshToken: 'x' }), 'sessions.refresh');
    assert.equal(needs('ValidateSession', { accessToken: 'x' }), 'sessions.validate');
    assert.equal(needs('BatchValidateSessions', { requests: [{ accessToken: 'x' }] }), 'sessions.validate');
    assert.equal(needs('GetSession', { session: { accessToken: 'x' } }), 'sessions.read');
    assert.equal(needs('ListSessions', { userId: 'x' }), 'sessions.read');
    assert.equal(needs('UpdateSession', { session: { refreshToken: 'x' } }), 'sessions.update');
    assert.equal(needs('RotateSession', { session: { sessionToken: 'x' } }), 'sessions.rotate');
    assert.equal(needs('RevokeSession', { session: { accessToken: 'x' } }), 'sessions.revoke');
    assert.equal(needs('RevokeSessions', { userId: 'x' }), 'sessions.revoke');
    assert.equal(needs('WatchRevocations'), 'revocations.watch');
    assert.equal(needs('GetJwks'), '');
  });

  it('are more where it asks for more', () => {
    const actor = { userId: 'support' };
    assert.equal(needs('CreateSession', { actor }), 'sessions.create sessions.impersonate');
    assert.equal(needs('CreateSession', { actor: {} }), 'sessions.create sessions.impersonate');
    assert.equal(needs('ValidateSession', { includeSession: true }), 'sessions.validate sessions.read');
    const requests = [{ accessToken: 'x' }, { accessToken: 'y', includeSession: true }];
    assert.equal(needs('BatchValidateSessions', { requests }), 'sessions.validate sessions.read');
    for (const [rpc, scope] of [
      ['GetSession', 'sessions.read'],
      ['UpdateSession', 'sessions.update'],
      ['RotateSession', 'sessions.rotate'],
      ['RevokeSession', 'sessions.revoke'],
    ] as const) {
      assert.equal(needs(rpc, { session: { sessionId: 'x' } }), `${scope} sessions.manage`);
      assert.equal(needs(rpc, { session: { sessionId: '' } }), `${scope} sessions.manage`, 'an empty id is one');
      assert.equal(needs(rpc, {}), scope);
    }
  });

  it('are those of an admin, for more than one user', () => {
    assert.equal(needs('RevokeSessions', { clientId: 'web' }), 'admin');
    assert.equal(needs('RevokeSessions', { tenantId: 'acme' }), 'admin');
    assert.equal(needs('RevokeSessions', { userId: '' }), 'sessions.revoke');
  });
});

describe('what a request counts for', () => {
  it('is one, and of a batch its items up to the most that one may have', () => {
    const batch = (items: number) =>
      costOf(
        'BatchValidateSessions',
        received('BatchValidateSessions', { requests: Array.from({ length: items }, () => ({})) }),
      );
    assert.deepEqual([0, 1, 2, 256, 257, 100_000].map(batch), [1, 1, 2, 256, 256, 256]);
    assert.equal(costOf('ListSessions', received('ListSessions', {})), 1);
  });
});

describe('the gate', () => {
  const rates = new CallerRates({ callsPerSecond: 0, concurrentCalls: 0 });
  const caller = (...scopes: readonly Scope[]): KnownCaller => ({
    name: scopes.join(),
    tenantIds: null,
    scopes: new Set(scopes),
    callsPerSecond: null,
    concurrentCalls: null,
  });
  const refusal = <R extends Rpc>(rpc: R, request: Request<R>, scopes: readonly Scope[]): string | null => {
    try {
      admit(rates, caller(...scopes), rpc, received(rpc, request));
      return null;
    } catch (error) {
      assert(error instanceof SessionError && error.code === 'CALLER_NOT_ALLOWED');
      return error.message;
    }
  };

  it('lets a caller do what its scopes allow, and an admin all', () => {
    assert.equal(refusal('ListSessions', {}, ['sessions.read']), null);
    assert.equal(refusal('RevokeSession', { session: { sessionId: 'x' } }, ['admin']), null);
    assert.equal(refusal('CreateSession', { actor: {} }, ['sessions.create', 'sessions.impersonate']), null);
    assert.equal(refusal('GetJwks', {}, []), null);
    for (const scope of SCOPES) {
      const isAllowed = scope === 'sessions.read' || scope === 'admin';
      assert.equal(refusal('ListSessions', {}, [scope]) === null, isAllowed, scope);
    }
  });

  it('names the scope that is missing, and what for', () => {
    const { accessToken, sessionId } = { accessToken: 'x', sessionId: 'x' };
    assert.equal(refusal('ListSessions', {}, []), 'the caller needs the scope sessions.read');
    assert.equal(
      refusal('ValidateSession', { accessToken, includeSession: true }, ['sessions.validate']),
      'the caller needs the scope sessions.read',
    );
    assert.match(
      refusal('CreateSession', { actor: {} }, ['sessions.create']) ?? '',
      /^the caller needs the scope sessions\.impersonate to set actor$/,
    );
    assert.match(
      refusal('GetSession', { session: { sessionId } }, ['sessions.read']) ?? '',
      /^the caller needs the scope sessions\.manage to name a session by its bare id/,
    );
    assert.match(refusal('RevokeSessions', { clientId: 'web' }, ['sessions.revoke']) ?? '', /scope admin to end/);
  });
});

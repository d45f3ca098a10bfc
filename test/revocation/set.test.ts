import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Revocation, RevocationScope } from '../../src/revocation/revocation.ts';
import { RevocationSet, type TokenIdentity } from '../../src/revocation/set.ts';

const TOKEN: TokenIdentity = {
  kid: 'k1',
  sessionId: 's1',
  tenantId: 't1',
  subject: 'u1',
  clientId: 'c1',
  generations: [10, 20, 30, 40],
  version: 5,
};

function revocation(scope: RevocationScope, discardTimeMs: number | null = 1000): Revocation {
  return { scope, discardTimeMs, reason: 'admin', revokeTimeMs: 0 };
}

function setOf(...scopes: RevocationScope[]): RevocationSet {
  const set = new RevocationSet();
  for (const scope of scopes) set.apply(revocation(scope));
  return set;
}

const user = (minGeneration: number, exceptSessionId = ''): RevocationScope => ({
  kind: 'user',
  tenantId: 't1',
  userId: 'u1',
  minGeneration,
  exceptSessionId,
});

describe('RevocationSet', () => {
  const ending: RevocationScope[] = [
    { kind: 'session', tenantId: 't1', sessionId: 's1', minVersion: 0 },
    user(11),
    { kind: 'client', tenantId: 't1', clientId: 'c1', minGeneration: 21 },
    { kind: 'tenant', tenantId: 't1', minGeneration: 31 },
    { kind: 'global', minGeneration: 41 },
    { kind: 'key', kid: 'k1' },
  ];
  for (const scope of ending) {
    it(`ends what a ${scope.kind} revocation names`, () => {
      assert.equal(setOf(scope).check(TOKEN), 'revoked');
    });
  }

  const sparing: RevocationScope[] = [
    { kind: 'session', tenantId: 't1', sessionId: 's2', minVersion: 0 },
    { kind: 'session', tenantId: 't1', sessionId: 's1', minVersion: 5 },
    user(10),
    user(11, 's1'),
    { ...user(11), tenantId: 't', userId: '1u1' } as RevocationScope,
    { kind: 'client', tenantId: 't1', clientId: 'c1', minGeneration: 20 },
    { kind: 'client', tenantId: 't1', clientId: 'u1', minGeneration: 99 },
    { kind: 'tenant', tenantId: 't1', minGeneration: 30 },
    { kind: 'tenant', tenantId: '', minGeneration: 99 },
    { kind: 'global', minGeneration: 40 },
    { kind: 'key', kid: 'k2' },
  ];
  for (const scope of sparing) {
    it(`spares what ${JSON.stringify(scope)} does not name`, () => {
      assert.equal(setOf(scope).check(TOKEN), 'good');
    });
  }

  it('tells a superseded token from a revoked session, and lets neither mask the other', () => {
    const superseding: RevocationScope = { kind: 'session', tenantId: 't1', sessionId: 's1', minVersion: 6 };
    const ended: RevocationScope = { ...superseding, minVersion: 0 };
    assert.equal(setOf(superseding).check(TOKEN), 'superseded');
    assert.equal(setOf(superseding).check({ ...TOKEN, version: 6 }), 'good');
    assert.equal(setOf(superseding, ended).check({ ...TOKEN, version: 9 }), 'revoked');
    assert.equal(setOf(ended, superseding).check({ ...TOKEN, version: 9 }), 'revoked');
  });

  it('takes the higher minimum with its exception', () => {
    for (const order of [
      [user(11, 's1'), user(12, 's2')],
      [user(12, 's2'), user(11, 's1')],
    ]) {
      assert.equal(setOf(...order).check(TOKEN), 'revoked');
      assert.equal(setOf(...order).check({ ...TOKEN, sessionId: 's2' }), 'good');
    }
  });

  it('keeps an exception on a tie only where both name it', () => {
    assert.equal(setOf(user(11, 's1'), user(11, 's1')).check(TOKEN), 'good');
    assert.equal(setOf(user(11, 's1'), user(11, '')).check(TOKEN), 'revoked');
    assert.equal(setOf(user(11, ''), user(11, 's1')).check(TOKEN), 'revoked');
  });

  it('forgets at the discard time, a key never, and keeps the later of two discard times', async () => {
    const set = new RevocationSet();
    const session = ending[0] as RevocationScope;
    set.apply(revocation(session, 2000));
    set.apply(revocation(session, 1000));
    set.apply(revocation(user(11), 1000));
    await set.discard(1500);
    assert.equal(set.check(TOKEN), 'revoked');
    await set.discard(2001);
    assert.equal(set.check(TOKEN), 'good');
    set.apply(revocation({ kind: 'key', kid: 'k1' }, null));
    await set.discard(Number.MAX_SAFE_INTEGER);
    assert.equal(set.check(TOKEN), 'revoked');
    assert.equal(set.size, 1);
  });

  const session = (sessionId: string): RevocationScope => ({
    kind: 'session',
    tenantId: 't1',
    sessionId,
    minVersion: 0,
  });

  it('lets others apply and check while it forgets', async () => {
    const set = new RevocationSet();
    const ids = Array.from({ length: 50_000 }, () => randomUUID());
    for (const sessionId of ids) set.apply(revocation(session(sessionId), 1000));
    const renewed = ids.filter((_, index) => index % 10 === 0);
    let turns = 0;
    const turn = () => {
      turns += 1;
      for (const sessionId of turns === 1 ? renewed : []) set.apply(revocation(session(sessionId), 3000));
      for (const sessionId of renewed) assert.equal(set.check({ ...TOKEN, sessionId }), 'revoked');
    };
    const turning = setInterval(turn, 0);
    setImmediate(turn);
    await set.discard(1001);
    clearInterval(turning);
    assert(turns > 0, 'nothing came in between');
    for (const sessionId of renewed) assert.equal(set.check({ ...TOKEN, sessionId }), 'revoked');
    await set.discard(1001);
    assert.equal(set.size, renewed.length);
  });

  it('is read whole while others apply and discard', async () => {
    const set = new RevocationSet();
    const ids = Array.from({ length: 10_000 }, () => randomUUID());
    ids.forEach((sessionId, index) => set.apply(revocation(session(sessionId), index % 2 === 0 ? 1000 : 2000)));
    const seen = new Set<string>();
    for (const { scope } of set.revocations()) {
      if (scope.kind === 'session') seen.add(scope.sessionId);
      set.apply(revocation(session(randomUUID()), 2000));
      if (seen.size === 100) await set.discard(1001);
    }
    for (const sessionId of ids.filter((_, index) => index % 2 === 1)) assert(seen.has(sessionId));
  });

  it('comes to the same from any order and with repeats', () => {
    const scopes = fc.oneof(
      fc
        .record({ minGeneration: fc.integer({ min: 9, max: 12 }), except: fc.constantFrom('', 's1', 's2') })
        .map((e) => user(e.minGeneration, e.except)),
      fc
        .integer({ min: 0, max: 8 })
        .map((minVersion): RevocationScope => ({ kind: 'session', tenantId: 't1', sessionId: 's1', minVersion })),
    );
    fc.assert(
      fc.property(fc.array(scopes, { maxLength: 6 }), fc.infiniteStream(fc.nat()), (list, shuffle) => {
        const keyed = [...list, ...list].map((scope) => ({ scope, at: shuffle.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ scope }) => scope);
        for (const sessionId of ['s1', 's2', 's3']) {
          const token = { ...TOKEN, sessionId };
          assert.equal(setOf(...shuffled).check(token), setOf(...list).check(token));
        }
      }),
    );
  });
});

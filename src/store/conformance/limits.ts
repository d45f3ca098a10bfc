import assert from 'node:assert/strict';
import type { NewSession, SessionStore } from '../../domain/store.ts';
import type { SessionLimit } from '../../domain/store_rules.ts';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  beginInTurn,
  CLIENT,
  createCommand,
  DAY,
  GLOBAL,
  HOUR,
  liveIds,
  MINUTE,
  ofKind,
  raiseCommand,
  recordOf,
  refreshCommand,
  revokeCommand,
  SECOND,
  stamp,
  TENANT,
  times,
  USER,
} from './commands.ts';
import { arrive, endingsOf, follow, positionOf } from './observe.ts';

export function describeLimits(harness: ConformanceHarness): void {
  describeCases('the limit of sessions per user', harness, LIMIT);
  describeCases('what the limit counts', harness, COUNTED);
  describeCases('the limit, raced for', harness, RACED);
  describeCases('the limit, lowered', harness, LOWERED, 'persistent');
  describeCases('replaceDeviceSessions', harness, DEVICES);
}

const ACTOR = { userId: 'support-7', tenantId: 'staff', reason: 'ticket 42' };

function limitOf(max: number, policy: SessionLimit['policy'] = 'evict-oldest') {
  return { limit: { max, policy } };
}

/** Fails unless the next create ends just these, in any order. */
async function assertMakesRoom(
  store: SessionStore,
  ended: readonly string[],
  change: Partial<NewSession> = {},
): Promise<void> {
  const outcome = ofKind(await store.create(createCommand(change)), 'created');
  assert.deepEqual([...outcome.endedSessionIds].sort(), [...ended].sort());
}

const LIMIT: Cases = {
  'evicts the oldest, however active it is': async ({ open, clock }) => {
    const store = await open(limitOf(3));
    const [oldest, ...others] = await beginInTurn(store, clock, [{}, {}, {}]);
    assert(oldest !== undefined);
    clock.ms += MINUTE;
    ofKind(await store.refresh(refreshCommand(oldest)), 'rotated');
    await assertMakesRoom(store, [oldest.sessionId]);
    const { status } = await recordOf(store, oldest);
    assert(status.state === 'revoked' && status.reason === 'session_limit');
    for (const other of others) assert.equal((await recordOf(store, other)).status.state, 'active');
  },

  'evicts the least recently active, however old the others are': async ({ open, clock }) => {
    const store = await open(limitOf(3, 'evict-least-recently-active'));
    const [first, second, third] = await beginInTurn(store, clock, [{}, {}, { tokenMode: 'opaque' }]);
    assert(first !== undefined && second !== undefined && third !== undefined);
    clock.ms += 2 * MINUTE;
    ofKind(await store.refresh(refreshCommand(first)), 'rotated');
    clock.ms += SECOND;
    await assertMakesRoom(store, [second.sessionId]);
    clock.ms += 2 * MINUTE;
    await store.read({ tenantIds: ['acme'], sessionId: third.sessionId, touch: true });
    await assertMakesRoom(store, [first.sessionId]);
  },

  'logs an eviction like any other revocation, and tells of it': async ({ open, clock }) => {
    const store = await open(limitOf(1));
    const entries = follow(store);
    const [old] = await beginInTurn(store, clock, [{}]);
    const outcome = ofKind(await store.create(createCommand()), 'created');
    assert.equal(entries.length, 1);
    const [entry] = entries;
    assert(old !== undefined && entry !== undefined);
    const { sessionId } = old;
    assert.deepEqual(entry.revocation.scope, { kind: 'session', tenantId: 'acme', sessionId, minVersion: 0 });
    assert.equal(entry.revocation.reason, 'session_limit');
    assert.equal(entry.revocation.revokeTimeMs, outcome.nowMs);
    assert.deepEqual(outcome.head, positionOf(entry));
  },

  'rejects, and changes nothing: the same request works once there is room': async ({ open }) => {
    const store = await open(limitOf(2, 'reject'));
    const entries = follow(store);
    const [first, second] = [await begin(store), await begin(store)];
    const command = createCommand({}, { request: stamp('r1') });
    assert.deepEqual(await store.create(command), { kind: 'limit' });
    assert.deepEqual(new Set(await liveIds(store)), new Set([first.sessionId, second.sessionId]));
    assert.deepEqual(entries, []);
    await store.revoke(revokeCommand(first));
    ofKind(await store.create(command), 'created');
  },

  'is none where it is 0': async ({ open }) => {
    const store = await open(limitOf(0, 'reject'));
    for (let count = 1; count <= 10; count += 1) await begin(store);
    assert.equal((await liveIds(store)).length, 10);
  },
};

const COUNTED: Cases = {
  "the user's sessions alone: other users, other tenants and anonymous sessions have their own": async ({ open }) => {
    const store = await open(limitOf(1, 'reject'));
    for (const userId of ['ann', 'bob', '', '', '']) await begin(store, { userId });
    await begin(store, { tenantId: 'other' });
    assert.deepEqual(await store.create(createCommand()), { kind: 'limit' });
  },

  'no session with an actor: it neither counts, nor evicts, nor is evicted': async ({ open, clock }) => {
    const store = await open(limitOf(1));
    const [acting, own] = await beginInTurn(store, clock, [{ actor: ACTOR }, {}]);
    assert(acting !== undefined && own !== undefined);
    await assertMakesRoom(store, [], { actor: ACTOR });
    await assertMakesRoom(store, [own.sessionId]);
    assert.equal((await recordOf(store, acting)).status.state, 'active');
    assert.equal((await liveIds(store)).length, 3);
  },

  'under reject, too, no session with an actor': async ({ open }) => {
    const store = await open(limitOf(1, 'reject'));
    await begin(store, { actor: ACTOR });
    await begin(store);
    await begin(store, { actor: ACTOR });
    assert.deepEqual(await store.create(createCommand()), { kind: 'limit' });
  },

  'live sessions alone: none that was revoked': async ({ open }) => {
    const store = await open(limitOf(1, 'reject'));
    await store.revoke(revokeCommand(await begin(store)));
    await begin(store);
  },

  'live sessions alone: none that has expired': async ({ open, clock }) => {
    const store = await open(limitOf(2, 'reject'));
    await begin(store, { idleTimeoutMs: HOUR });
    await begin(store, { idleTimeoutMs: 0, absoluteTimeoutMs: HOUR });
    assert.deepEqual(await store.create(createCommand()), { kind: 'limit' });
    clock.ms += HOUR;
    await begin(store);
    await begin(store);
    assert.deepEqual(await store.create(createCommand()), { kind: 'limit' });
  },

  'live sessions alone: a user at the limit who logs out everywhere can log in again': async ({ open }) => {
    const store = await open(limitOf(2, 'reject'));
    for (const scope of [USER, CLIENT, TENANT, GLOBAL]) {
      await begin(store);
      await begin(store);
      assert.deepEqual(await store.create(createCommand()), { kind: 'limit' });
      await store.raise(raiseCommand(scope));
    }
    await begin(store);
  },
};

const RACED: Cases = {
  'of 50 creates at once 5 stay, and each of the others was ended once': async ({ openAll }) => {
    const stores = await openAll(limitOf(5));
    const [store] = stores;
    const logs = stores.map((instance) => ({ instance, entries: follow(instance) }));
    const creates = times(50, (index) => inTurn(stores, index).create(createCommand()));
    const outcomes = (await Promise.all(creates)).map((outcome) => ofKind(outcome, 'created'));
    const ended = outcomes.flatMap((outcome) => outcome.endedSessionIds);
    const live = await liveIds(store);
    assert.deepEqual([live.length, ended.length, new Set([...live, ...ended]).size], [5, 45, 50]);
    for (const { instance, entries } of logs) {
      await arrive(instance, () => entries.length >= 45);
      for (const sessionId of ended) assert.equal(endingsOf(entries, sessionId).length, 1);
      assert.equal(entries.length, 45);
    }
  },

  'of 20 creates at once 5 are let in under reject': async ({ openAll }) => {
    const stores = await openAll(limitOf(5, 'reject'));
    const [store] = stores;
    const creates = times(20, (index) => inTurn(stores, index).create(createCommand()));
    const outcomes = await Promise.all(creates);
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'created').length, 5);
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'limit').length, 15);
    assert.equal((await liveIds(store)).length, 5);
  },
};

const LOWERED: Cases = {
  'the next create evicts as many as are too many': async ({ open, reopen, clock }) => {
    const [first, second, third, fourth] = await beginInTurn(await open(limitOf(4)), clock, [{}, {}, {}, {}]);
    assert(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
    const store = await reopen(limitOf(2));
    const entries = follow(store);
    await assertMakesRoom(store, [first.sessionId, second.sessionId, third.sessionId]);
    assert.equal(entries.length, 3);
    assert.equal((await recordOf(store, fourth)).status.state, 'active');
  },
};

const onDevice = (deviceId: string): Pick<NewSession, 'device'> => ({
  device: { deviceId, name: '', userAgent: '', ipAddress: '' },
});

const DEVICES: Cases = {
  "ends the user's other sessions of the device, and tells why": async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const changes = [onDevice('d1'), onDevice('d2'), onDevice('d1'), { userId: 'bob', ...onDevice('d1') }];
    const [old, other, older, bobs] = await beginInTurn(store, clock, changes);
    assert(old !== undefined && other !== undefined && older !== undefined && bobs !== undefined);
    clock.ms += SECOND;
    const command = createCommand(onDevice('d1'), { replaceDeviceSessions: true });
    const outcome = ofKind(await store.create(command), 'created');
    assert.deepEqual(new Set(outcome.endedSessionIds), new Set([old.sessionId, older.sessionId]));
    for (const { sessionId } of [old, older]) {
      assert.equal(endingsOf(entries, sessionId)[0]?.revocation.reason, 'device_replaced');
    }
    assert.deepEqual(outcome.head, positionOf(entries.at(-1)));
    assert.deepEqual((await recordOf(store, old)).status, {
      state: 'revoked',
      timeMs: outcome.nowMs,
      reason: 'device_replaced',
    });
    for (const session of [other, bobs]) assert.equal((await recordOf(store, session)).status.state, 'active');
  },

  'leaves the device its sessions where it is not asked for': async ({ open }) => {
    const store = await open();
    await begin(store, onDevice('d1'));
    await assertMakesRoom(store, [], onDevice('d1'));
    assert.equal((await liveIds(store)).length, 2);
  },

  'comes before the limit is counted': async ({ open, clock }) => {
    const store = await open(limitOf(2, 'reject'));
    const [, replaced] = await beginInTurn(store, clock, [onDevice('d2'), onDevice('d1')]);
    const command = createCommand(onDevice('d1'), { replaceDeviceSessions: true });
    const outcome = ofKind(await store.create(command), 'created');
    assert.deepEqual(outcome.endedSessionIds, [replaced?.sessionId]);
  },

  'does not end again what has ended': async ({ open, clock }) => {
    const store = await open();
    await store.revoke(revokeCommand(await begin(store, onDevice('d1'))));
    await begin(store, { ...onDevice('d1'), idleTimeoutMs: HOUR });
    clock.ms += DAY;
    const command = createCommand(onDevice('d1'), { replaceDeviceSessions: true });
    assert.deepEqual(ofKind(await store.create(command), 'created').endedSessionIds, []);
  },
};

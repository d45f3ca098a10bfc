import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { NewSession } from '../../domain/store.ts';
import type { Generations } from '../../revocation/revocation.ts';
import { type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import {
  begin,
  CLIENT,
  createCommand,
  DAY,
  draft,
  GLOBAL,
  HOUR,
  idsOf,
  listQuery,
  liveIds,
  ofKind,
  raiseCommand,
  recordOf,
  stateOf,
  TENANT,
  USER,
  userScope,
} from './commands.ts';
import { countOf, follow } from './observe.ts';

export function describeCreate(harness: ConformanceHarness): void {
  describeCases('create', harness, CREATE);
  describeCases('ids of tenants, users and clients', harness, IDS);
  describeCases('create, beside another instance', harness, SHARED, 'shared');
  describeCases('create, before a restart', harness, PERSISTENT, 'persistent');
}

/** Every field with a value of its own. */
const FULL: Partial<NewSession> = {
  clientId: 'app',
  tokenMode: 'opaque',
  idleTimeoutMs: 0,
  absoluteTimeoutMs: 90 * DAY,
  authTimeMs: 1_700_000_000_123,
  acr: 'urn:example:gold',
  amr: ['pwd', 'otp'],
  device: { deviceId: 'd:1', name: "Ann's \u201cphone\u201d", userAgent: 'Browser/1 (X; Y)', ipAddress: '2001:db8::1' },
  actor: { userId: 'support-7', tenantId: 'staff', reason: 'ticket 42' },
  audiences: ['api', 'https://files.example'],
  claims: '{"roles":["a","b"],"deep":{"n":1.5,"__proto__":{"x":null}},"text":"\\u0000 \u{1F469}\u200D\u{1F4BB}"}',
  data: '{"b":1,"a":2}',
  keyId: 4_294_967_295,
};

const CREATE: Cases = {
  "begins a session at the store's time": async ({ open, clock }) => {
    const store = await open();
    const earlier = ofKind(await store.create(createCommand()), 'created');
    clock.ms += 3 * HOUR;
    const { record, nowMs, endedSessionIds, head } = ofKind(await store.create(createCommand()), 'created');
    assert(nowMs - earlier.nowMs >= 3 * HOUR);
    const { session, status } = record;
    assert.deepEqual(status, { state: 'active' });
    assert.equal(session.createTimeMs, nowMs);
    assert.equal(session.lastActiveTimeMs, nowMs);
    assert.equal(session.authTimeMs, nowMs);
    assert.equal(session.absoluteExpireTimeMs, nowMs + 30 * DAY);
    assert.deepEqual(endedSessionIds, []);
    assert.equal(head, null);
  },

  'keeps every field as it was given, JSON to the letter': async ({ open }) => {
    const store = await open();
    for (const change of [FULL, { ...FULL, userId: '', tenantId: '' }, {}]) {
      const { nonce, keyId, ...given } = draft(change);
      const command = createCommand({ ...given, nonce, keyId });
      const { record, nowMs } = ofKind(await store.create(command), 'created');
      const { session } = record;
      assert.deepEqual({ ...session, ...given, authTimeMs: given.authTimeMs ?? nowMs }, session);
      assert.deepEqual({ ...session.credential, nonce, keyId }, session.credential);
      assert.deepEqual(await recordOf(store, session), record);
    }
  },

  'begins at the first version and the first generation of the credential': async ({ open }) => {
    const session = await begin(await open());
    const { credential, version, minVersion, revocation } = session;
    assert.deepEqual([credential.generation, version, minVersion, revocation], [1, 1, 0, null]);
    assert.deepEqual([credential.requestId, credential.spentTimesMs], ['', []]);
  },

  "gives the store's time of birth as generations where no minimum was ever raised": async ({ open, clock }) => {
    const store = await open();
    const { generations, createTimeMs } = await begin(store);
    const [birthMs] = generations;
    assert.deepEqual(generations, [birthMs, birthMs, birthMs, birthMs]);
    assert(birthMs > 0 && birthMs <= createTimeMs);
    clock.ms += DAY;
    const other = await begin(store, { tenantId: 'other', userId: '', clientId: 'app' });
    assert.deepEqual(other.generations, generations);
  },

  'gives the minima that are in force as generations, each of its own scope': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const [birthMs] = (await begin(store)).generations;
    const raised: number[] = [];
    const scopes = [USER, CLIENT, TENANT, GLOBAL];
    for (const scope of scopes) {
      clock.ms += HOUR;
      await store.raise(raiseCommand(scope));
      const entry = entries.at(-1)?.revocation.scope;
      assert(entry !== undefined && 'minGeneration' in entry);
      raised.push(entry.minGeneration);
    }
    const [user, client, tenant, global] = raised as unknown as Generations;
    assert(birthMs < user && user < client && client < tenant && tenant < global);
    const generationsOf = async (change: Partial<NewSession>) => (await begin(store, change)).generations;
    assert.deepEqual(await generationsOf({}), [user, client, tenant, global]);
    assert.deepEqual(await generationsOf({ userId: 'bob' }), [birthMs, client, tenant, global]);
    assert.deepEqual(await generationsOf({ userId: '', clientId: 'app' }), [birthMs, birthMs, tenant, global]);
    assert.deepEqual(await generationsOf({ tenantId: 'other' }), [birthMs, birthMs, birthMs, global]);
  },
};

/** Neighbours of these, run together, escaped badly or used as a name of a property, would be one. */
const LOOKALIKES: readonly (readonly [tenantId: string, id: string])[] = [
  ['a', 'bc'],
  ['ab', 'c'],
  ['', 'abc'],
  ['a:b', 'c'],
  ['a', 'b:c'],
  ['a/b', 'c'],
  ['a', 'b/c'],
  ['1:a', 'x'],
  ['1', ':ax'],
  ['A', 'BC'],
  ['__proto__', '__proto__'],
  ['constructor', 'toString'],
  ['\u{1F469}', '\u200D\u{1F4BB}'],
  ['\u{1F469}\u200D', '\u{1F4BB}'],
  ['\u00e9', 'x'],
  ['e\u0301', 'x'],
  ["'; --", '"%_\\'],
  ['{a}', '*'],
  [' ', ' '],
  ['a', 'bc '],
];

const IDS: Cases = {
  "keep users apart, whatever they are made of: one's log-out-everywhere ends its own session only": async (bench) => {
    const store = await bench.open();
    for (const [tenantId, userId] of LOOKALIKES) await begin(store, { tenantId, userId });
    const living = new Set(LOOKALIKES);
    for (const pair of LOOKALIKES) {
      const [tenantId, userId] = pair;
      assert.equal((await store.list(listQuery({ tenantId, userId }))).length, 1, `${tenantId} ${userId}`);
      assert.equal(await countOf(store, raiseCommand(userScope(userId, tenantId))), 1);
      await store.raise(raiseCommand(userScope(userId, tenantId)));
      living.delete(pair);
      for (const other of LOOKALIKES) {
        const live = await liveIds(store, { tenantId: other[0], userId: other[1] });
        assert.equal(live.length, living.has(other) ? 1 : 0, `${other.join(' ')} after ${pair.join(' ')}`);
      }
    }
  },

  'keep clients apart, whatever they are made of': async ({ open }) => {
    const store = await open();
    const living = new Map<(typeof LOOKALIKES)[number], Session>();
    for (const pair of LOOKALIKES) living.set(pair, await begin(store, { tenantId: pair[0], clientId: pair[1] }));
    for (const [pair, session] of living) {
      await store.raise(raiseCommand({ kind: 'client', tenantId: pair[0], clientId: pair[1] }));
      living.delete(pair);
      assert.equal(await stateOf(store, session), 'revoked');
      for (const [other, live] of living) assert.equal(await stateOf(store, live), 'active', other.join(' '));
    }
  },

  'keep the four kinds of scope apart: a user, a client and a tenant of one name are not one': async ({ open }) => {
    const store = await open();
    const user = await begin(store, { tenantId: 't', userId: 'x', clientId: 'c' });
    const client = await begin(store, { tenantId: 't', userId: 'u', clientId: 'x' });
    const tenant = await begin(store, { tenantId: 'x', userId: 'u', clientId: 'c' });
    await store.raise(raiseCommand({ kind: 'user', tenantId: 't', userId: 'x' }));
    assert.deepEqual(await Promise.all([user, client, tenant].map((session) => stateOf(store, session))), [
      'revoked',
      'active',
      'active',
    ]);
    await store.raise(raiseCommand({ kind: 'client', tenantId: 't', clientId: 'x' }));
    assert.equal(await stateOf(store, client), 'revoked');
    assert.equal(await stateOf(store, tenant), 'active');
  },
};

const SHARED: Cases = {
  'is seen by every instance as soon as it is acknowledged': async ({ openAll }) => {
    const [first, second] = await openAll();
    assert(first !== undefined && second !== undefined);
    const { record } = ofKind(await first.create(createCommand(FULL)), 'created');
    assert.deepEqual(await recordOf(second, record.session), record);
    assert.deepEqual(idsOf(await second.list(listQuery())), [record.session.sessionId]);
    assert.deepEqual((await begin(second)).generations, record.session.generations);
  },
};

const PERSISTENT: Cases = {
  'is there after it, and so is the time of birth': async ({ open, reopen, clock }) => {
    const store = await open();
    const { record } = ofKind(await store.create(createCommand(FULL)), 'created');
    clock.ms += HOUR;
    const later = await reopen();
    assert.deepEqual(await recordOf(later, record.session), record);
    assert.deepEqual((await begin(later)).generations, record.session.generations);
  },
};

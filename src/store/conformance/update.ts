import assert from 'node:assert/strict';
import { LIMITS } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import type { JsonChange, SessionStore, UpdateCommand } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  CLIENT,
  DAY,
  GLOBAL,
  HOUR,
  ofKind,
  raiseCommand,
  recordOf,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  TENANT,
  times,
  updateCommand,
  USER,
} from './commands.ts';
import { follow, leavesUnchanged, positionOf, tokenOf } from './observe.ts';

export function describeUpdate(harness: ConformanceHarness): void {
  describeCases('update', harness, UPDATE);
  describeCases('update by a merge patch', harness, MERGE);
  describeCases('update, raced for', harness, RACED);
}

function replace(value: unknown): JsonChange {
  return { kind: 'replace', json: JSON.stringify(value) };
}

function merge(value: unknown): JsonChange {
  return { kind: 'merge', json: JSON.stringify(value) };
}

async function updated(store: SessionStore, session: Session, change: Partial<UpdateCommand>): Promise<Session> {
  const { record } = ofKind(await store.update(updateCommand(session, change)), 'updated');
  assert.deepEqual(await recordOf(store, session), record);
  return record.session;
}

const UPDATE: Cases = {
  "replaces claims, data and the device's name, and raises the version": async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    clock.ms += HOUR;
    const change = { claims: replace({ a: 1 }), data: replace({ b: [] }), deviceName: '' };
    const outcome = ofKind(await store.update(updateCommand(session, change)), 'updated');
    assert.deepEqual(outcome.record, {
      session: {
        ...session,
        claims: '{"a":1}',
        data: '{"b":[]}',
        device: { ...session.device, name: '' },
        version: session.version + 1,
      },
      status: { state: 'active' },
    });
    assert.equal(outcome.head, null);
    assert(outcome.nowMs >= session.createTimeMs + HOUR);
    assert.deepEqual(await recordOf(store, session), outcome.record);
  },

  'leaves what is not set': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const named = await updated(store, session, { deviceName: 'Renamed' });
    assert.deepEqual([named.claims, named.data, named.device.userAgent], [session.claims, session.data, 'Browser/1']);
    const filled = await updated(store, session, { data: replace({}) });
    assert.deepEqual([filled.claims, filled.device.name], [session.claims, 'Renamed']);
  },

  'compares and sets where a version is given': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    for (const version of [session.version + 1, session.version - 1, -1]) {
      const stale = updateCommand(session, { version, claims: replace({}) });
      assert.deepEqual(await leavesUnchanged(store, session, () => store.update(stale)), { kind: 'etag_mismatch' });
    }
    await updated(store, session, { version: session.version, deviceName: 'Renamed' });
    const used = updateCommand(session, { version: session.version, deviceName: 'Again' });
    assert.deepEqual(await store.update(used), { kind: 'etag_mismatch' });
  },

  'keeps the version while the session is merely used': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    clock.ms += HOUR;
    await store.read({ ...refTo(session), touch: true });
    await store.refresh(refreshCommand(session));
    await updated(store, session, { version: session.version, deviceName: 'Renamed' });
  },

  'supersedes the access tokens of before where it is asked to, and logs that': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const plain = await updated(store, session, { claims: replace({ a: 1 }) });
    assert.deepEqual([plain.minVersion, entries.length], [0, 0]);
    const command = updateCommand(session, { claims: replace({ a: 2 }), supersedeAccessTokens: true });
    const { record, head, nowMs } = ofKind(await store.update(command), 'updated');
    const { version, minVersion } = record.session;
    assert.deepEqual([version, minVersion, record.status.state], [plain.version + 1, plain.version + 1, 'active']);
    const [entry] = entries;
    const { tenantId, sessionId } = session;
    assert.deepEqual(entry?.revocation.scope, { kind: 'session', tenantId, sessionId, minVersion: version });
    assert.equal(entry.revocation.revokeTimeMs, nowMs);
    assert.deepEqual(head, positionOf(entry));
    assert.equal((await updated(store, session, { deviceName: 'Later' })).minVersion, version);
    assert.equal(entries.length, 1);
  },

  'takes no access token that was superseded for a proof': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    await updated(store, session, { supersedeAccessTokens: true });
    const { version } = tokenOf(session);
    const command = updateCommand(session, { ref: { ...refTo(session), proof: { version } }, deviceName: 'Renamed' });
    assert.deepEqual(await leavesUnchanged(store, session, () => store.update(command)), { kind: 'unknown' });
  },

  'does not know the session in another tenant or under another nonce': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const refs = [
      { tenantIds: ['other'], sessionId: session.sessionId },
      { ...refTo(session), proof: { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' } },
    ];
    for (const ref of refs) {
      const act = () => store.update(updateCommand(session, { ref, deviceName: 'x', supersedeAccessTokens: true }));
      assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'unknown' });
    }
  },

  'changes nothing that has ended, however it ended': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const endings: ((session: Session) => unknown)[] = [
      (session) => store.revoke(revokeCommand(session)),
      (session) => store.rotate(rotateCommand(session)),
      () => store.raise(raiseCommand(USER)),
      () => store.raise(raiseCommand(CLIENT)),
      () => store.raise(raiseCommand(TENANT)),
      () => store.raise(raiseCommand(GLOBAL)),
      () => {
        clock.ms += 7 * DAY;
      },
    ];
    for (const end of endings) {
      const session = await begin(store);
      await end(session);
      const logged = entries.length;
      const command = updateCommand(session, { claims: replace({}), supersedeAccessTokens: true });
      assert.deepEqual(await leavesUnchanged(store, session, () => store.update(command)), { kind: 'ended' });
      assert.equal(entries.length, logged);
    }
  },
};

/** RFC 7396, appendix A. Target and patch become a member of objects, as claims and data are. */
const RFC_7396: readonly (readonly [target: unknown, patch: unknown, result: unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, undefined],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

/** Compares values: the order of members is the store's own. */
function assertJson(json: string, value: unknown): void {
  assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)));
}

const MERGE: Cases = {
  'follows the examples of RFC 7396, appendix A': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    for (const [target, patch, result] of RFC_7396) {
      await updated(store, session, { claims: replace({ m: target }), data: replace({ m: target, kept: 1 }) });
      const { claims, data } = await updated(store, session, {
        claims: merge({ m: patch }),
        data: merge({ m: patch }),
      });
      assertJson(claims, { m: result });
      assertJson(data, { m: result, kept: 1 });
    }
  },

  'takes a member named __proto__ for any other': async ({ open }) => {
    const store = await open();
    const session = await begin(store, { claims: '{"a":{"__proto__":{"x":1}}}' });
    const patch: JsonChange = {
      kind: 'merge',
      json: '{"__proto__":{"y":2},"a":{"__proto__":{"z":3},"constructor":4}}',
    };
    const { claims } = await updated(store, session, { claims: patch });
    const expected: unknown = JSON.parse('{"a":{"__proto__":{"x":1,"z":3},"constructor":4},"__proto__":{"y":2}}');
    assertJson(claims, expected);
    const removal: JsonChange = { kind: 'merge', json: '{"__proto__":null,"a":{"__proto__":{"x":null}}}' };
    const after = await updated(store, session, { claims: removal });
    assertJson(after.claims, JSON.parse('{"a":{"__proto__":{"z":3},"constructor":4}}'));
  },

  'refuses a result over the limit, in bytes of JSON, and changes nothing': async ({ open }) => {
    const store = await open();
    const session = await begin(store, { claims: '{}', data: '{}' });
    for (const field of ['claims', 'data'] as const) {
      const room = LIMITS[field] - Buffer.byteLength('{"a":"","b":""}');
      await updated(store, session, { [field]: merge({ a: '\u00e9'.repeat(100) }) });
      const full = await updated(store, session, { [field]: merge({ b: 'x'.repeat(room - 200) }) });
      assert.equal(Buffer.byteLength(full[field]), LIMITS[field]);
      const over = updateCommand(session, { [field]: merge({ b: 'x'.repeat(room - 199) }), deviceName: 'Renamed' });
      const outcome = await leavesUnchanged(store, session, () => store.update(over));
      assert.deepEqual(outcome, { kind: 'too_large', field });
    }
  },
};

const RACED: Cases = {
  'lets one of 20 win that compare with the same version': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store);
    const { version } = session;
    const outcomes = await Promise.all(
      times(20, (index) => {
        const command = updateCommand(session, { version, claims: replace({ winner: index }) });
        return inTurn(stores, index).update(command);
      }),
    );
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'etag_mismatch').length, 19);
    const winner = outcomes.findIndex((outcome) => outcome.kind === 'updated');
    const after = (await recordOf(store, session)).session;
    assert.deepEqual([after.claims, after.version], [JSON.stringify({ winner }), version + 1]);
  },

  'loses none of 50 merges': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store, { claims: '{}', data: '{}' });
    await Promise.all(
      times(50, (index) => {
        const patch = merge({ [`m${index}`]: index });
        const change = index % 2 === 0 ? { claims: patch } : { claims: patch, data: patch };
        return inTurn(stores, index).update(updateCommand(session, change));
      }),
    );
    const after = (await recordOf(store, session)).session;
    const members = times(50, (index) => [`m${index}`, index] as const);
    assert.deepEqual(JSON.parse(after.claims), Object.fromEntries(members));
    assert.deepEqual(JSON.parse(after.data), Object.fromEntries(members.filter(([, index]) => index % 2 === 1)));
    assert.equal(after.version, session.version + 50);
  },
};

import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { SessionStore } from '../../domain/store.ts';
import type { LogEntry, LogPosition } from '../../revocation/log.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  beginInTurn,
  CLIENT,
  createCommand,
  DAY,
  GLOBAL,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  revokeCommand,
  rotateCommand,
  TENANT,
  times,
  updateCommand,
  USER,
  userScope,
} from './commands.ts';
import {
  arrive,
  assertBegins,
  assertChained,
  DISCARD_MARGIN_MS,
  follow,
  positionOf,
  sweepAll,
  wholeLog,
  withoutCopies,
} from './observe.ts';

export function describeLog(harness: ConformanceHarness): void {
  describeCases('the log', harness, LOG);
  describeCases('the log, trimmed', harness, TRIMMED);
  describeCases('the log, written by several instances', harness, SHARED, 'shared');
  describeCases('the log, after a restart', harness, PERSISTENT, 'persistent');
}

type Step = readonly [
  entries: string,
  run: () => Promise<{ readonly kind: string; readonly head?: LogPosition | null }>,
];

/** Every step that revokes something, with the scope and the reason of what it appends; the user is at the limit. */
async function* revocations(store: SessionStore, clock: Bench['clock']): AsyncIterable<Step> {
  const [bobs, , a, b, c] = await beginInTurn(store, clock, [{ userId: 'bob' }, {}, {}, {}, {}]);
  assert(bobs !== undefined && a !== undefined && b !== undefined && c !== undefined);
  const device = { ...a.device, deviceId: 'tablet-1' };
  yield ['session logout', () => store.revoke(revokeCommand(bobs))];
  yield ['session', () => store.update(updateCommand(a, { supersedeAccessTokens: true }))];
  yield ['session session_limit', () => store.create(createCommand({ device }))];
  yield ['session device_replaced', () => store.create(createCommand({ device }, { replaceDeviceSessions: true }))];
  yield ['session rotated', () => store.rotate(rotateCommand(b))];
  yield ['', () => store.refresh(refreshCommand(c))];
  clock.ms += MINUTE;
  yield ['session refresh_token_reuse', () => store.refresh(refreshCommand(c))];
  yield ['session security', () => store.raise(raiseCommand(USER, { deviceId: 'tablet-1', reason: 'security' }))];
  yield ['user admin', () => store.raise(raiseCommand(USER))];
  yield ['client admin', () => store.raise(raiseCommand(CLIENT))];
  yield ['tenant admin', () => store.raise(raiseCommand(TENANT))];
  yield ['global admin', () => store.raise(raiseCommand(GLOBAL))];
  yield ['', () => store.revoke(revokeCommand(a))];
}

const LOG: Cases = {
  'begins at position 1, and every step that revokes appends to it': async ({ open, clock }) => {
    const store = await open({ limit: { max: 4, policy: 'evict-oldest' } });
    const entries = follow(store);
    assert.equal(entries.length, 0);
    let seen = 0;
    for await (const [expected, run] of revocations(store, clock)) {
      const outcome = await run();
      const appended = withoutCopies(entries.slice(seen));
      seen = entries.length;
      assert.equal(appended.length, expected === '' ? 0 : 1, `${expected} ${outcome.kind}`);
      const [entry] = appended;
      if (entry === undefined) continue;
      const { scope, reason } = entry.revocation;
      assert(`${scope.kind} ${reason}`.startsWith(expected), `${scope.kind} ${reason} for ${expected}`);
      if ('head' in outcome) assert.equal(outcome.head?.tag, entry.tag);
    }
    assertBegins(entries);
    assertChained(entries);
  },

  'has no gap and no branch, however many append at once': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const sessions = await Promise.all(times(60, (index) => begin(store, { userId: `user-${index}` })));
    await Promise.all(
      sessions.map((session, index) => {
        const instance = inTurn(stores, index);
        const { userId } = session;
        if (index % 3 === 0) return instance.raise(raiseCommand(userScope(userId)));
        return index % 3 === 1 ? instance.revoke(revokeCommand(session)) : instance.rotate(rotateCommand(session));
      }),
    );
    for (const instance of stores) {
      const entries = await wholeLog(instance, 60);
      assert.equal(entries.length, 60);
      assertBegins(entries);
      assertChained(entries);
    }
  },

  'has delivered what a step appended before the step is answered': async ({ openAll }) => {
    const stores = await openAll();
    const logs = stores.map((instance) => ({ instance, entries: follow(instance) }));
    const [{ instance: store }] = logs as [(typeof logs)[number]];
    const sessions = await Promise.all(times(20, () => begin(store)));
    const steps = sessions.map(async (session, index) => {
      const { instance, entries } = logs[index % logs.length] ?? assert.fail();
      const { head } = ofKind(await instance.revoke(revokeCommand(session)), 'done');
      assert(entries.some(({ tag }) => tag === head?.tag));
    });
    await Promise.all(steps);
  },

  'gives a late follower what is live, in order, and then what is appended': async ({ open }) => {
    const store = await open();
    const sessions = await Promise.all(times(6, () => begin(store)));
    for (const session of sessions.slice(0, 5)) await store.revoke(revokeCommand(session));
    const entries = await wholeLog(store, 5);
    const ids = sessions.map((session) => session.sessionId);
    assert.deepEqual(endedIds(entries), ids.slice(0, 5));
    await store.revoke(revokeCommand(sessions[5] as Session));
    assert.equal(entries.length, 6);
    assertChained(entries);
  },

  'belongs to a store of its own id': async ({ open }) => {
    assert.match((await open()).storeId, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  },
};

function endedIds(entries: readonly LogEntry[]): readonly string[] {
  return entries.map(({ revocation: { scope } }) => (scope.kind === 'session' ? scope.sessionId : ''));
}

async function revokeSome(store: SessionStore, count: number): Promise<readonly LogPosition[]> {
  const heads: LogPosition[] = [];
  for (let index = 0; index < count; index += 1) {
    const { head } = ofKind(await store.revoke(revokeCommand(await begin(store))), 'done');
    assert(head !== null);
    heads.push(head);
  }
  return heads;
}

const TRIMMED: Cases = {
  'loses what is past its discard time, and goes on from there': async ({ open, clock }) => {
    const store = await open();
    const old = await revokeSome(store, 5);
    clock.ms += 10 * MINUTE + DISCARD_MARGIN_MS - MINUTE;
    assert.equal((await sweepAll(store)).logEntries, 0);
    clock.ms += 2 * MINUTE;
    const kept = await revokeSome(store, 2);
    assert.equal((await sweepAll(store)).logEntries, 5);
    const entries = await wholeLog(store, 2);
    assert.deepEqual(entries.map(positionOf), kept);
    assert.deepEqual([entries[0]?.position, entries[0]?.previousTag], [6, old[4]?.tag]);
    await revokeSome(store, 1);
    assert.equal(entries.at(-1)?.position, 8);
    assertChained(entries);
  },

  'never loses its head': async ({ open, clock }) => {
    const store = await open();
    const heads = await revokeSome(store, 3);
    for (let day = 0; day < 3; day += 1) {
      clock.ms += DAY;
      await sweepAll(store);
    }
    const entries = await wholeLog(store, 1);
    assert.deepEqual(entries.map(positionOf), heads.slice(2));
    await revokeSome(store, 1);
    assertChained(entries);
    assert.equal(entries.length, 2);
  },

  'loses no entry of a raise whose time has not come': async ({ open, clock }) => {
    const store = await open();
    await store.raise(raiseCommand());
    await revokeSome(store, 1);
    clock.ms += 5 * MINUTE;
    await sweepAll(store);
    assert.equal((await wholeLog(store, 2)).length, 2);
  },
};

const SHARED: Cases = {
  'comes to every instance whole and in the same order': async ({ openAll }) => {
    const stores = await openAll();
    const logs = stores.map((instance) => ({ instance, entries: follow(instance) }));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(times(10, (index) => revokeSome(inTurn(stores, index), 1)));
      for (const { instance, entries } of logs) {
        await arrive(instance, () => entries.length >= 10 * (round + 1));
        assertChained(entries);
      }
      assert.deepEqual(logs[0]?.entries, logs[1]?.entries);
    }
    assert.equal(stores[0]?.storeId, stores[1]?.storeId);
  },

  "comes to an instance with the other's entries before its own": async ({ openAll }) => {
    const [first, second] = await openAll();
    assert(first !== undefined && second !== undefined);
    const entries = follow(first);
    for (let round = 0; round < 5; round += 1) {
      await revokeSome(second, 1);
      await revokeSome(first, 1);
      assert.equal(entries.length, 2 * (round + 1));
      assertChained(entries);
    }
  },
};

const PERSISTENT: Cases = {
  'is the same, of the same store, and goes on': async ({ open, reopen }) => {
    const store = await open();
    const { storeId } = store;
    const heads = await revokeSome(store, 3);
    const later = await reopen();
    assert.equal(later.storeId, storeId);
    const entries = await wholeLog(later, 3);
    assert.deepEqual(entries.map(positionOf), heads);
    await revokeSome(later, 1);
    assertChained(entries);
    assert.equal(entries.length, 4);
  },
};

import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
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
  refTo,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  updateCommand,
  USER,
  times,
} from './commands.ts';
import { countOf, follow, leavesUnchanged, sweepAll, withoutCopies } from './observe.ts';

export function describeExceptions(harness: ConformanceHarness): void {
  describeCases('raise with an exception', harness, EXCEPT);
  describeCases('raise that denies creates', harness, DENY);
}

function raiseExcept(store: SessionStore, session: Session) {
  return store.raise(raiseCommand(USER, { exceptSessionId: session.sessionId }));
}

const EXCEPT: Cases = {
  'brings that session forward and ends the others': async ({ open }) => {
    const store = await open();
    await store.raise(raiseCommand(GLOBAL));
    const entries = follow(store);
    const [kept, other] = [await begin(store), await begin(store)];
    const command = raiseCommand(USER, { exceptSessionId: kept.sessionId });
    assert.equal(await countOf(store, command), 1);
    ofKind(await store.raise(command), 'done');
    const scope = entries.at(-1)?.revocation.scope;
    assert(scope?.kind === 'user' && scope.exceptSessionId === kept.sessionId);
    assert.equal(withoutCopies(entries).length, 2);
    const [, client, tenant, global] = kept.generations;
    const { session, status } = await recordOf(store, kept);
    assert.deepEqual(status, { state: 'active' });
    assert.deepEqual(session, { ...kept, generations: [scope.minGeneration, client, tenant, global] });
    assert.equal(await stateOf(store, other), 'revoked');
  },

  'never lets that session look ended, not even to who reads beside it': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    for (const tokenMode of ['pair', 'opaque'] as const) {
      const kept = await begin(store, { tokenMode });
      const raised = new AbortController();
      const raises = (async () => {
        for (let round = 0; round < 40; round += 1) await raiseExcept(store, kept);
        raised.abort();
      })();
      const reads = times(4, async (index) => {
        const reader = inTurn(stores, index + 1);
        while (!raised.signal.aborted) {
          const { record } = ofKind(await reader.read({ ...refTo(kept), touch: index % 2 === 0 }), 'found');
          assert.equal(record.status.state, 'active');
        }
      });
      await Promise.all([raises, ...reads]);
    }
  },

  'leaves that session in use: it can be refreshed, updated and rotated': async ({ open }) => {
    const store = await open();
    const kept = await begin(store);
    await raiseExcept(store, kept);
    const { session } = ofKind(await store.refresh(refreshCommand(kept)), 'rotated').record;
    assert(session.generations[0] > kept.generations[0]);
    ofKind(await store.update(updateCommand(session, { deviceName: 'Renamed' })), 'updated');
    const next = ofKind(await store.rotate(rotateCommand(session)), 'rotated').record.session;
    assert.equal(await stateOf(store, next), 'active');
  },

  'can be raised again and again for it, until a raise without exception ends it': async ({ open }) => {
    const store = await open();
    const kept = await begin(store);
    for (let round = 0; round < 3; round += 1) {
      const other = await begin(store);
      await raiseExcept(store, kept);
      assert.deepEqual([await stateOf(store, kept), await stateOf(store, other)], ['active', 'revoked']);
    }
    await store.raise(raiseCommand());
    assert.equal(await stateOf(store, kept), 'revoked');
  },

  'loses nothing of what is done to that session at the same moment': async ({ openAll, clock }) => {
    const [store, other = store] = await openAll();
    const entries = follow(store);
    for (let round = 0; round < 8; round += 1) {
      const kept = await begin(store, { claims: '{}' });
      clock.ms += 2 * MINUTE;
      const steps: (() => Promise<unknown>)[] = [
        () => raiseExcept(store, kept),
        () => other.refresh(refreshCommand(kept)),
        () => other.update(updateCommand(kept, { claims: { kind: 'merge', json: '{"a":1}' } })),
        () => other.read({ ...refTo(kept), touch: true }),
      ];
      await Promise.all([...steps.slice(round % 4), ...steps.slice(0, round % 4)].map((step) => step()));
      const { session, status } = await recordOf(store, kept);
      const scope = entries.at(-1)?.revocation.scope;
      assert(scope?.kind === 'user' && status.state === 'active');
      assert.deepEqual(
        [session.generations[0], session.credential.generation, session.claims],
        [scope.minGeneration, 2, '{"a":1}'],
      );
    }
  },

  'of another session of the user ends the one that was spared before': async ({ open }) => {
    const store = await open();
    const [first, second] = [await begin(store), await begin(store)];
    await raiseExcept(store, first);
    assert.deepEqual(await raiseExcept(store, second), { kind: 'except_ended' });
    assert.equal(await stateOf(store, first), 'active');
    const third = await begin(store);
    ofKind(await raiseExcept(store, third), 'done');
    assert.deepEqual([await stateOf(store, first), await stateOf(store, third)], ['revoked', 'active']);
  },

  'is refused where the session is unknown, or of another user or tenant': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const foreign = [await begin(store, { userId: 'bob' }), await begin(store, { tenantId: 'other' })];
    const anonymous = await begin(store, { userId: '' });
    const unknown = { ...session, sessionId: '00000000-0000-7000-8000-000000000000' };
    const until = session.createTimeMs + DAY;
    for (const { sessionId } of [...foreign, anonymous, unknown]) {
      for (const deviceId of ['', 'phone-1']) {
        const command = raiseCommand(USER, { exceptSessionId: sessionId, deviceId, denyCreateUntilMs: until });
        assert.deepEqual(await store.raise(command), { kind: 'except_unknown' });
        assert.deepEqual(await store.count(command), { kind: 'except_unknown' });
      }
    }
    assert.deepEqual(entries, []);
    assert.equal(await stateOf(store, session), 'active');
    assert.deepEqual((await begin(store)).generations, session.generations);
  },

  'is refused where the session has ended, and nothing is changed': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const idle = await begin(store, { idleTimeoutMs: HOUR });
    const revoked = await begin(store);
    await store.revoke(revokeCommand(revoked));
    clock.ms += HOUR;
    const live = await begin(store);
    for (const { sessionId } of [idle, revoked]) {
      const command = raiseCommand(USER, { exceptSessionId: sessionId, denyCreateUntilMs: live.createTimeMs + DAY });
      assert.deepEqual(await leavesUnchanged(store, live, () => store.raise(command)), { kind: 'except_ended' });
    }
    assert.equal(entries.length, 1);
    assert.deepEqual((await begin(store)).generations, live.generations);
  },

  'that was refused does not undo an earlier one, and a plain raise ends all': async ({ open }) => {
    const store = await open();
    const [kept, dead] = [await begin(store), await begin(store)];
    ofKind(await raiseExcept(store, kept), 'done');
    assert.deepEqual(await raiseExcept(store, dead), { kind: 'except_ended' });
    assert.deepEqual(await liveIds(store), [kept.sessionId]);
    ofKind(await store.raise(raiseCommand()), 'done');
    assert.deepEqual(await liveIds(store), []);
  },

  'that was refused can be tried again under its request id': async ({ open }) => {
    const store = await open();
    const [kept, dead, other] = [await begin(store), await begin(store), await begin(store)];
    await store.revoke(revokeCommand(dead));
    const request = stamp('r1');
    const refused = raiseCommand(USER, { request, exceptSessionId: dead.sessionId });
    assert.deepEqual(await store.raise(refused), { kind: 'except_ended' });
    ofKind(await store.raise(raiseCommand(USER, { request, exceptSessionId: kept.sessionId })), 'done');
    assert.deepEqual([await stateOf(store, kept), await stateOf(store, other)], ['active', 'revoked']);
  },
};

async function storeTimeMs(store: SessionStore): Promise<number> {
  return ofKind(await store.create(createCommand({ userId: 'clock' })), 'created').nowMs;
}

const DENY: Cases = {
  'blocks creates of the user and rotations to the user until then': async ({ open, clock }) => {
    const store = await open();
    const [own, anonymous] = [await begin(store), await begin(store, { userId: '' })];
    const denyCreateUntilMs = (await storeTimeMs(store)) + HOUR;
    const command = raiseCommand(USER, { exceptSessionId: own.sessionId, denyCreateUntilMs });
    ofKind(await store.raise(command), 'done');
    const create = () => store.create(createCommand({}, { request: stamp('r1') }));
    const login = () => store.rotate(rotateCommand(anonymous, { userId: 'ann' }));
    for (const passed of [0, 55 * MINUTE]) {
      clock.ms += passed;
      assert.deepEqual(await create(), { kind: 'blocked' });
      assert.deepEqual(await leavesUnchanged(store, anonymous, login), { kind: 'blocked' });
      const rotateOwn = () => store.rotate(rotateCommand(own));
      assert.deepEqual(await leavesUnchanged(store, own, rotateOwn), { kind: 'blocked' });
      assert.deepEqual(await liveIds(store), [own.sessionId]);
    }
    clock.ms += 10 * MINUTE;
    ofKind(await create(), 'created');
    ofKind(await login(), 'rotated');
  },

  'blocks nobody else': async ({ open }) => {
    const store = await open();
    await store.raise(raiseCommand(USER, { denyCreateUntilMs: (await storeTimeMs(store)) + HOUR }));
    for (const change of [{ userId: 'bob' }, { userId: '' }, { tenantId: 'other' }]) await begin(store, change);
    const anonymous = await begin(store, { userId: '' });
    ofKind(await store.rotate(rotateCommand(anonymous)), 'rotated');
  },

  'ends what is there in the same step': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    await store.raise(raiseCommand(USER, { denyCreateUntilMs: (await storeTimeMs(store)) + HOUR }));
    assert.equal(await stateOf(store, session), 'revoked');
    assert.deepEqual(await liveIds(store), []);
  },

  'goes together with ending sessions one by one: the others live on': async ({ open }) => {
    const store = await open();
    const phone = await begin(store);
    const tablet = await begin(store, { device: { ...phone.device, deviceId: 'tablet-1' } });
    const denyCreateUntilMs = (await storeTimeMs(store)) + HOUR;
    const outcome = await store.raise(raiseCommand(USER, { deviceId: 'tablet-1', denyCreateUntilMs }));
    assert.equal(ofKind(outcome, 'done').count, 1);
    assert.deepEqual([await stateOf(store, phone), await stateOf(store, tablet)], ['active', 'revoked']);
    assert.deepEqual(await store.create(createCommand()), { kind: 'blocked' });
    ofKind(await store.refresh(refreshCommand(phone)), 'rotated');
    const none = await store.raise(raiseCommand(USER, { deviceId: 'tablet-1' }));
    assert.equal(ofKind(none, 'done').count, 0);
    assert.deepEqual(await store.create(createCommand()), { kind: 'blocked' });
  },

  'stays as it is under a raise that says nothing of it, and is changed by one that does': async ({ open }) => {
    const store = await open();
    const nowMs = await storeTimeMs(store);
    const deny = (denyCreateUntilMs: number | null) => store.raise(raiseCommand(USER, { denyCreateUntilMs }));
    await deny(nowMs + HOUR);
    await deny(null);
    assert.deepEqual(await store.create(createCommand()), { kind: 'blocked' });
    await deny(nowMs - HOUR);
    ofKind(await store.create(createCommand()), 'created');
    await deny(nowMs + DAY);
    assert.deepEqual(await store.create(createCommand()), { kind: 'blocked' });
  },

  'is kept until then, however long that is': async ({ open, clock }) => {
    const store = await open();
    const denyCreateUntilMs = (await storeTimeMs(store)) + 1000 * DAY;
    await store.raise(raiseCommand(USER, { denyCreateUntilMs }));
    await store.raise(raiseCommand());
    for (let passed = 0; passed < 900; passed += 300) {
      clock.ms += 300 * DAY;
      await sweepAll(store);
      assert.deepEqual(await store.create(createCommand()), { kind: 'blocked' });
    }
    clock.ms += 101 * DAY;
    await sweepAll(store);
    ofKind(await store.create(createCommand()), 'created');
  },
};

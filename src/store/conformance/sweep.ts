import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { SessionStore } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  createCommand,
  DAY,
  HOUR,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  times,
  userScope,
} from './commands.ts';
import { follow, sweepAll } from './observe.ts';

export function describeSweep(harness: ConformanceHarness): void {
  describeCases('sweep of sessions', harness, SESSIONS);
  describeCases('sweep', harness, BATCHES);
}

const TIMEOUTS = { idleTimeoutMs: 3 * HOUR, absoluteTimeoutMs: 5 * HOUR };

/** How sessions end, each 3 hours (the absolute limit: 5) after they began. */
const ENDINGS: Readonly<
  Record<string, (store: SessionStore, session: Session, clock: Bench['clock']) => Promise<void>>
> = {
  'was revoked': async (store, session, clock) => {
    clock.ms += 3 * HOUR - MINUTE;
    await store.revoke(revokeCommand(session));
  },
  'was rotated': async (store, session, clock) => {
    clock.ms += 3 * HOUR - MINUTE;
    await store.rotate(rotateCommand(session));
  },
  'expired unused': async (_store, _session, clock) => {
    clock.ms += 3 * HOUR;
  },
  'came to its absolute limit': async (store, session, clock) => {
    clock.ms += 2 * HOUR;
    ofKind(await store.refresh(refreshCommand(session)), 'rotated');
    clock.ms += 3 * HOUR;
  },
  'was ended by a raised minimum': async (store, _session, clock) => {
    clock.ms += 3 * HOUR - MINUTE;
    await store.raise(raiseCommand());
  },
};

const SESSIONS: Cases = {
  ...Object.fromEntries(
    Object.entries(ENDINGS).map(([title, end]) => [
      `leaves one that ${title} readable for the retention, and then removes it`,
      async ({ open, clock }: Bench) => {
        const store = await open();
        const session = await begin(store, TIMEOUTS);
        const other = await begin(store, { userId: 'bob' });
        await end(store, session, clock);
        const state = await stateOf(store, session);
        assert.notEqual(state, 'active');
        for (const passed of [0, 12 * HOUR, 12 * HOUR - 10 * MINUTE]) {
          clock.ms += passed;
          await sweepAll(store);
          assert.equal(await stateOf(store, session), state);
        }
        clock.ms += 20 * MINUTE;
        assert((await sweepAll(store)).sessions >= 1);
        assert.equal(await stateOf(store, session), 'unknown');
        assert.deepEqual(await store.refresh(refreshCommand(session)), { kind: 'unknown' });
        assert.equal(await stateOf(store, other), 'active');
      },
    ]),
  ),

  'removes one that a raised minimum ended within days, however long it could have lived': async ({ open, clock }) => {
    const store = await open();
    await begin(store, { idleTimeoutMs: 0, absoluteTimeoutMs: 300 * DAY });
    clock.ms += 10 * DAY;
    await sweepAll(store);
    await store.raise(raiseCommand());
    let removed = 0;
    for (let day = 0; day < 4; day += 1) {
      clock.ms += DAY;
      removed += (await sweepAll(store)).sessions;
    }
    assert.equal(removed, 1);
  },

  'leaves one that is in use, whenever it would have gone unused': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: HOUR });
    let pair = await begin(store, { idleTimeoutMs: 3 * HOUR });
    const opaque = await begin(store, { idleTimeoutMs: 3 * HOUR, tokenMode: 'opaque' });
    const unlimited = await begin(store, { idleTimeoutMs: 0 });
    for (let round = 0; round < 20; round += 1) {
      clock.ms += 2 * HOUR;
      pair = ofKind(await store.refresh(refreshCommand(pair)), 'rotated').record.session;
      ofKind(await store.read({ ...refTo(opaque), touch: true }), 'found');
      assert.equal((await sweepAll(store)).sessions, 0);
      for (const session of [pair, opaque, unlimited]) assert.equal(await stateOf(store, session), 'active');
    }
    clock.ms += 4 * HOUR + MINUTE;
    assert.equal((await sweepAll(store)).sessions, 2);
    assert.equal(await stateOf(store, unlimited), 'active');
  },

  'leaves one that ended late for as long as one that ended early': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: HOUR });
    const session = await begin(store, { idleTimeoutMs: 3 * HOUR });
    clock.ms += 2 * HOUR;
    const used = ofKind(await store.refresh(refreshCommand(session)), 'rotated').record.session;
    clock.ms += 2 * HOUR + 50 * MINUTE;
    await store.revoke(revokeCommand(used));
    clock.ms += 50 * MINUTE;
    await sweepAll(store);
    assert.equal(await stateOf(store, session), 'revoked');
    clock.ms += 20 * MINUTE;
    await sweepAll(store);
    assert.equal(await stateOf(store, session), 'unknown');
  },
};

const BATCHES: Cases = {
  'removes nothing where nothing is due, and says that there is no more': async ({ open }) => {
    const store = await open();
    await begin(store);
    await store.revoke(revokeCommand(await begin(store)));
    await store.raise(raiseCommand());
    await store.create(createCommand({}, { request: stamp('r1') }));
    const nothing = { sessions: 0, requests: 0, epochs: 0, logEntries: 0, more: false };
    assert.deepEqual(await store.sweep(100), nothing);
  },

  'removes a batch of each kind at most, and says while there is more': async ({ open, clock, expires }) => {
    const store = await open({ maxAbsoluteTimeoutMs: DAY });
    const entries = follow(store);
    for (let index = 0; index < 7; index += 1) {
      const userId = `user-${index}`;
      const command = createCommand({ userId, absoluteTimeoutMs: DAY }, { request: stamp('r1') });
      const { record } = ofKind(await store.create(command), 'created');
      await store.revoke(revokeCommand(record.session));
      await store.raise(raiseCommand(userScope(userId)));
    }
    clock.ms += 3 * DAY;
    const total = { sessions: 0, requests: 0, epochs: 0, logEntries: 0 };
    let rounds = 0;
    for (let more = true; more; rounds += 1) {
      const { more: again, ...removed } = await store.sweep(3);
      for (const kind of ['sessions', 'requests', 'epochs', 'logEntries'] as const) {
        assert(removed[kind] <= 3);
        total[kind] += removed[kind];
      }
      more = again;
      assert(rounds < 20);
    }
    // The head of each of the log's partitions stays.
    const heads = new Set(entries.map(({ partition }) => partition)).size;
    const forgotten = expires ? 0 : 7;
    assert.deepEqual(total, { sessions: 7, requests: forgotten, epochs: forgotten, logEntries: 14 - heads });
    assert(rounds >= 3);
  },

  'removes each row once, however many sweep at once': async ({ openAll, clock }) => {
    const stores = await openAll();
    const [store] = stores;
    const sessions = await Promise.all(times(20, () => begin(store)));
    for (const session of sessions.slice(0, 15)) await store.revoke(revokeCommand(session));
    clock.ms += DAY + MINUTE;
    const sweeps = times(6, (index) => sweepAll(inTurn(stores, index), 4));
    const removed = (await Promise.all(sweeps)).map((result) => result.sessions);
    assert.equal(
      removed.reduce((sum, count) => sum + count, 0),
      15,
    );
    for (const [index, session] of sessions.entries()) {
      assert.equal(await stateOf(store, session), index < 15 ? 'unknown' : 'active');
    }
  },

  'looks past sessions that are due to be looked at again': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: HOUR });
    const used = await Promise.all(times(6, () => begin(store, { idleTimeoutMs: HOUR, tokenMode: 'opaque' })));
    const unused = await begin(store, { idleTimeoutMs: HOUR, tokenMode: 'opaque' });
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 30 * MINUTE;
      for (const session of used) ofKind(await store.read({ ...refTo(session), touch: true }), 'found');
    }
    assert.equal((await sweepAll(store, 2)).sessions, 1);
    assert.equal(await stateOf(store, unused), 'unknown');
    for (const session of used) assert.equal(await stateOf(store, session), 'active');
  },
};

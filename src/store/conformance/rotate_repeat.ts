import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { SessionStore } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import {
  begin,
  DAY,
  HOUR,
  liveIds,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
} from './commands.ts';
import { sweepAll } from './observe.ts';

export function describeRotateRepeat(harness: ConformanceHarness): void {
  describeCases('rotate under a request id', harness, REPEATED);
}

const SUPERSEDED: Readonly<
  Record<string, (store: SessionStore, session: Session, clock: Bench['clock']) => Promise<unknown>>
> = {
  refreshed: (store, session) => store.refresh(refreshCommand(session)),
  rotated: (store, session) => store.rotate(rotateCommand(session)),
  revoked: (store, session) => store.revoke(revokeCommand(session)),
  'logged out everywhere': (store) => store.raise(raiseCommand()),
  expired: async (_store, _session, clock) => {
    clock.ms += 5 * HOUR;
  },
};

const REPEATED: Cases = {
  'finds it also where the log has forgotten what it did': async ({ open, clock }) => {
    const store = await open({ accessTokenTtlMs: MINUTE });
    const command = rotateCommand(await begin(store, { tokenMode: 'opaque' }), { request: stamp('r1') });
    const { record } = ofKind(await store.rotate(command), 'rotated');
    for (let index = 0; index < 3; index += 1) await store.revoke(revokeCommand(await begin(store)));
    clock.ms += HOUR;
    await sweepAll(store);
    const repeated = ofKind(await store.rotate(command), 'repeated');
    assert.equal(repeated.record.session.sessionId, record.session.sessionId);
  },

  'finds the same successor, with whatever credential the first attempt came': async ({ openAll, clock }) => {
    const [store, other = store] = await openAll();
    const old = await begin(store);
    const { nonce } = old.credential;
    const attempt = (instance: SessionStore, proof = {}) => {
      const ref = { ...refTo(old), proof };
      return instance.rotate(rotateCommand(old, { ref, request: stamp('r1') }));
    };
    const first = ofKind(await attempt(store, { nonce, generation: 1, version: 1 }), 'rotated');
    clock.ms += HOUR;
    for (const proof of [{ nonce, generation: 1 }, { nonce }, { version: 1 }, {}, { nonce, generation: 0 }]) {
      const repeat = ofKind(await attempt(other, proof), 'repeated');
      assert.deepEqual(repeat.record, first.record);
      assert.deepEqual([repeat.endedSessionIds, repeat.head], [first.endedSessionIds, first.head]);
    }
    const foreign = { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' };
    assert.deepEqual(await attempt(store, foreign), { kind: 'unknown' });
    assert.equal((await liveIds(store)).length, 1);
  },

  'finds a login on an anonymous session again': async ({ open }) => {
    const store = await open();
    const anonymous = await begin(store, { userId: '' });
    const attempt = () => store.rotate(rotateCommand(anonymous, { userId: 'ann', request: stamp('r1') }));
    const first = ofKind(await attempt(), 'rotated');
    assert.deepEqual(ofKind(await attempt(), 'repeated').record, first.record);
  },

  'refuses the id for another request': async ({ open }) => {
    const store = await open();
    const old = await begin(store);
    ofKind(await store.rotate(rotateCommand(old, { request: stamp('r1') })), 'rotated');
    const another = rotateCommand(old, { request: stamp('r1', 'another') });
    assert.deepEqual(await store.rotate(another), { kind: 'request_reused' });
  },

  'is superseded once the successor was refreshed, rotated, or has ended': async ({ open, clock }) => {
    const store = await open();
    for (const move of Object.values(SUPERSEDED)) {
      const old = await begin(store, { idleTimeoutMs: 5 * HOUR });
      const attempt = () => store.rotate(rotateCommand(old, { request: stamp('r1') }));
      await move(store, ofKind(await attempt(), 'rotated').record.session, clock);
      const live = await liveIds(store);
      assert.deepEqual(await attempt(), { kind: 'superseded' });
      assert.deepEqual(await liveIds(store), live);
      clock.ms += DAY + MINUTE;
    }
  },

  'finds it for as long as the id is kept, however short ended sessions are': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: MINUTE });
    const old = await begin(store);
    const attempt = () => store.rotate(rotateCommand(old, { request: stamp('r1') }));
    const first = ofKind(await attempt(), 'rotated');
    clock.ms += DAY - MINUTE;
    await sweepAll(store);
    assert.equal(ofKind(await attempt(), 'repeated').record.session.sessionId, first.record.session.sessionId);
    assert.equal(await stateOf(store, old), 'unknown');
    clock.ms += 2 * MINUTE;
    await sweepAll(store);
    assert.deepEqual(await attempt(), { kind: 'unknown' });
  },
};

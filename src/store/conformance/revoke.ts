import assert from 'node:assert/strict';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  DAY,
  HOUR,
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
  times,
  userScope,
} from './commands.ts';
import { follow, leavesUnchanged, positionOf, sweepAll } from './observe.ts';

export function describeRevoke(harness: ConformanceHarness): void {
  describeCases('revoke', harness, REVOKE);
  describeCases('revoke under a request id', harness, REPEATED);
}

const REVOKE: Cases = {
  'names a position that covers what ended the session before it': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    for (let round = 0; round < 10; round += 1) {
      const sessions = await Promise.all(times(8, () => begin(store)));
      const raising = inTurn(stores, 1).raise(raiseCommand());
      const revokes = await Promise.all(sessions.map((session) => store.revoke(revokeCommand(session))));
      const { head } = ofKind(await raising, 'done');
      for (const outcome of revokes) {
        assert(outcome.kind === 'done');
        // One that the raise ended, or one that it found ended.
        assert(outcome.revoked || (outcome.head?.position ?? 0) >= head.position);
      }
    }
  },

  'ends the session, at that time and for that reason, and logs it': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const [session, other] = [await begin(store), await begin(store)];
    clock.ms += HOUR;
    const outcome = ofKind(await store.revoke(revokeCommand(session, { reason: 'credential_change' })), 'done');
    assert.equal(outcome.revoked, true);
    const [entry] = entries;
    assert(entry !== undefined && entries.length === 1);
    const { tenantId, sessionId } = session;
    assert.deepEqual(entry.revocation.scope, { kind: 'session', tenantId, sessionId, minVersion: 0 });
    assert.deepEqual(outcome.head, positionOf(entry));
    const { revokeTimeMs: timeMs, reason } = entry.revocation;
    assert(reason === 'credential_change' && timeMs >= session.createTimeMs + HOUR);
    const after = await recordOf(store, session);
    assert.deepEqual(after, {
      session: { ...session, revocation: { timeMs, reason } },
      status: { state: 'revoked', timeMs, reason },
    });
    assert.equal(await stateOf(store, other), 'active');
  },

  'is idempotent: again it revokes nothing and changes nothing, but can be waited for': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const first = ofKind(await store.revoke(revokeCommand(session)), 'done');
    clock.ms += HOUR;
    const act = () => store.revoke(revokeCommand(session, { reason: 'admin' }));
    const again = ofKind(await leavesUnchanged(store, session, act), 'done');
    assert.deepEqual(again, { kind: 'done', revoked: false, repeated: false, head: first.head });
    assert.equal(entries.length, 1);
  },

  'revokes nothing that is unknown, of another tenant, or not proven': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const refs = [
      { tenantIds: ['acme'], sessionId: '00000000-0000-7000-8000-000000000000' },
      { ...refTo(session), tenantIds: ['other'] },
      { ...refTo(session), proof: { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' } },
    ];
    for (const ref of refs) {
      const outcome = ofKind(await store.revoke(revokeCommand(session, { ref, request: stamp('r1') })), 'done');
      assert.deepEqual(outcome, { kind: 'done', revoked: false, repeated: false, head: null });
    }
    assert.equal(await stateOf(store, session), 'active');
    assert.deepEqual(entries, []);
  },

  'revokes nothing that had ended, and leaves the reason for which it had': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const idle = await begin(store, { idleTimeoutMs: HOUR });
    const raised = await begin(store, { userId: 'bob' });
    const rotated = await begin(store);
    await store.raise(raiseCommand(userScope('bob'), { reason: 'security' }));
    await store.rotate(rotateCommand(rotated));
    clock.ms += HOUR;
    const logged = entries.length;
    for (const session of [idle, raised, rotated]) {
      const act = () => store.revoke(revokeCommand(session));
      assert.equal(ofKind(await leavesUnchanged(store, session, act), 'done').revoked, false);
    }
    assert.equal(entries.length, logged);
  },

  'ends a session that its credential proves, spent or not': async ({ open, clock }) => {
    const store = await open();
    const first = await begin(store);
    const { nonce } = first.credential;
    await store.refresh(refreshCommand(first));
    clock.ms += DAY;
    const ref = { ...refTo(first), proof: { nonce } };
    assert.equal(ofKind(await store.revoke(revokeCommand(first, { ref })), 'done').revoked, true);
  },

  'is done once by 20 at once, and logged once': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store);
    const racers = times(20, (index) => inTurn(stores, index).revoke(revokeCommand(session)));
    const outcomes = (await Promise.all(racers)).map((outcome) => ofKind(outcome, 'done'));
    assert.equal(outcomes.filter((outcome) => outcome.revoked).length, 1);
    for (const { head } of outcomes) assert.deepEqual(head, outcomes[0]?.head);
    assert.equal(outcomes[0]?.head?.position, 1);
  },
};

const REPEATED: Cases = {
  'gives it for as long as the id is kept, however short ended sessions are': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: MINUTE });
    const session = await begin(store);
    const command = revokeCommand(session, { request: stamp('r1') });
    const first = await store.revoke(command);
    clock.ms += DAY - MINUTE;
    await sweepAll(store);
    assert.deepEqual(await store.revoke(command), { ...first, repeated: true });
    assert.equal(await stateOf(store, session), 'unknown');
  },

  'gives what it gave at first': async ({ openAll, clock }) => {
    const [store, other = store] = await openAll();
    const [session, next] = [await begin(store), await begin(store)];
    const command = revokeCommand(session, { request: stamp('r1') });
    const first = await store.revoke(command);
    assert.equal(ofKind(first, 'done').revoked, true);
    await store.revoke(revokeCommand(next));
    clock.ms += HOUR;
    assert.deepEqual(await other.revoke(command), { ...first, repeated: true });
    const late = revokeCommand(session, { request: stamp('r2') });
    const nothing = await store.revoke(late);
    assert.equal(ofKind(nothing, 'done').revoked, false);
    assert.deepEqual(await other.revoke(late), { ...nothing, repeated: true });
  },

  'refuses the id for another request, and ends nothing': async ({ open }) => {
    const store = await open();
    const [session, other] = [await begin(store), await begin(store)];
    await store.revoke(revokeCommand(session, { request: stamp('r1') }));
    const another = revokeCommand(other, { request: stamp('r1', 'another') });
    assert.deepEqual(await store.revoke(another), { kind: 'request_reused' });
    assert.equal(await stateOf(store, other), 'active');
  },

  'is forgotten after 24 hours': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: 7 * DAY });
    const session = await begin(store);
    const command = revokeCommand(session, { request: stamp('r1') });
    assert.equal(ofKind(await store.revoke(command), 'done').revoked, true);
    clock.ms += DAY;
    assert.equal(ofKind(await store.revoke(command), 'done').revoked, false);
  },
};

import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { RotateCommand, SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  CLIENT,
  DAY,
  GLOBAL,
  HOUR,
  listQuery,
  liveIds,
  ofKind,
  raiseCommand,
  recordOf,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stateOf,
  TENANT,
  times,
} from './commands.ts';
import { endingsOf, follow, leavesUnchanged, positionOf, sweepAll } from './observe.ts';

export function describeRotate(harness: ConformanceHarness): void {
  describeCases('rotate', harness, ROTATE);
  describeCases('rotate to a user', harness, LOGIN);
  describeCases('rotate, under a shorter maximum than before', harness, SHORTENED, 'persistent');
}

async function rotated(store: SessionStore, session: Session, change: Partial<RotateCommand> = {}): Promise<Session> {
  return ofKind(await store.rotate(rotateCommand(session, change)), 'rotated').record.session;
}

const ROTATE: Cases = {
  'ends the old id and carries everything over to the new one': async ({ open, clock }) => {
    const store = await open();
    const actor = { userId: 'support-7', tenantId: 'staff', reason: 'ticket 42' };
    const old = await begin(store, { actor, authTimeMs: 1_700_000_000_123, clientId: 'app' });
    clock.ms += HOUR;
    const command = rotateCommand(old, { keyId: 9 });
    const outcome = ofKind(await store.rotate(command), 'rotated');
    const { session, status } = outcome.record;
    const { credential } = session;
    assert.deepEqual([credential.nonce, credential.generation, credential.keyId], [command.nonce, 1, 9]);
    const { newSessionId: sessionId } = command;
    assert.deepEqual(session, { ...old, sessionId, credential, lastActiveTimeMs: outcome.nowMs, version: 1 });
    assert.deepEqual(status, { state: 'active' });
    assert.deepEqual(outcome.endedSessionIds, [old.sessionId]);
    assert.deepEqual(await recordOf(store, session), outcome.record);
    assert.equal((await store.list(listQuery())).length, 2);
  },

  'revokes the old id and logs that': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const old = await begin(store);
    const { head, nowMs } = ofKind(await store.rotate(rotateCommand(old)), 'rotated');
    assert.deepEqual((await recordOf(store, old)).status, { state: 'revoked', timeMs: nowMs, reason: 'rotated' });
    const [entry] = endingsOf(entries, old.sessionId);
    assert(entry !== undefined && entries.length === 1);
    assert.equal(entry.revocation.reason, 'rotated');
    assert.deepEqual(head, positionOf(entry));
    assert.deepEqual(await store.rotate(rotateCommand(old)), { kind: 'ended' });
  },

  'sets what is given': async ({ open }) => {
    const store = await open();
    const old = await begin(store);
    const given = { acr: 'gold', amr: ['otp'], claims: '{"a":1}', data: '{"b":2}', idleTimeoutMs: 2 * DAY };
    const device = { deviceId: '', name: 'New', userAgent: '', ipAddress: '' };
    const session = await rotated(store, old, { ...given, device, absoluteTimeoutMs: 20 * DAY });
    assert.deepEqual({ ...session, ...given }, session);
    assert.deepEqual(session.device, { ...old.device, name: 'New' });
    assert.equal(session.absoluteExpireTimeMs, old.createTimeMs + 20 * DAY);
  },

  'restarts the absolute limit with a later authentication only': async ({ open, clock }) => {
    const store = await open();
    let session = await begin(store);
    for (const authTimeMs of [null, session.authTimeMs, session.authTimeMs - DAY]) {
      clock.ms += DAY;
      const next = await rotated(store, session, { authTimeMs });
      assert.equal(next.absoluteExpireTimeMs, session.absoluteExpireTimeMs);
      assert.equal(next.authTimeMs, authTimeMs ?? session.authTimeMs);
      session = next;
    }
    clock.ms += DAY;
    const command = rotateCommand(session, { authTimeMs: session.authTimeMs + 2 * DAY });
    const { record, nowMs } = ofKind(await store.rotate(command), 'rotated');
    assert.equal(record.session.absoluteExpireTimeMs, nowMs + session.absoluteTimeoutMs);
    assert.equal(record.session.authTimeMs, command.authTimeMs);
  },

  'is refused, and ends nothing, where the absolute limit that is asked for would have passed': async (bench) => {
    const { open, clock } = bench;
    const store = await open();
    const session = await begin(store);
    clock.ms += 2 * HOUR;
    const act = () => store.rotate(rotateCommand(session, { absoluteTimeoutMs: HOUR }));
    assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'timeout_passed' });
    assert.equal((await liveIds(store)).length, 1);
    const authTimeMs = session.authTimeMs + 2 * HOUR;
    ofKind(await store.rotate(rotateCommand(session, { absoluteTimeoutMs: HOUR, authTimeMs })), 'rotated');
  },

  'does not count against the limit of a user whose number of sessions stays': async ({ open }) => {
    const store = await open({ limit: { max: 1, policy: 'reject' } });
    const session = await begin(store);
    await rotated(store, await rotated(store, session), { userId: 'ann' });
  },

  'takes no credential for a proof that was spent or superseded': async ({ open }) => {
    const store = await open();
    const old = await begin(store);
    const { session } = ofKind(await store.refresh(refreshCommand(old)), 'rotated').record;
    const { nonce } = session.credential;
    const proofs = [{ nonce, generation: 1 }, { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }, { audience: 'mail' }];
    for (const proof of proofs) {
      const command = rotateCommand(session, { ref: { ...refTo(session), proof } });
      assert.deepEqual(await leavesUnchanged(store, session, () => store.rotate(command)), { kind: 'unknown' });
    }
    const foreign = rotateCommand(session, { ref: { ...refTo(session), tenantIds: ['other'] } });
    assert.deepEqual(await store.rotate(foreign), { kind: 'unknown' });
    await rotated(store, session, { ref: { ...refTo(session), proof: { nonce, generation: 2 } } });
  },

  'does not go on from what has ended, however it ended': async ({ open, clock }) => {
    const store = await open();
    const endings: ((session: Session) => unknown)[] = [
      (session) => store.revoke(revokeCommand(session)),
      () => store.raise(raiseCommand()),
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
      const act = () => store.rotate(rotateCommand(session));
      assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'ended' });
      assert.deepEqual(await liveIds(store), []);
    }
  },

  'lets one of 20 win': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store);
    const racers = times(20, (index) => inTurn(stores, index).rotate(rotateCommand(session)));
    const kinds = (await Promise.all(racers)).map((outcome) => outcome.kind);
    assert.equal(kinds.filter((kind) => kind === 'rotated').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'ended').length, 19);
    assert.equal((await liveIds(store)).length, 1);
  },
};

const LOGIN: Cases = {
  'turns an anonymous session into one of the user, who was authenticated now': async ({ open, clock }) => {
    const store = await open();
    const anonymous = await begin(store, { userId: '', authTimeMs: 1_700_000_000_000 });
    clock.ms += HOUR;
    const command = rotateCommand(anonymous, { userId: 'ann' });
    const { record, nowMs } = ofKind(await store.rotate(command), 'rotated');
    const { userId, authTimeMs, data, absoluteExpireTimeMs } = record.session;
    assert.deepEqual([userId, authTimeMs, data], ['ann', nowMs, anonymous.data]);
    assert.equal(absoluteExpireTimeMs, nowMs + anonymous.absoluteTimeoutMs);
    assert.deepEqual(await liveIds(store), [record.session.sessionId]);
    assert.equal(await stateOf(store, anonymous), 'revoked');
  },

  "creates under the user's minimum: a log-out-everywhere of before does not end it, one after does": async (bench) => {
    const store = await bench.open();
    const anonymous = await begin(store, { userId: '' });
    await store.raise(raiseCommand());
    const session = await rotated(store, anonymous, { userId: 'ann' });
    assert.equal(await stateOf(store, session), 'active');
    await store.raise(raiseCommand());
    assert.equal(await stateOf(store, session), 'revoked');
  },

  "evicts by the user's limit, and tells of all that it ended": async ({ open }) => {
    const store = await open({ limit: { max: 1, policy: 'evict-oldest' } });
    const entries = follow(store);
    const first = await begin(store);
    const anonymous = await begin(store, { userId: '' });
    const outcome = ofKind(await store.rotate(rotateCommand(anonymous, { userId: 'ann' })), 'rotated');
    assert.deepEqual(new Set(outcome.endedSessionIds), new Set([anonymous.sessionId, first.sessionId]));
    assert.equal(endingsOf(entries, first.sessionId)[0]?.revocation.reason, 'session_limit');
    assert.deepEqual(outcome.head, positionOf(entries.at(-1)));
    assert.deepEqual(await liveIds(store), [outcome.record.session.sessionId]);
  },

  'is rejected at the limit under reject, and leaves the session anonymous and live': async ({ open }) => {
    const store = await open({ limit: { max: 1, policy: 'reject' } });
    await begin(store);
    const anonymous = await begin(store, { userId: '' });
    const act = () => store.rotate(rotateCommand(anonymous, { userId: 'ann' }));
    assert.deepEqual(await leavesUnchanged(store, anonymous, act), { kind: 'limit' });
    await store.raise(raiseCommand());
    ofKind(await act(), 'rotated');
  },

  'does not give a session another user, but lets it keep its own': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const act = () => store.rotate(rotateCommand(session, { userId: 'bob' }));
    assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'other_user' });
    const same = await rotated(store, session, { userId: 'ann' });
    assert.deepEqual([same.userId, same.authTimeMs], ['ann', session.authTimeMs]);
  },
};

const SHORTENED: Cases = {
  'leaves the limit of a session where it is, unless it starts anew': async ({ open, reopen, clock }) => {
    const long = { absoluteTimeoutMs: 100 * DAY, idleTimeoutMs: 0 };
    const session = await begin(await open({ maxAbsoluteTimeoutMs: 100 * DAY }), long);
    clock.ms += 20 * DAY;
    const store = await reopen({ maxAbsoluteTimeoutMs: 10 * DAY });
    const next = await rotated(store, session);
    assert.equal(next.absoluteExpireTimeMs, session.absoluteExpireTimeMs);
    assert.equal(await stateOf(store, next), 'active');
    clock.ms += 20 * DAY;
    assert.equal(await stateOf(store, next), 'active');
  },

  'lets no session outlive the epoch that ended it, where its limit starts anew': async ({ open, reopen, clock }) => {
    // Rows outlast their epochs.
    const lasting = { endedSessionRetentionMs: 1000 * DAY };
    const timeouts = { absoluteTimeoutMs: 100 * DAY, idleTimeoutMs: 0 };
    const long = await begin(await open({ ...lasting, maxAbsoluteTimeoutMs: 100 * DAY }), timeouts);
    clock.ms += 90 * DAY;
    const store = await reopen({ ...lasting, maxAbsoluteTimeoutMs: 10 * DAY });
    const session = await rotated(store, long, { authTimeMs: long.authTimeMs + 90 * DAY });
    clock.ms += 20 * DAY;
    await store.raise(raiseCommand());
    for (let passed = 0; passed < 100; passed += 20) {
      clock.ms += 20 * DAY;
      await sweepAll(store);
      assert.notEqual(await stateOf(store, session), 'active', `${passed + 20} days after the raise`);
    }
  },
};

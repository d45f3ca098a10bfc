import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { CredentialProof, SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import {
  begin,
  DAY,
  GLOBAL,
  HOUR,
  listQuery,
  MINUTE,
  ofKind,
  raiseCommand,
  recordOf,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  SECOND,
  stateOf,
  updateCommand,
  TENANT,
  userScope,
} from './commands.ts';
import { assertExpiresAt, leavesUnchanged } from './observe.ts';

export function describeRead(harness: ConformanceHarness): void {
  describeCases('read', harness, READ);
  describeCases('read with a touch', harness, TOUCH);
  describeCases('read, beside another instance', harness, SHARED, 'shared');
}

async function touch(store: SessionStore, session: Session): Promise<{ nowMs: number; lastActiveTimeMs: number }> {
  const { record, nowMs } = ofKind(await store.read({ ...refTo(session), touch: true }), 'found');
  assert.deepEqual(await recordOf(store, session), record);
  return { nowMs, lastActiveTimeMs: record.session.lastActiveTimeMs };
}

const READ: Cases = {
  'finds a session of the tenant, or of whichever where none is named': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const { sessionId } = session;
    for (const tenantIds of [['acme'], null]) {
      const outcome = ofKind(await store.read({ tenantIds, sessionId, touch: false }), 'found');
      assert.deepEqual(outcome.record, { session, status: { state: 'active' } });
    }
    for (const tenantId of ['other', '', 'ACME']) {
      assert.deepEqual(await store.read({ tenantIds: [tenantId], sessionId, touch: true }), { kind: 'unknown' });
    }
  },

  'does not know a session whose id differs': async ({ open }) => {
    const store = await open();
    await begin(store);
    for (const sessionId of ['00000000-0000-7000-8000-000000000000', '', '__proto__']) {
      assert.deepEqual(await store.read({ tenantIds: null, sessionId, touch: true }), { kind: 'unknown' });
    }
  },

  'does not know a session that the credential does not prove': async ({ open }) => {
    const store = await open();
    const first = await begin(store, { audiences: ['api', 'files'] });
    await store.refresh(refreshCommand(first));
    await store.update(updateCommand(first, { supersedeAccessTokens: true }));
    const { session } = await recordOf(store, first);
    const { nonce, generation } = session.credential;
    const read = (proof: CredentialProof) => store.read({ ...refTo(session), proof, touch: false });
    const good: CredentialProof[] = [
      {},
      { nonce },
      { nonce, generation },
      { generation: generation + 1 },
      { version: session.version },
      { version: session.version + 1 },
      { audience: 'api' },
      { audience: 'files', nonce, generation, version: session.version },
    ];
    for (const proof of good) assert.equal((await read(proof)).kind, 'found', JSON.stringify(proof));
    const bad: CredentialProof[] = [
      { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' },
      { nonce: '' },
      { nonce, generation: generation - 1 },
      { version: session.version - 1 },
      { audience: 'mail' },
      { audience: 'ap' },
      { nonce, audience: 'mail' },
    ];
    for (const proof of bad) assert.deepEqual(await read(proof), { kind: 'unknown' }, JSON.stringify(proof));
  },

  'knows a version that was not superseded': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    await store.update(updateCommand(session, { deviceName: 'Renamed' }));
    const proof = { version: session.version };
    ofKind(await store.read({ ...refTo(session), proof, touch: false }), 'found');
  },

  'tells when and why a session has ended, and keeps telling': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: 30 * DAY });
    const [revoked, raised, idle] = [await begin(store), await begin(store, { userId: 'bob' }), await begin(store)];
    const { nowMs: before } = ofKind(await store.read({ ...refTo(idle), touch: false }), 'found');
    clock.ms += HOUR;
    await store.revoke(revokeCommand(revoked, { reason: 'security' }));
    await store.raise(raiseCommand(userScope('bob'), { reason: 'account_disabled' }));
    for (const [session, reason] of [[revoked, 'security'] as const, [raised, 'account_disabled'] as const]) {
      const { status } = await recordOf(store, session);
      assert(status.state === 'revoked' && status.reason === reason);
      assert(status.timeMs >= before + HOUR);
      clock.ms += HOUR;
      assert.deepEqual((await recordOf(store, session)).status, status);
    }
    clock.ms += 7 * DAY;
    assert.equal(await stateOf(store, raised), 'revoked');
    const expired = { state: 'expired', timeMs: idle.createTimeMs + 7 * DAY };
    assert.deepEqual((await recordOf(store, idle)).status, expired);
  },

  'tells what ended a session first, where more than one thing did': async ({ open, clock }) => {
    const store = await open();
    const [revoked, raised] = [await begin(store), await begin(store, { userId: 'bob' })];
    await store.revoke(revokeCommand(revoked, { reason: 'security' }));
    await store.raise(raiseCommand(userScope('bob'), { reason: 'account_disabled' }));
    const first = [(await recordOf(store, revoked)).status, (await recordOf(store, raised)).status];
    for (const scope of [TENANT, GLOBAL]) {
      clock.ms += MINUTE;
      await store.raise(raiseCommand(scope, { reason: 'admin' }));
    }
    assert.deepEqual([(await recordOf(store, revoked)).status, (await recordOf(store, raised)).status], first);
  },

  'tells that a session has expired, where it was revoked only then': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { idleTimeoutMs: HOUR });
    clock.ms += 2 * HOUR;
    await store.raise(raiseCommand());
    assert.equal(await stateOf(store, session), 'expired');
  },
};

const TOUCH: Cases = {
  'slides the idle limit once the last touch is older than the interval': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { tokenMode: 'opaque' });
    clock.ms += 50 * SECOND;
    assert.equal((await touch(store, session)).lastActiveTimeMs, session.createTimeMs);
    clock.ms += 10 * SECOND;
    const slid = await touch(store, session);
    assert.equal(slid.lastActiveTimeMs, slid.nowMs);
    clock.ms += 50 * SECOND;
    assert.equal((await touch(store, session)).lastActiveTimeMs, slid.lastActiveTimeMs);
    clock.ms += 10 * SECOND;
    const again = await touch(store, session);
    assert.equal(again.lastActiveTimeMs, again.nowMs);
  },

  'comes no later than half of a short idle timeout': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { tokenMode: 'opaque', idleTimeoutMs: 40 * SECOND });
    clock.ms += 15 * SECOND;
    assert.equal((await touch(store, session)).lastActiveTimeMs, session.createTimeMs);
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 20 * SECOND;
      const { lastActiveTimeMs, nowMs } = await touch(store, session);
      assert.equal(lastActiveTimeMs, nowMs);
    }
  },

  'changes nothing but the time of the last use': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    clock.ms += HOUR;
    const { record, nowMs } = ofKind(await store.read({ ...refTo(session), touch: true }), 'found');
    assert.deepEqual(record.session, { ...session, lastActiveTimeMs: nowMs });
  },

  'never writes where there is no idle limit': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { tokenMode: 'opaque', idleTimeoutMs: 0 });
    for (let day = 0; day < 5; day += 1) {
      clock.ms += DAY;
      await leavesUnchanged(store, session, () => touch(store, session));
    }
  },

  'does not happen unless it is asked for': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { tokenMode: 'opaque', idleTimeoutMs: HOUR });
    clock.ms += 50 * MINUTE;
    const read = () => store.read({ ...refTo(session), touch: false });
    await leavesUnchanged(store, session, read);
    await assertExpiresAt(store, clock, session, session.createTimeMs + HOUR);
  },

  'never moves the absolute limit': async ({ open, clock }) => {
    const store = await open();
    const timeouts = { idleTimeoutMs: HOUR, absoluteTimeoutMs: 3 * HOUR };
    const session = await begin(store, { tokenMode: 'opaque', ...timeouts });
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 35 * MINUTE;
      const { lastActiveTimeMs, nowMs } = await touch(store, session);
      assert.equal(lastActiveTimeMs, nowMs);
    }
    await assertExpiresAt(store, clock, session, session.absoluteExpireTimeMs);
    assert.equal(session.absoluteExpireTimeMs, session.createTimeMs + 3 * HOUR);
  },

  'knows no session whose retention is over, swept or not, however it ended': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: DAY });
    const lasting = { idleTimeoutMs: 0 };
    const [revoked, raised] = [await begin(store, lasting), await begin(store, { ...lasting, userId: 'bob' })];
    const [idle, live] = [await begin(store, { idleTimeoutMs: HOUR }), await begin(store, lasting)];
    await store.revoke(revokeCommand(revoked));
    await store.raise(raiseCommand(userScope('bob')));
    clock.ms += DAY - MINUTE;
    for (const session of [revoked, raised, idle]) assert.notEqual(await stateOf(store, session), 'unknown');
    clock.ms += HOUR + MINUTE;
    for (const session of [revoked, raised, idle]) {
      assert.equal(await stateOf(store, session), 'unknown');
      assert.deepEqual(await store.refresh(refreshCommand(session)), { kind: 'unknown' });
      assert.deepEqual(await store.update(updateCommand(session)), { kind: 'unknown' });
      assert.deepEqual(await store.rotate(rotateCommand(session)), { kind: 'unknown' });
      assert.equal(ofKind(await store.revoke(revokeCommand(session)), 'done').revoked, false);
      const command = raiseCommand(userScope(session.userId), { exceptSessionId: session.sessionId });
      assert.deepEqual(await store.raise(command), { kind: 'except_unknown' });
    }
    const states = ['active', 'expired', 'revoked'] as const;
    const listed = await store.list(listQuery({ states }));
    assert.deepEqual(
      listed.map(({ session }) => session.sessionId),
      [live.sessionId],
    );
  },

  'brings nothing back that has ended, nor what its credential does not prove': async ({ open, clock }) => {
    const store = await open({ endedSessionRetentionMs: 30 * DAY });
    const [revoked, raised, idle] = [await begin(store), await begin(store, { userId: 'bob' }), await begin(store)];
    const live = await begin(store, { idleTimeoutMs: 20 * DAY });
    await store.revoke(revokeCommand(revoked));
    await store.raise(raiseCommand(userScope('bob')));
    clock.ms += 8 * DAY;
    for (const session of [revoked, raised, idle]) {
      await leavesUnchanged(store, session, () => store.read({ ...refTo(session), touch: true }));
      assert.notEqual(await stateOf(store, session), 'active');
    }
    const proof = { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' };
    await leavesUnchanged(store, live, () => store.read({ ...refTo(live), proof, touch: true }));
  },
};

const SHARED: Cases = {
  'sees every revocation that was acknowledged before, whoever made it': async ({ openAll }) => {
    const [first, second] = await openAll();
    assert(first !== undefined && second !== undefined);
    for (let round = 0; round < 10; round += 1) {
      const one = await begin(first);
      const all = await begin(second, { userId: 'bob' });
      await first.revoke(revokeCommand(one));
      assert.equal(await stateOf(second, one), 'revoked');
      await first.raise(raiseCommand(userScope('bob')));
      assert.equal(await stateOf(second, all), 'revoked');
    }
  },
};

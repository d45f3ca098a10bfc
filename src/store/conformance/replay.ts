import assert from 'node:assert/strict';
import { REMEMBERED_GENERATIONS } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import type { RefreshCommand, SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, DEFAULT_RULES, describeCases, inTurn } from './bench.ts';
import { begin, DAY, HOUR, MINUTE, ofKind, recordOf, refreshCommand, SECOND } from './commands.ts';
import { endingsOf, follow, leavesUnchanged } from './observe.ts';

export function describeReplay(harness: ConformanceHarness): void {
  describeCases('a spent refresh token within the grace', harness, GRACE);
  describeCases('a spent refresh token under the request id that spent it', harness, REQUEST);
  describeCases('a spent refresh token that is theft', harness, THEFT);
}

const GRACE_MS = DEFAULT_RULES.refreshGraceMs;

async function rotate(store: SessionStore, session: Session, change: Partial<RefreshCommand> = {}): Promise<Session> {
  return ofKind(await store.refresh(refreshCommand(session, change)), 'rotated').record.session;
}

/** Presents the session's token of that generation, which must be answered with the current one and change nothing. */
async function assertReplays(store: SessionStore, session: Session, change: Partial<RefreshCommand>): Promise<void> {
  const act = () => store.refresh(refreshCommand(session, change));
  const outcome = ofKind(await leavesUnchanged(store, session, act), 'replayed');
  assert.deepEqual(outcome.record, await recordOf(store, session));
  assert.deepEqual(outcome.previousDevice, outcome.record.session.device);
}

async function assertIsTheft(store: SessionStore, session: Session, change: Partial<RefreshCommand>): Promise<void> {
  const outcome = await store.refresh(refreshCommand(session, change));
  assert.deepEqual(outcome, { kind: 'reused', tenantId: session.tenantId });
  const { status } = await recordOf(store, session);
  assert(status.state === 'revoked' && status.reason === 'refresh_token_reuse');
}

const GRACE: Cases = {
  'is a replay: it gets the current token and changes neither claims nor device nor use': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, session);
    clock.ms += GRACE_MS - 2 * SECOND;
    const device = { deviceId: 'd', name: 'n', userAgent: 'u', ipAddress: 'i' };
    await assertReplays(store, session, { claims: '{"role":"owner"}', device, keyId: 9 });
    await assertReplays(store, session, { requestId: 'r1', requestHash: 'h1' });
  },

  'logs nobody out: three tabs refresh in turn, the slowest two steps behind': async ({ open, clock }) => {
    const store = await open();
    const first = await begin(store);
    clock.ms += HOUR;
    const second = await rotate(store, first);
    clock.ms += SECOND;
    await assertReplays(store, first, {});
    const third = await rotate(store, second);
    clock.ms += SECOND;
    await assertReplays(store, first, {});
    await assertReplays(store, second, {});
    await rotate(store, third);
  },

  'is a replay for the last 8 generations, and theft before them': async ({ open }) => {
    const store = await open();
    let session = await begin(store);
    for (let step = 0; step < REMEMBERED_GENERATIONS + 1; step += 1) session = await rotate(store, session);
    const { generation } = session.credential;
    for (let back = 1; back <= REMEMBERED_GENERATIONS; back += 1) {
      await assertReplays(store, session, { generation: generation - back });
    }
    await assertIsTheft(store, session, { generation: generation - REMEMBERED_GENERATIONS - 1 });
  },

  'has a grace of its own: that of a later generation does not lengthen it': async ({ open, clock }) => {
    const store = await open();
    const first = await begin(store);
    const second = await rotate(store, first);
    clock.ms += GRACE_MS - 2 * SECOND;
    const third = await rotate(store, second);
    clock.ms += 4 * SECOND;
    await assertReplays(store, third, { generation: 2 });
    await assertIsTheft(store, third, { generation: 1 });
  },

  'slides nothing: the session still expires when it would have': async ({ open, clock }) => {
    const store = await open({ refreshGraceMs: DAY });
    const session = await begin(store, { idleTimeoutMs: HOUR });
    await rotate(store, session);
    clock.ms += 50 * MINUTE;
    await assertReplays(store, session, {});
    clock.ms += 15 * MINUTE;
    assert.deepEqual(await store.refresh(refreshCommand(session)), { kind: 'expired' });
  },
};

const R1 = { requestId: 'r1', requestHash: 'h1' };

const REQUEST: Cases = {
  'is a replay as long as the successor is unused, long after the grace': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, session, R1);
    for (let day = 0; day < 3; day += 1) {
      clock.ms += DAY;
      await assertReplays(store, session, R1);
    }
  },

  'is theft once the successor was used': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, await rotate(store, session, R1), { requestId: 'r2', requestHash: 'h2' });
    await assertReplays(store, session, R1);
    clock.ms += GRACE_MS;
    await assertIsTheft(store, session, R1);
  },

  'is theft once the successor was used without a request id': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, await rotate(store, session, R1));
    clock.ms += GRACE_MS;
    await assertIsTheft(store, session, R1);
  },

  'is refused with another request, and nothing is changed': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    await rotate(store, session, R1);
    for (const passed of [0, HOUR]) {
      clock.ms += passed;
      for (const generation of [1, 2]) {
        const command = refreshCommand(session, { ...R1, requestHash: 'h2', generation });
        const outcome = await leavesUnchanged(store, session, () => store.refresh(command));
        assert.deepEqual(outcome, { kind: 'request_reused' });
      }
    }
    assert.deepEqual(entries, []);
    await assertReplays(store, session, R1);
  },

  'is theft under any other request id, or none, after the grace': async ({ open, clock }) => {
    const store = await open();
    for (const other of [{ requestId: 'r2', requestHash: 'h1' }, {}]) {
      const session = await begin(store);
      await rotate(store, session, R1);
      clock.ms += GRACE_MS;
      await assertIsTheft(store, session, other);
    }
  },

  'is theft for a token that it did not spend': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, await rotate(store, session), R1);
    clock.ms += GRACE_MS;
    await assertIsTheft(store, session, { ...R1, generation: 1 });
  },

  'is theft where the token was spent without one': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    await rotate(store, session);
    clock.ms += GRACE_MS;
    await assertIsTheft(store, session, { requestId: '', requestHash: '' });
  },
};

const THEFT: Cases = {
  'ends the session with its current token, in the log too': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const first = await begin(store);
    const other = await begin(store);
    const session = await rotate(store, first);
    clock.ms += GRACE_MS;
    await assertIsTheft(store, session, { generation: 1 });
    assert.equal(entries.length, 1);
    assert.equal(endingsOf(entries, session.sessionId)[0]?.revocation.reason, 'refresh_token_reuse');
    for (const generation of [1, 2]) {
      assert.deepEqual(await store.refresh(refreshCommand(session, { generation })), { kind: 'revoked' });
    }
    assert.equal((await recordOf(store, other)).status.state, 'active');
    assert.equal(entries.length, 1);
  },

  'comes at once where there is no grace': async ({ open }) => {
    const store = await open({ refreshGraceMs: 0 });
    const session = await begin(store);
    await rotate(store, session);
    await assertIsTheft(store, session, { generation: 1 });
  },

  'is found once: of 20 thieves at once one ends the session': async ({ openAll, clock }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store);
    await rotate(store, session);
    clock.ms += GRACE_MS;
    const attempts = Array.from({ length: 20 }, (_, index) => inTurn(stores, index));
    const outcomes = await Promise.all(attempts.map((instance) => instance.refresh(refreshCommand(session))));
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'reused').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'revoked').length, 19);
  },
};

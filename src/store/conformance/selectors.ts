import assert from 'node:assert/strict';
import type { NewSession, RaiseCommand } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import {
  begin,
  beginInTurn,
  HOUR,
  liveIds,
  ofKind,
  raiseCommand,
  recordOf,
  revokeCommand,
  stateOf,
  USER,
} from './commands.ts';
import { assertChained, countOf, endingsOf, follow, positionOf } from './observe.ts';

export function describeSelectors(harness: ConformanceHarness): void {
  describeCases('raise that ends sessions one by one', harness, { ...SELECT, ...ONE_BY_ONE });
}

const onDevice = (deviceId: string): Pick<NewSession, 'device'> => ({
  device: { deviceId, name: '', userAgent: '', ipAddress: '' },
});

/** In the order of their creation, an hour apart. */
const SESSIONS = ['d1', 'd2', 'd1', 'd2', 'd1'] as const;

/** Which of SESSIONS each selector ends; `before` and `except` are indexes of SESSIONS. */
const SELECTORS: Readonly<
  Record<string, { deviceId?: string; before?: number; except?: number; ends: readonly number[] }>
> = {
  'of a device': { deviceId: 'd1', ends: [0, 2, 4] },
  'that began before a time, not at it': { before: 3, ends: [0, 1, 2] },
  'that match both': { deviceId: 'd1', before: 3, ends: [0, 2] },
  'of a device, but not the exception': { deviceId: 'd1', except: 2, ends: [0, 4] },
  'that began before, but not the exception': { before: 3, except: 0, ends: [1, 2] },
  'of a device, where the exception does not match anyway': { deviceId: 'd1', except: 1, ends: [0, 2, 4] },
  'of a device that there is none of': { deviceId: 'd3', ends: [] },
};

const SELECT: Cases = Object.fromEntries(
  Object.entries(SELECTORS).map(([title, { deviceId = '', before, except, ends }]) => [
    `ends those ${title}; count says beforehand how many`,
    async ({ open, clock }: Bench) => {
      const store = await open();
      const sessions = [];
      for (const device of SESSIONS) {
        clock.ms += HOUR;
        sessions.push(await begin(store, onDevice(device)));
      }
      await begin(store, { userId: 'bob', ...onDevice('d1') });
      const command: RaiseCommand = raiseCommand(USER, {
        deviceId,
        createTimeBeforeMs: before === undefined ? null : (sessions[before]?.createTimeMs ?? null),
        exceptSessionId: except === undefined ? '' : (sessions[except]?.sessionId ?? ''),
        reason: 'security',
      });
      assert.equal(await countOf(store, command), ends.length);
      assert.equal((await liveIds(store)).length, sessions.length);
      assert.equal(ofKind(await store.raise(command), 'done').count, ends.length);
      for (const [index, session] of sessions.entries()) {
        const { status } = await recordOf(store, session);
        assert.equal(status.state, ends.includes(index) ? 'revoked' : 'active', `session ${index}`);
        if (status.state === 'revoked') assert.equal(status.reason, 'security');
      }
      assert.equal(await countOf(store, command), 0);
      assert.equal((await liveIds(store, { userId: 'bob' })).length, 1);
    },
  ]),
);

const ONE_BY_ONE: Cases = {
  'logs each, and tells the head': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const sessions = await beginInTurn(store, clock, [{}, {}, {}]);
    const outcome = ofKind(await store.raise(raiseCommand(USER, { deviceId: 'phone-1', reason: 'admin' })), 'done');
    assert.equal(entries.length, 3);
    assertChained(entries);
    for (const { sessionId } of sessions) {
      assert.equal(endingsOf(entries, sessionId)[0]?.revocation.reason, 'admin');
    }
    assert.deepEqual(outcome.head, positionOf(entries.at(-1)));
    const nothing = ofKind(await store.raise(raiseCommand(USER, { deviceId: 'phone-1' })), 'done');
    assert.deepEqual(nothing, { kind: 'done', count: 0, repeated: false, head: outcome.head });
  },

  'raises no minimum': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    await store.raise(raiseCommand(USER, { deviceId: 'phone-1' }));
    assert.deepEqual((await begin(store)).generations, session.generations);
  },

  'ends and counts live sessions alone': async ({ open, clock }) => {
    const store = await open();
    const [revoked, idle, live] = await beginInTurn(store, clock, [{}, { idleTimeoutMs: HOUR }, {}]);
    assert(revoked !== undefined && idle !== undefined && live !== undefined);
    await store.revoke(revokeCommand(revoked, { reason: 'logout' }));
    clock.ms += HOUR;
    const command = raiseCommand(USER, { deviceId: 'phone-1' });
    assert.equal(await countOf(store, command), 1);
    assert.equal(await countOf(store, raiseCommand(USER)), 1);
    assert.equal(ofKind(await store.raise(command), 'done').count, 1);
    const { status } = await recordOf(store, revoked);
    assert(status.state === 'revoked' && status.reason === 'logout');
    assert.deepEqual([await stateOf(store, idle), await stateOf(store, live)], ['expired', 'revoked']);
  },

  'ends sessions with an actor too': async ({ open }) => {
    const store = await open();
    const session = await begin(store, { actor: { userId: 'support-7', tenantId: '', reason: '' } });
    assert.equal(ofKind(await store.raise(raiseCommand(USER, { deviceId: 'phone-1' })), 'done').count, 1);
    assert.equal(await stateOf(store, session), 'revoked');
  },
};

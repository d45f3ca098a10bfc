import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { EpochScope, NewSession, SessionStore } from '../../domain/store.ts';
import type { StoreRules } from '../../domain/store_rules.ts';
import type { LogEntry } from '../../revocation/log.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  CLIENT,
  DAY,
  GLOBAL,
  HOUR,
  MINUTE,
  ofKind,
  raiseCommand,
  recordOf,
  revokeCommand,
  SECOND,
  stamp,
  stateOf,
  TENANT,
  times,
  USER,
  userScope,
} from './commands.ts';
import { countOf, follow, sweepAll, wholeLog } from './observe.ts';

export function describeEpochs(harness: ConformanceHarness): void {
  describeCases('raise', harness, SCOPES);
  describeCases('raise under a request id', harness, REPEATED);
  describeCases('a raised minimum', harness, VALUES);
  describeCases('a raised minimum is kept', harness, KEPT);
  describeCases('a raised minimum, after a restart', harness, PERSISTENT, 'persistent');
}

/** Sessions that differ from the first in one scope or more. */
const MATRIX: Readonly<Record<string, Partial<NewSession>>> = {
  'ann web acme': {},
  'ann app acme': { clientId: 'app' },
  'bob web acme': { userId: 'bob' },
  'bob app acme': { userId: 'bob', clientId: 'app' },
  'anonymous web acme': { userId: '' },
  'anonymous app acme': { userId: '', clientId: 'app' },
  'ann web other': { tenantId: 'other' },
  'acting for ann web acme': { actor: { userId: 'support-7', tenantId: '', reason: '' } },
  'opaque ann app acme': { clientId: 'app', tokenMode: 'opaque', idleTimeoutMs: 0 },
};

const ENDS: readonly (readonly [title: string, scope: EpochScope, pattern: RegExp])[] = [
  ["of the user ends the user's sessions alone", USER, /ann .*acme/],
  ["of the client ends the client's sessions alone", CLIENT, /web acme/],
  ["of the tenant ends the tenant's sessions alone", TENANT, /acme/],
  ['of everything ends every session', GLOBAL, /./],
];

const MATRIX_CASES: Cases = Object.fromEntries(
  ENDS.map(([title, scope, pattern]) => [
    `${title}, in one entry; count says beforehand how many`,
    async ({ open, clock }: Bench) => {
      const store = await open();
      const entries = follow(store);
      const sessions: [string, Session][] = [];
      for (const [name, change] of Object.entries(MATRIX)) sessions.push([name, await begin(store, change)]);
      clock.ms += HOUR;
      const counted = await countOf(store, raiseCommand(scope));
      assert.equal(counted, sessions.filter(([name]) => pattern.test(name)).length);
      for (const [, session] of sessions) assert.equal(await stateOf(store, session), 'active');
      const { head, count } = ofKind(await store.raise(raiseCommand(scope, { reason: 'security' })), 'done');
      assert.equal(count, null);
      const [entry] = entries;
      assert(entry !== undefined && entries.length === 1);
      assert.deepEqual(head, { position: entry.position, tag: entry.tag });
      const ended = { state: 'revoked', timeMs: entry.revocation.revokeTimeMs, reason: 'security' };
      for (const [name, session] of sessions) {
        const { status } = await recordOf(store, session);
        assert.deepEqual(status, pattern.test(name) ? ended : { state: 'active' }, name);
      }
      assert.equal(await countOf(store, raiseCommand(scope)), 0);
      for (const change of Object.values(MATRIX)) {
        assert.equal(await stateOf(store, await begin(store, change)), 'active');
      }
    },
  ]),
);

const SCOPES: Cases = {
  ...MATRIX_CASES,

  'logs whose minimum it raised, and to what': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    for (const scope of [USER, CLIENT, TENANT, GLOBAL]) {
      await store.raise(raiseCommand(scope));
      const logged = entries.at(-1)?.revocation.scope;
      const minGeneration = minimumOf(entries.at(-1));
      const except = scope.kind === 'user' ? { exceptSessionId: '' } : {};
      assert.deepEqual(logged, { ...scope, minGeneration, ...except });
    }
  },

  'of the user that an anonymous session is to its tokens, its own id, ends that session alone': async ({ open }) => {
    const store = await open();
    const [session, other] = [await begin(store, { userId: '' }), await begin(store, { userId: '' })];
    await store.raise(raiseCommand(userScope(session.sessionId)));
    assert.deepEqual([await stateOf(store, session), await stateOf(store, other)], ['revoked', 'active']);
  },

  'counts live sessions alone': async ({ open, clock }) => {
    const store = await open();
    const [revoked, raised] = [await begin(store), await begin(store, { userId: 'bob' })];
    const anonymous = await begin(store, { userId: '' });
    await begin(store, { idleTimeoutMs: HOUR });
    await begin(store, { idleTimeoutMs: 0, absoluteTimeoutMs: HOUR });
    await store.revoke(revokeCommand(revoked));
    for (const { userId, sessionId } of [raised, anonymous]) {
      await store.raise(raiseCommand(userScope(userId === '' ? sessionId : userId)));
    }
    for (const scope of [CLIENT, TENANT, GLOBAL]) assert.equal(await countOf(store, raiseCommand(scope)), 2);
    clock.ms += HOUR;
    await begin(store, { idleTimeoutMs: 0 });
    for (const scope of [USER, CLIENT, TENANT, GLOBAL]) assert.equal(await countOf(store, raiseCommand(scope)), 1);
  },

  'of one scope does not mask that of another, whichever is higher': async ({ open, clock }) => {
    const scopes = [USER, CLIENT, TENANT, GLOBAL];
    const store = await open();
    for (const high of scopes) {
      for (const low of scopes.filter((scope) => scope !== high)) {
        // The store's clock steps back, so that the minimum raised first stays the higher one.
        clock.ms += DAY;
        await store.raise(raiseCommand(high));
        clock.ms -= HOUR;
        const session = await begin(store);
        assert.equal(await stateOf(store, session), 'active');
        clock.ms += SECOND;
        await store.raise(raiseCommand(low));
        assert.equal(await stateOf(store, session), 'revoked', `${low.kind} under ${high.kind}`);
      }
    }
  },
};

const REPEATED: Cases = {
  'is done once, and gives what it gave at first': async ({ openAll }) => {
    const [store, other = store] = await openAll();
    const first = await store.raise(raiseCommand(USER, { request: stamp('r1') }));
    const session = await begin(store);
    assert.deepEqual(await other.raise(raiseCommand(USER, { request: stamp('r1') })), { ...first, repeated: true });
    assert.equal(await stateOf(store, session), 'active');
    const selected = raiseCommand(USER, { request: stamp('r2'), deviceId: 'phone-1' });
    const done = await store.raise(selected);
    assert.equal(ofKind(done, 'done').count, 1);
    assert.deepEqual(await other.raise(selected), { ...done, repeated: true });
  },

  'refuses the id for another request, and ends nothing': async ({ open }) => {
    const store = await open();
    await store.raise(raiseCommand(USER, { request: stamp('r1') }));
    const session = await begin(store);
    const another = raiseCommand(USER, { request: stamp('r1', 'another') });
    assert.deepEqual(await store.raise(another), { kind: 'request_reused' });
    assert.equal(await stateOf(store, session), 'active');
  },
};

function minimumOf(entry: LogEntry | undefined): number {
  assert(entry !== undefined && 'minGeneration' in entry.revocation.scope);
  return entry.revocation.scope.minGeneration;
}

const VALUES: Cases = {
  "is the store's ms, or one more than it was: 1001 raises within a few ms strictly increase": async (bench) => {
    const stores = await bench.openAll();
    const [store] = stores;
    let previous = (await begin(store)).generations[0];
    for (let wave = 0; wave < 11; wave += 1) {
      await Promise.all(times(91, (index) => inTurn(stores, index).raise(raiseCommand())));
    }
    const entries = await wholeLog(store, 1001);
    for (const entry of entries) {
      assert.equal(minimumOf(entry), Math.max(previous + 1, entry.revocation.revokeTimeMs));
      previous = minimumOf(entry);
    }
    assert.equal((await begin(store)).generations[0], previous);
  },

  'is not lowered by a clock that steps back': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    await store.raise(raiseCommand());
    for (let step = 0; step < 5; step += 1) {
      clock.ms -= HOUR;
      const session = await begin(store);
      await store.raise(raiseCommand());
      assert.equal(minimumOf(entries.at(-1)), minimumOf(entries.at(-2)) + 1);
      assert.notEqual(await stateOf(store, session), 'active');
    }
  },

  'lets sessions live that begin after it, at once': async ({ openAll }) => {
    const [store, other = store] = await openAll();
    for (let round = 0; round < 20; round += 1) {
      const before = await begin(store);
      await other.raise(raiseCommand());
      const after = await begin(store);
      assert.deepEqual([await stateOf(other, before), await stateOf(other, after)], ['revoked', 'active']);
    }
  },
};

const LONG: Partial<NewSession> = { absoluteTimeoutMs: 100 * DAY, idleTimeoutMs: 0 };

/** Rows outlast their epochs by far: were these forgotten too early, sessions would come back. */
const LASTING: Partial<StoreRules> = { maxAbsoluteTimeoutMs: 100 * DAY, endedSessionRetentionMs: 1000 * DAY };

/** Sweeps on the way, so that whatever may be forgotten is. */
async function assertStaysEnded(store: SessionStore, clock: Bench['clock'], session: Session): Promise<void> {
  for (let passed = 0; passed < 110; passed += 10) {
    clock.ms += 10 * DAY;
    await sweepAll(store);
    assert.notEqual(await stateOf(store, session), 'active', `after ${passed + 10} days`);
  }
}

const KEPT: Cases = {
  'until the longest lifetime of a session has passed, and is swept then': async ({ open, clock }) => {
    const store = await open(LASTING);
    for (const scope of [USER, CLIENT, TENANT, GLOBAL]) {
      const session = await begin(store, LONG);
      await store.raise(raiseCommand(scope));
      clock.ms += 99 * DAY;
      assert.equal((await sweepAll(store)).epochs, 0);
      assert.equal(await stateOf(store, session), 'revoked');
      clock.ms += 2 * DAY;
      const before = (await sweepAll(store)).epochs;
      assert.notEqual(await stateOf(store, session), 'active');
      assert.equal(before, 1, scope.kind);
    }
  },

  'no session comes back when it is swept': async ({ open, clock }) => {
    const store = await open(LASTING);
    const session = await begin(store, LONG);
    await store.raise(raiseCommand());
    await assertStaysEnded(store, clock, session);
  },

  'as long as the entry that names it, however short sessions are': async ({ open, clock }) => {
    const store = await open({ maxAbsoluteTimeoutMs: MINUTE, accessTokenTtlMs: HOUR });
    const entries = follow(store);
    await store.raise(raiseCommand());
    const { discardTimeMs, revokeTimeMs } = entries[0]?.revocation ?? {};
    assert(discardTimeMs != null && revokeTimeMs !== undefined);
    clock.ms += discardTimeMs - revokeTimeMs - MINUTE;
    assert.equal((await sweepAll(store)).epochs, 0);
    assert.equal((await begin(store)).generations[0], minimumOf(entries[0]));
    clock.ms += 2 * MINUTE;
    assert.equal((await sweepAll(store)).epochs, 1);
  },

  'from its last raise on': async ({ open, clock }) => {
    const store = await open(LASTING);
    await store.raise(raiseCommand());
    clock.ms += 60 * DAY;
    const session = await begin(store, LONG);
    await store.raise(raiseCommand());
    await assertStaysEnded(store, clock, session);
  },
};

const PERSISTENT: Cases = {
  'still ends what it ended, and never repeats': async ({ open, reopen, clock }) => {
    const session = await begin(await open());
    let highest = session.generations[0];
    for (let restart = 0; restart < 3; restart += 1) {
      const store = await reopen();
      const entries = follow(store);
      clock.ms -= DAY;
      await store.raise(raiseCommand());
      assert(minimumOf(entries.at(-1)) > highest);
      highest = minimumOf(entries.at(-1));
      assert.notEqual(await stateOf(await reopen(), session), 'active');
    }
  },

  'is kept as long as sessions could live when it was raised, or before': async ({ open, reopen, clock }) => {
    const session = await begin(await open(LASTING), LONG);
    const store = await reopen({ ...LASTING, maxAbsoluteTimeoutMs: 5 * DAY });
    await store.raise(raiseCommand());
    await assertStaysEnded(store, clock, session);
  },
};

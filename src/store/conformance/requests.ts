import assert from 'node:assert/strict';
import { REQUEST_RETENTION_MS } from '../../domain/limits.ts';
import type { Session } from '../../domain/session.ts';
import type { CreateOutcome, EpochScope, SessionStore } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  CLIENT,
  createCommand,
  DAY,
  GLOBAL,
  HOUR,
  listQuery,
  liveIds,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  TENANT,
  times,
  USER,
} from './commands.ts';
import { follow, sweepAll } from './observe.ts';

export function describeRequests(harness: ConformanceHarness): void {
  describeCases('create under a request id', harness, REPEATED);
  describeCases('create under the request id of a session that has moved on', harness, SUPERSEDED);
}

/** Each call is another attempt: its own session id and nonce, as a service makes them. */
function attempt(store: SessionStore, requestId = 'r1', content = ''): Promise<CreateOutcome> {
  const timeouts = { idleTimeoutMs: 3 * HOUR, absoluteTimeoutMs: 6 * HOUR };
  return store.create(createCommand(timeouts, { request: stamp(requestId, content) }));
}

const REPEATED: Cases = {
  'finds the same session with the same credential when it is repeated': async ({ openAll, clock }) => {
    const [store, other = store] = await openAll({ limit: { max: 1, policy: 'evict-oldest' } });
    ofKind(await store.create(createCommand()), 'created');
    const first = ofKind(await attempt(store), 'created');
    clock.ms += HOUR;
    const repeat = ofKind(await attempt(other), 'repeated');
    assert.deepEqual(repeat.record, first.record);
    assert.deepEqual(repeat.endedSessionIds, first.endedSessionIds);
    assert.deepEqual(repeat.head, first.head);
    assert(repeat.nowMs - first.nowMs >= HOUR);
    assert.equal((await other.list(listQuery())).length, 2);
  },

  'makes one session, however many attempts race': async ({ openAll }) => {
    const stores = await openAll();
    const outcomes = await Promise.all(times(20, (index) => attempt(inTurn(stores, index))));
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'created').length, 1);
    const records = outcomes.map((outcome) => ('record' in outcome ? outcome.record : null));
    for (const record of records) assert.deepEqual(record, records[0]);
    assert.equal((await liveIds(stores[0])).length, 1);
  },

  'refuses the id for another request, and begins nothing': async ({ open }) => {
    const store = await open();
    const first = ofKind(await attempt(store), 'created');
    assert.deepEqual(await attempt(store, 'r1', 'another'), { kind: 'request_reused' });
    assert.deepEqual(await liveIds(store), [first.record.session.sessionId]);
  },

  'keeps the ids of different users apart': async ({ open }) => {
    const store = await open();
    for (const userId of ['ann', 'bob', '']) {
      ofKind(await store.create(createCommand({ userId }, { request: stamp('r1') })), 'created');
    }
    ofKind(await store.create(createCommand({ userId: '' }, { request: stamp('r1') })), 'repeated');
  },

  'is remembered for 24 hours and then forgotten': async ({ open, clock }) => {
    const store = await open();
    const command = () => createCommand({}, { request: stamp('r1') });
    const first = ofKind(await store.create(command()), 'created');
    clock.ms += REQUEST_RETENTION_MS - MINUTE;
    await sweepAll(store);
    ofKind(await store.create(command()), 'repeated');
    clock.ms += MINUTE;
    const later = ofKind(await store.create(command()), 'created');
    assert.notEqual(later.record.session.sessionId, first.record.session.sessionId);
    ofKind(await store.create(command()), 'repeated');
  },
};

const raiseBy = (scope: EpochScope) => (store: SessionStore) => store.raise(raiseCommand(scope));

/** What may happen to a session between a create and its repeat. */
const MOVES: Readonly<Record<string, (store: SessionStore, session: Session, bench: Bench) => Promise<unknown>>> = {
  'a refresh': (store, session) => store.refresh(refreshCommand(session)),
  'a rotation': (store, session) => store.rotate(rotateCommand(session)),
  'its revocation': (store, session) => store.revoke(revokeCommand(session)),
  'its idle limit': async (_store, _session, { clock }) => {
    clock.ms += 3 * HOUR;
  },
  'its absolute limit': async (store, session, { clock }) => {
    for (let passed = 0; passed < 6; passed += 2) {
      clock.ms += 2 * HOUR;
      await store.read({ tenantIds: ['acme'], sessionId: session.sessionId, touch: true });
    }
  },
  'a log-out-everywhere of the user': raiseBy(USER),
  "a raise of the client's minimum": raiseBy(CLIENT),
  "a raise of the tenant's minimum": raiseBy(TENANT),
  'a raise of the global minimum': raiseBy(GLOBAL),
};

const AFTER_MOVES: Cases = Object.fromEntries(
  Object.entries(MOVES).map(([move, make]) => [
    `is superseded after ${move}, and begins nothing`,
    async (bench: Bench) => {
      const store = await bench.open();
      const { session } = ofKind(await attempt(store), 'created').record;
      await make(store, session, bench);
      const known = await store.list(listQuery());
      assert.deepEqual(await attempt(store), { kind: 'superseded' });
      assert.deepEqual(await store.list(listQuery()), known);
    },
  ]),
);

const SUPERSEDED: Cases = {
  ...AFTER_MOVES,

  'is superseded even when the entry that ended it was discarded and swept': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const { session } = ofKind(await store.create(createCommand({}, { request: stamp('r1') })), 'created').record;
    await store.raise(raiseCommand());
    await store.revoke(revokeCommand(await begin(store)));
    const { revokeTimeMs, discardTimeMs } = entries[0]?.revocation ?? {};
    assert(revokeTimeMs !== undefined && discardTimeMs != null);
    clock.ms += discardTimeMs - revokeTimeMs + MINUTE;
    const swept = await sweepAll(store);
    assert.equal(swept.logEntries, 1);
    assert.deepEqual(await store.create(createCommand({}, { request: stamp('r1') })), { kind: 'superseded' });
    assert.notEqual(await stateOf(store, session), 'active');
    assert.deepEqual(await liveIds(store), []);
  },

  'is superseded even when the session itself and its epoch were swept': async ({ open, clock }) => {
    const store = await open({ maxAbsoluteTimeoutMs: 6 * HOUR, endedSessionRetentionMs: 0 });
    const { session } = ofKind(await attempt(store), 'created').record;
    await store.raise(raiseCommand());
    clock.ms += DAY - HOUR;
    await sweepAll(store);
    assert.equal(await stateOf(store, session), 'unknown');
    assert.deepEqual(await attempt(store), { kind: 'superseded' });
    assert.deepEqual(await liveIds(store), []);
  },
};

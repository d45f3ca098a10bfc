import assert from 'node:assert/strict';
import type { ListQuery, NewSession, SessionRecord, SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import {
  ALL_STATES,
  begin,
  beginInTurn,
  DAY,
  HOUR,
  idsOf,
  listQuery,
  liveIds,
  raiseCommand,
  recordOf,
  refreshCommand,
  revokeCommand,
  times,
} from './commands.ts';

export function describeList(harness: ConformanceHarness): void {
  describeCases('list', harness, LIST);
  describeCases('list, page by page', harness, PAGES);
  describeCases('list, beside another instance', harness, SHARED, 'shared');
}

const onDevice = (deviceId: string): Pick<NewSession, 'device'> => ({
  device: { deviceId, name: '', userAgent: '', ipAddress: '' },
});

const LIST: Cases = {
  'gives whole records, newest first, whatever was used since': async ({ open, clock }) => {
    const store = await open();
    const sessions = await beginInTurn(store, clock, [{}, { clientId: 'app' }, { tokenMode: 'opaque' }, {}]);
    clock.ms += HOUR;
    for (const session of sessions.slice(0, 2)) await store.refresh(refreshCommand(session));
    const expected = await Promise.all(sessions.toReversed().map((session) => recordOf(store, session)));
    assert.deepEqual(await store.list(listQuery()), expected);
  },

  "gives the user's sessions of the tenant alone": async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    for (const change of [{ userId: 'bob' }, { userId: '' }, { tenantId: 'other' }]) await begin(store, change);
    assert.deepEqual(idsOf(await store.list(listQuery())), [session.sessionId]);
    assert.deepEqual(await store.list(listQuery({ userId: 'nobody' })), []);
  },

  'filters by client and device, both where both are given': async ({ open, clock }) => {
    const store = await open();
    const changes = [
      { clientId: 'web', ...onDevice('d1') },
      { clientId: 'app', ...onDevice('d1') },
      { clientId: 'app', ...onDevice('d2') },
      { clientId: 'app', ...onDevice('') },
    ];
    const [a, b, c, d] = (await beginInTurn(store, clock, changes)).map((session) => session.sessionId);
    const list = async (query: Partial<ListQuery>) => idsOf(await store.list(listQuery(query)));
    assert.deepEqual(await list({ clientId: 'app' }), [d, c, b]);
    assert.deepEqual(await list({ deviceId: 'd1' }), [b, a]);
    assert.deepEqual(await list({ clientId: 'app', deviceId: 'd1' }), [b]);
    assert.deepEqual(await list({ clientId: 'web', deviceId: 'd2' }), []);
    assert.deepEqual(await list({ clientId: 'app', limit: 2 }), [d, c]);
  },

  'filters by what the sessions are at that moment': async ({ open, clock }) => {
    const store = await open();
    const changes = [{ idleTimeoutMs: HOUR }, {}, {}, { clientId: 'app' }];
    const [idle, revoked, live, raised] = await beginInTurn(store, clock, changes);
    assert(idle !== undefined && revoked !== undefined && live !== undefined && raised !== undefined);
    await store.revoke(revokeCommand(revoked));
    await store.raise(raiseCommand({ kind: 'client', tenantId: 'acme', clientId: 'app' }));
    clock.ms += HOUR;
    const list = async (...states: ListQuery['states']) => idsOf(await store.list(listQuery({ states })));
    assert.deepEqual(await list('active'), [live.sessionId]);
    assert.deepEqual(await list('expired'), [idle.sessionId]);
    assert.deepEqual(await list('revoked'), [raised.sessionId, revoked.sessionId]);
    assert.deepEqual(await list('revoked', 'expired'), [raised.sessionId, revoked.sessionId, idle.sessionId]);
    assert.equal((await list('active', 'expired', 'revoked')).length, 4);
  },

  'goes on behind any number of sessions that do not match': async ({ open, clock }) => {
    const store = await open();
    const [oldest, second, ...others] = await beginInTurn(
      store,
      clock,
      times(12, () => ({})),
    );
    for (const session of others) await store.revoke(revokeCommand(session));
    assert.deepEqual(await liveIds(store, { limit: 1 }), [second?.sessionId]);
    assert.deepEqual(await liveIds(store, { limit: 2 }), [second?.sessionId, oldest?.sessionId]);
  },
};

/** Walks all pages; `between` runs after each. */
async function walk(
  store: SessionStore,
  limit: number,
  states: ListQuery['states'],
  between: (page: readonly SessionRecord[]) => Promise<unknown> = async () => {},
): Promise<readonly SessionRecord[]> {
  const seen: SessionRecord[] = [];
  let after: ListQuery['after'] = null;
  for (;;) {
    const page = await store.list(listQuery({ states, limit, after }));
    assert(page.length <= limit);
    seen.push(...page);
    const last = page.at(-1)?.session;
    if (last === undefined || page.length < limit) return seen;
    after = { createTimeMs: last.createTimeMs, sessionId: last.sessionId };
    await between(page);
  }
}

const PAGES: Cases = {
  'neither skips nor repeats while sessions begin and end in between': async ({ open, clock }) => {
    const store = await open();
    const sessions = await beginInTurn(
      store,
      clock,
      times(12, () => ({})),
    );
    const ended = new Set<string>();
    const seen = await walk(store, 3, ['active'], async (page) => {
      await beginInTurn(store, clock, [{}]);
      // The very one that the next page comes after, and one that was still to come.
      const last = page.at(-1)?.session;
      const next = sessions[sessions.findIndex((session) => session.sessionId === last?.sessionId) - 2];
      for (const session of [last, next]) {
        if (session === undefined) continue;
        await store.revoke(revokeCommand(session));
        ended.add(session.sessionId);
      }
    });
    const ids = idsOf(seen);
    assert.equal(new Set(ids).size, ids.length);
    const known = sessions.map((session) => session.sessionId);
    for (const id of ids) assert(known.includes(id), 'a session that began later comes before the first page');
    for (const id of known) assert(ended.has(id) || ids.includes(id), 'a session that was live throughout is missing');
  },

  'keeps sessions apart that began at the same moment': async ({ open }) => {
    const store = await open();
    await Promise.all(times(25, () => begin(store)));
    for (const states of [['active'], ALL_STATES] as const) {
      const ids = idsOf(await walk(store, 2, states));
      assert.equal(ids.length, 25);
      assert.equal(new Set(ids).size, 25);
      assert.deepEqual(ids, await liveIds(store));
    }
  },

  'is empty behind the last': async ({ open }) => {
    const store = await open();
    const { createTimeMs, sessionId } = await begin(store);
    assert.deepEqual(await store.list(listQuery({ after: { createTimeMs, sessionId } })), []);
    const before = { createTimeMs: createTimeMs + DAY, sessionId: '' };
    assert.equal((await store.list(listQuery({ after: before }))).length, 1);
  },
};

const SHARED: Cases = {
  'sees what others did since, also after a page that was not the last': async ({ openAll, clock }) => {
    const [first, second] = await openAll();
    assert(first !== undefined && second !== undefined);
    const sessions = await beginInTurn(
      first,
      clock,
      times(10, () => ({})),
    );
    for (const session of sessions.toReversed()) {
      assert.deepEqual(await liveIds(first, { limit: 1 }), [session.sessionId]);
      await second.revoke(revokeCommand(session));
    }
    assert.deepEqual(await liveIds(first), []);
    await begin(first);
    assert.equal((await liveIds(second)).length, 1);
  },
};

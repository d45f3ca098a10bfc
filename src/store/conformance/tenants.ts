import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { RefreshCommand, SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, DEFAULT_RULES, describeCases } from './bench.ts';
import {
  begin,
  HOUR,
  ofKind,
  recordOf,
  refreshCommand,
  revokeCommand,
  rotateCommand,
  stamp,
  stateOf,
  times,
  updateCommand,
} from './commands.ts';
import { follow, leavesUnchanged } from './observe.ts';

export function describeTenants(harness: ConformanceHarness): void {
  describeCases('a reference that names tenants', harness, TENANTS);
  describeCases('a refresh token of none of the tenants', harness, FOREIGN_REFRESH);
}

type Tenants = readonly string[] | null;

/** As many as a caller may have, and as long. */
const MANY = times(255, (index) => `${index}-`.padEnd(128, 'x'));

const NEITHER: readonly Tenants[] = [[], ['other'], ['one', 'other'], MANY];

/** Lists that name the tenant, and lists that only look like it: quotes, commas and braces are part of an id. */
const LISTS: Readonly<Record<string, { readonly members: readonly Tenants[]; readonly others: readonly Tenants[] }>> = {
  acme: {
    members: [null, ['acme'], ['acme', 'other'], ['other', 'acme'], ['', 'acme', 'acme'], [...MANY, 'acme']],
    others: [
      [''],
      ['ACME'],
      ['acm', 'e'],
      ['acme,other'],
      ['{acme}'],
      ['"acme"'],
      ['["acme"]'],
      ['acme '],
      ['__proto__'],
    ],
  },
  '': {
    members: [null, [''], ['other', ''], ['', 'other'], [...MANY, '']],
    others: [['acme'], ['NULL'], ['null'], ['false'], ['""'], [','], ['{}'], ['[]'], [' '], ['0']],
  },
  'a,b': { members: [['a,b'], ['a', 'a,b']], others: [['a', 'b'], ['b', 'a'], ['a'], ['a,'], ['{a,b}'], ['a, b']] },
  NULL: { members: [['NULL'], ['', 'NULL']], others: [[''], ['null'], ['"NULL"']] },
  '{"\\\'é\u{1F511}': {
    members: [['{"\\\'é\u{1F511}'], ['}', '{"\\\'é\u{1F511}', '"']],
    others: [['{', '"', '\\'], ['{"\\\\\'é\u{1F511}'], ['{"\\\'e\u0301\u{1F511}']],
  },
};

async function eachList(
  run: (tenantId: string, tenantIds: Tenants, isMember: boolean) => Promise<void>,
): Promise<void> {
  for (const [tenantId, { members, others }] of Object.entries(LISTS)) {
    for (const tenantIds of members) await run(tenantId, tenantIds, true);
    for (const tenantIds of [...others, ...NEITHER]) await run(tenantId, tenantIds, false);
  }
}

function shown(tenantId: string, tenantIds: Tenants): string {
  return `${JSON.stringify(tenantId)} of ${JSON.stringify(tenantIds)}`;
}

/** Lists that do not name the tenant of `draft`. */
const OTHERS = [...(LISTS['acme']?.others ?? []), ...NEITHER];

const TENANTS: Cases = {
  'is read where the session is of one of them': async ({ open }) => {
    const store = await open();
    await eachList(async (tenantId, tenantIds, isMember) => {
      const { sessionId } = await begin(store, { tenantId });
      const outcome = await store.read({ tenantIds, sessionId, touch: false });
      assert.equal(outcome.kind, isMember ? 'found' : 'unknown', shown(tenantId, tenantIds));
    });
  },

  'slides the idle timeout where the session is of one of them, and of no other': async ({ open, clock }) => {
    const store = await open();
    for (const tokenMode of ['pair', 'opaque'] as const) {
      const session = await begin(store, { tokenMode });
      const { nonce } = session.credential;
      const touch = (tenantIds: Tenants) => {
        return store.read({ tenantIds, sessionId: session.sessionId, proof: { nonce }, touch: true });
      };
      clock.ms += HOUR;
      for (const tenantIds of OTHERS) {
        assert.deepEqual(await leavesUnchanged(store, session, () => touch(tenantIds)), { kind: 'unknown' });
      }
      const { record, nowMs } = ofKind(await touch(['other', 'acme']), 'found');
      assert.equal(record.session.lastActiveTimeMs, nowMs);
    }
  },

  'is refreshed where the session is of one of them': async ({ open }) => {
    const store = await open();
    await eachList(async (tenantId, tenantIds, isMember) => {
      const session = await begin(store, { tenantId });
      const outcome = await store.refresh(refreshCommand(session, { tenantIds }));
      assert.equal(outcome.kind, isMember ? 'rotated' : 'unknown', shown(tenantId, tenantIds));
    });
  },

  'is updated where the session is of one of them, and else left as it is': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const update = (tenantIds: Tenants) => {
      const ref = { tenantIds, sessionId: session.sessionId };
      return store.update(updateCommand(session, { ref, deviceName: 'Renamed', supersedeAccessTokens: true }));
    };
    for (const tenantIds of OTHERS) {
      assert.deepEqual(await leavesUnchanged(store, session, () => update(tenantIds)), { kind: 'unknown' });
    }
    assert.deepEqual(entries, []);
    ofKind(await update(['other', 'acme']), 'updated');
  },

  'is rotated where the session is of one of them, a login too, and else left as it is': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    for (const change of [{ userId: '' }, ...times(4, (index) => ({ userId: `user-${index}` }))]) {
      const session = await begin(store, { userId: '' });
      const rotate = (tenantIds: Tenants) => {
        const ref = { tenantIds, sessionId: session.sessionId };
        return store.rotate(rotateCommand(session, { ...change, ref, request: stamp(session.sessionId) }));
      };
      const logged = entries.length;
      for (const tenantIds of OTHERS) {
        assert.deepEqual(await leavesUnchanged(store, session, () => rotate(tenantIds)), { kind: 'unknown' });
      }
      assert.equal(entries.length, logged);
      ofKind(await rotate(['other', 'acme']), 'rotated');
      // The request has been remembered, but for those who name the session.
      for (const tenantIds of OTHERS) assert.deepEqual(await rotate(tenantIds), { kind: 'unknown' });
      ofKind(await rotate(['acme', 'other']), 'repeated');
    }
  },

  'is revoked where the session is of one of them, and else left as it is': async ({ open }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const revoke = async (tenantIds: Tenants) => {
      const ref = { tenantIds, sessionId: session.sessionId };
      return ofKind(await store.revoke(revokeCommand(session, { ref, request: stamp('r1') })), 'done');
    };
    const nothing = { kind: 'done', revoked: false, repeated: false, head: null };
    for (const tenantIds of OTHERS) {
      assert.deepEqual(await leavesUnchanged(store, session, () => revoke(tenantIds)), nothing);
    }
    assert.deepEqual(entries, []);
    assert.equal((await revoke(['other', 'acme'])).revoked, true);
    for (const tenantIds of OTHERS) assert.deepEqual(await revoke(tenantIds), nothing);
    assert.equal((await revoke(['acme', 'other'])).repeated, true);
  },

  'is revoked with others at once, each by its own list': async ({ open }) => {
    const store = await open();
    const cases: { session: Session; tenantIds: Tenants; isMember: boolean }[] = [];
    await eachList(async (tenantId, tenantIds, isMember) => {
      cases.push({ session: await begin(store, { tenantId, userId: '' }), tenantIds, isMember });
    });
    await Promise.all(
      cases.map(async ({ session, tenantIds, isMember }) => {
        const ref = { tenantIds, sessionId: session.sessionId };
        const { revoked } = ofKind(await store.revoke(revokeCommand(session, { ref })), 'done');
        assert.equal(revoked, isMember, shown(session.tenantId, tenantIds));
      }),
    );
    for (const { session, isMember } of cases) {
      assert.equal(await stateOf(store, session), isMember ? 'revoked' : 'active');
    }
  },
};

/** Presents the token under lists that do not name its tenant: nothing is answered, and nothing is changed. */
async function assertForeign(store: SessionStore, session: Session, change: Partial<RefreshCommand>): Promise<void> {
  for (const tenantIds of OTHERS) {
    const act = () => store.refresh(refreshCommand(session, { ...change, tenantIds }));
    assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'unknown' }, shown('acme', tenantIds));
  }
}

const OF_TWO: Partial<RefreshCommand> = { tenantIds: ['other', 'acme'] };

const FOREIGN_REFRESH: Cases = {
  'is not exchanged, and nothing is changed': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    clock.ms += HOUR;
    await assertForeign(store, session, { claims: '{"role":"owner"}', requestId: 'r1', requestHash: 'h1' });
    await assertForeign(store, session, { generation: session.credential.generation + 1 });
    assert.deepEqual(entries, []);
    ofKind(await store.refresh(refreshCommand(session, OF_TWO)), 'rotated');
  },

  'gets no replay within the grace': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    ofKind(await store.refresh(refreshCommand(session)), 'rotated');
    await assertForeign(store, session, {});
    ofKind(await store.refresh(refreshCommand(session, OF_TWO)), 'replayed');
  },

  'gets no replay under the request id that spent it, and is not told that the id was used': async ({
    open,
    clock,
  }) => {
    const store = await open();
    const session = await begin(store);
    const request = { requestId: 'r1', requestHash: 'h1' };
    ofKind(await store.refresh(refreshCommand(session, request)), 'rotated');
    clock.ms += DEFAULT_RULES.refreshGraceMs;
    await assertForeign(store, session, request);
    await assertForeign(store, session, { ...request, requestHash: 'h2' });
    const other = refreshCommand(session, { ...OF_TWO, ...request, requestHash: 'h2' });
    ofKind(await store.refresh(other), 'request_reused');
    ofKind(await store.refresh(refreshCommand(session, { ...OF_TWO, ...request })), 'replayed');
  },

  'is no theft where it was spent: the session lives, and the log tells nothing': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const session = await begin(store);
    const { record } = ofKind(await store.refresh(refreshCommand(session)), 'rotated');
    clock.ms += HOUR;
    await assertForeign(store, session, {});
    assert.deepEqual(await recordOf(store, session), record);
    assert.deepEqual(entries, []);
    ofKind(await store.refresh(refreshCommand(session, OF_TWO)), 'reused');
    assert.equal(entries.length, 1);
  },

  'is not told that the session has ended': async ({ open, clock }) => {
    const store = await open();
    const [revoked, idle] = [await begin(store), await begin(store, { idleTimeoutMs: HOUR })];
    await store.revoke(revokeCommand(revoked));
    clock.ms += HOUR;
    for (const session of [revoked, idle]) await assertForeign(store, session, {});
    ofKind(await store.refresh(refreshCommand(revoked, OF_TWO)), 'revoked');
    ofKind(await store.refresh(refreshCommand(idle, OF_TWO)), 'expired');
  },
};

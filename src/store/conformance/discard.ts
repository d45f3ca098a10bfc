import assert from 'node:assert/strict';
import type { SessionStore } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, type StoreInstance } from './bench.ts';
import {
  begin,
  createCommand,
  DAY,
  GLOBAL,
  HOUR,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stamp,
  TENANT,
  updateCommand,
  USER,
} from './commands.ts';
import { DISCARD_MARGIN_MS, follow, withoutCopies } from './observe.ts';

export function describeDiscard(harness: ConformanceHarness): void {
  describeCases('the discard time of an entry', harness, DISCARD);
  describeCases('the discard time of an entry, after ACCESS_TOKEN_TTL was lowered', harness, LOWERED, 'persistent');
  describeCases('the discard time of an entry, where instances differ in ACCESS_TOKEN_TTL', harness, SHARED, 'shared');
}

/** Tells for how long the entry is kept of a revocation of the user's that is made at the moment of the call. */
function probeOf(store: StoreInstance): () => Promise<number> {
  const entries = follow(store);
  return async () => {
    const session = await begin(store);
    const { head } = ofKind(await store.revoke(revokeCommand(session)), 'done');
    const { revocation } = entries.find(({ tag }) => tag === head?.tag) ?? assert.fail('not in the log');
    assert(revocation.discardTimeMs !== null);
    return revocation.discardTimeMs - revocation.revokeTimeMs;
  };
}

const DISCARD: Cases = {
  'comes after every token that the entry ends: its lifetime, twice the skew, and the deadline': async ({ open }) => {
    const store = await open({ accessTokenTtlMs: 2 * HOUR });
    const entries = follow(store);
    for (const scope of [USER, TENANT, GLOBAL] as const) {
      await store.update(updateCommand(await begin(store), { supersedeAccessTokens: true }));
      await store.rotate(rotateCommand(await begin(store)));
      await store.raise(raiseCommand(scope));
    }
    assert.equal(withoutCopies(entries).length, 9);
    for (const { revocation } of entries) {
      assert(revocation.discardTimeMs !== null);
      assert(revocation.discardTimeMs - revocation.revokeTimeMs >= 2 * HOUR + DISCARD_MARGIN_MS);
    }
  },

  'is as late after a long time in which nothing was issued': async ({ open, clock }) => {
    const store = await open({ accessTokenTtlMs: 2 * HOUR });
    const entries = follow(store);
    const session = await begin(store, { tokenMode: 'opaque' });
    clock.ms += 5 * DAY;
    await store.revoke(revokeCommand(session));
    const { discardTimeMs, revokeTimeMs } = entries[0]?.revocation ?? assert.fail('not in the log');
    assert(discardTimeMs !== null && discardTimeMs - revokeTimeMs >= 2 * HOUR + DISCARD_MARGIN_MS);
  },
};

/** What issues an access token, with what has to be there before. */
const ISSUES: Readonly<Record<string, (store: SessionStore) => Promise<() => Promise<{ readonly kind: string }>>>> = {
  'a create': async (store) => () => store.create(createCommand()),
  'the repeat of a create': async (store) => {
    const create = () => store.create(createCommand({}, { request: stamp('r1') }));
    await create();
    return create;
  },
  'a refresh': async (store) => {
    const session = await begin(store);
    return () => store.refresh(refreshCommand(session));
  },
  'a replay': async (store) => {
    const command = refreshCommand(await begin(store), { requestId: 'r1', requestHash: 'h1' });
    await store.refresh(command);
    return () => store.refresh(command);
  },
  'a rotation': async (store) => {
    const session = await begin(store);
    return () => store.rotate(rotateCommand(session));
  },
};

const LOWERED: Cases = {
  ...Object.fromEntries(
    Object.entries(ISSUES).map(([title, prepare]) => [
      `covers the longer tokens of before until they have expired: one of ${title}`,
      async ({ open, reopen, clock }: Bench) => {
        const long = await open({ accessTokenTtlMs: 2 * HOUR });
        const issue = await prepare(long);
        clock.ms += 10 * HOUR;
        const { kind } = await issue();
        assert(['created', 'repeated', 'rotated', 'replayed'].includes(kind));
        const discardAfterMs = probeOf(await reopen({ accessTokenTtlMs: 5 * MINUTE }));
        for (const passed of [0, 110 * MINUTE]) {
          clock.ms += passed;
          assert((await discardAfterMs()) >= 2 * HOUR + DISCARD_MARGIN_MS);
        }
        clock.ms += DAY;
        const shortMs = await discardAfterMs();
        assert(shortMs >= 5 * MINUTE + DISCARD_MARGIN_MS && shortMs < HOUR);
      },
    ]),
  ),

  'covers the longer tokens of now at once, where it was raised instead': async ({ open, reopen }) => {
    await open({ accessTokenTtlMs: 5 * MINUTE });
    const discardAfterMs = probeOf(await reopen({ accessTokenTtlMs: 2 * HOUR }));
    assert((await discardAfterMs()) >= 2 * HOUR + DISCARD_MARGIN_MS);
  },
};

const SHARED: Cases = {
  'keeps an entry for as long as the longest tokens of any instance': async ({ open, clock }) => {
    const long = await open({ accessTokenTtlMs: 2 * HOUR });
    const discardAfterMs = probeOf(await open({ accessTokenTtlMs: 5 * MINUTE }));
    const session = await begin(long);
    assert((await discardAfterMs()) >= 2 * HOUR + DISCARD_MARGIN_MS);
    clock.ms += DAY;
    ofKind(await long.refresh(refreshCommand(session)), 'rotated');
    assert((await discardAfterMs()) >= 2 * HOUR + DISCARD_MARGIN_MS);
  },

  'keeps it also for answers about opaque tokens, which are reused': async ({ open, clock }) => {
    const long = await open({ accessTokenTtlMs: 2 * HOUR });
    const short = await open({ accessTokenTtlMs: 5 * MINUTE });
    const session = await begin(short, { tokenMode: 'opaque', idleTimeoutMs: 0 });
    const discardAfterMs = probeOf(short);
    for (let day = 0; day < 2; day += 1) {
      clock.ms += DAY;
      ofKind(await long.read({ ...refTo(session), touch: day === 0 }), 'found');
      assert((await discardAfterMs()) >= 2 * HOUR + DISCARD_MARGIN_MS);
    }
  },
};

import assert from 'node:assert/strict';
import type { Session } from '../../domain/session.ts';
import type { SessionStore } from '../../domain/store.ts';
import { RevocationSet } from '../../revocation/set.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, type StoreInstance } from './bench.ts';
import {
  begin,
  createCommand,
  HOUR,
  listQuery,
  MINUTE,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stateOf,
  updateCommand,
  userScope,
} from './commands.ts';
import { arrive, tokenOf } from './observe.ts';

export function describeRaces(harness: ConformanceHarness): void {
  describeCases('a race that the revocation wins', harness, RACES);
}

/** How often each pair meets, in either order and on every choice of instances. */
const ROUNDS = 4;

/** What may be done at the same moment; gives the sessions as tokens are issued for them. */
type Contender = (store: SessionStore, session: Session, anonymous: Session) => Promise<readonly Session[]>;

const CONTENDERS: Readonly<Record<string, Contender>> = {
  refresh: async (store, session) => {
    const outcome = await store.refresh(refreshCommand(session));
    return 'record' in outcome ? [outcome.record.session] : [];
  },
  update: async (store, session) => {
    await store.update(updateCommand(session, { deviceName: 'Renamed', supersedeAccessTokens: true }));
    return [];
  },
  touch: async (store, session) => {
    await store.read({ ...refTo(session), touch: true });
    return [];
  },
  rotate: async (store, session) => {
    const outcome = await store.rotate(rotateCommand(session));
    return 'record' in outcome ? [outcome.record.session] : [];
  },
  'a login on an anonymous session': async (store, { userId }, anonymous) => {
    const outcome = await store.rotate(rotateCommand(anonymous, { userId }));
    return 'record' in outcome ? [outcome.record.session] : [];
  },
  create: async (store, session) => {
    const outcome = await store.create(createCommand({ userId: session.userId }));
    return 'record' in outcome ? [outcome.record.session] : [];
  },
};

interface Ending {
  readonly end: (store: SessionStore, session: Session) => Promise<unknown>;
  /** Whether a session of the user may be live afterwards. */
  readonly spares: (session: Session, old: Session, minimum: number) => boolean;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  'a revoke': {
    end: (store, session) => store.revoke(revokeCommand(session)),
    spares: (session, old) => session.sessionId !== old.sessionId,
  },
  'a log-out-everywhere': {
    end: (store, { userId }) => store.raise(raiseCommand(userScope(userId))),
    spares: (session, _old, minimum) => session.generations[0] >= minimum,
  },
  'a log-out-everywhere that denies creates': {
    end: (store, { userId, createTimeMs }) => {
      const denyCreateUntilMs = createTimeMs + HOUR;
      return store.raise(raiseCommand(userScope(userId), { denyCreateUntilMs }));
    },
    spares: () => false,
  },
  'ending the sessions of their device and denying creates': {
    end: (store, { userId, createTimeMs, device: { deviceId } }) => {
      const denyCreateUntilMs = createTimeMs + HOUR;
      return store.raise(raiseCommand(userScope(userId), { deviceId, denyCreateUntilMs }));
    },
    spares: () => false,
  },
};

/** Which instance each of the two goes to. */
function placements(stores: readonly StoreInstance[]): readonly (readonly [StoreInstance, StoreInstance])[] {
  const [first, second] = stores;
  assert(first !== undefined);
  return second === undefined
    ? [[first, first]]
    : [
        [first, first],
        [first, second],
        [second, first],
      ];
}

async function meet(bench: Bench, contend: Contender, { end, spares }: Ending): Promise<void> {
  const stores = await bench.openAll();
  const [observer] = stores;
  const ended = new RevocationSet();
  const minima = new Map<string, number>();
  const heads = new Map<number, number>();
  observer.follow((entries) => {
    for (const { revocation, partition, position } of entries) {
      ended.apply(revocation);
      if (revocation.scope.kind === 'user') minima.set(revocation.scope.userId, revocation.scope.minGeneration);
      heads.set(partition, position);
    }
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, [one, other]] of placements(stores).entries()) {
      for (const endsFirst of [true, false]) {
        const old = await begin(observer, { userId: `user-${round}-${index}-${endsFirst}` });
        const anonymous = await begin(observer, { userId: '' });
        // Far enough for a touch to write.
        bench.clock.ms += 2 * MINUTE;
        const issued = endsFirst
          ? (await Promise.all([end(one, old), contend(other, old, anonymous)]))[1]
          : (await Promise.all([contend(other, old, anonymous), end(one, old)]))[0];
        // Whatever comes of these, their heads are behind all that the two appended.
        for (const session of [old, anonymous]) {
          const last = ofKind(await observer.revoke(revokeCommand(session)), 'done').head;
          assert(last !== null);
          await arrive(observer, () => (heads.get(last.partition) ?? 0) >= last.position);
        }
        await assertEnded(observer, old, issued);
      }
    }
  }

  async function assertEnded(store: StoreInstance, old: Session, issued: readonly Session[]): Promise<void> {
    assert.equal(await stateOf(store, old), 'revoked');
    const minimum = minima.get(old.userId) ?? 0;
    for (const { session, status } of await store.list(listQuery({ userId: old.userId }))) {
      if (status.state === 'active') assert(spares(session, old, minimum), 'a session of before is live');
      else if (status.state === 'revoked') assert.equal(ended.check(tokenOf(session)), 'revoked');
    }
    for (const session of [old, ...issued]) {
      if ((await stateOf(store, session)) === 'active') assert.equal(ended.check(tokenOf(session)), 'good');
      else assert.equal(ended.check(tokenOf(session)), 'revoked', 'a token was issued that no entry ends');
    }
    assert.equal((await store.refresh(refreshCommand(old))).kind, 'revoked');
    assert.equal(await stateOf(store, old), 'revoked');
  }
}

const RACES: Cases = Object.fromEntries(
  Object.entries(CONTENDERS).flatMap(([contender, contend]) =>
    Object.entries(ENDINGS).map(([title, ending]) => [
      `${contender} beside ${title}`,
      (bench: Bench) => meet(bench, contend, ending),
    ]),
  ),
);

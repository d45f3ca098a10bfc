import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Session } from '../../../src/domain/session.ts';
import { SessionError } from '../../../src/error.ts';
import { RevocationSet } from '../../../src/revocation/set.ts';
import {
  createCommand,
  ofKind,
  raiseCommand,
  refreshCommand,
  refTo,
  revokeCommand,
  rotateCommand,
  stateOf,
  TENANT,
} from '../../../src/store/conformance/commands.ts';
import { tokenOf } from '../../../src/store/conformance/observe.ts';
import { until } from '../../servers/process.ts';
import { DEFAULT_RULES } from '../../../src/store/conformance.ts';
import { openRedisStore, type RedisStore } from '../../../src/store/redis/store.ts';
import { locationOf, newPrefix, optionsOf } from './harness.ts';

/** The deadline of a step, and as much again for a machine that is busy. */
const NEVER_MS = 10_000;

const CALLERS = 12;

/** Clients who create, refresh, validate and revoke on two instances, and what the store owes them. */
export class Load {
  /** Sessions whose end was acknowledged, as tokens were issued for them. */
  readonly ended: Session[] = [];
  readonly keyPrefix: string;
  /** When (performance.now) a caller last came through all steps, from the first to the last. */
  cameThroughMs = 0;
  rounds = 0;
  refusals = 0;
  readonly #stop = new AbortController();
  readonly #stores: readonly [RedisStore, RedisStore];
  readonly #known = new RevocationSet();
  readonly #faults: unknown[] = [];
  #callers: Promise<void>[] = [];

  private constructor(keyPrefix: string, stores: readonly [RedisStore, RedisStore]) {
    this.keyPrefix = keyPrefix;
    this.#stores = stores;
    stores[0].follow((entries) => {
      for (const { revocation } of entries) this.#known.apply(revocation);
    });
    stores[1].follow(() => {});
    this.#callers = Array.from({ length: CALLERS }, (_, index) => this.#call(index));
  }

  static async start(url: string): Promise<Load> {
    const keyPrefix = newPrefix();
    const open = () => openRedisStore(locationOf(url), optionsOf(keyPrefix), DEFAULT_RULES, { ms: 0 });
    return new Load(keyPrefix, [await open(), await open()]);
  }

  /** Until that many more rounds were done; fails where that takes too long. */
  async go(rounds: number, withinMs = 30_000): Promise<void> {
    const goal = this.rounds + rounds;
    const byMs = performance.now() + withinMs;
    while (this.rounds < goal) {
      assert.deepEqual(this.#faults, []);
      assert(performance.now() < byMs, `no ${rounds} rounds within ${withinMs} ms`);
      await pause(20);
    }
  }

  /** Ends the load, and checks what was promised: no acknowledged revocation is undone. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#callers);
    try {
      assert.deepEqual(this.#faults, []);
      for (const store of this.#stores) {
        for (const session of this.ended) assert.notEqual(await stateOf(store, session), 'active');
      }
      const isKnown = () => this.ended.every((session) => this.#known.check(tokenOf(session)) === 'revoked');
      await until('what one instance ended has come to the other', async () => isKnown());
    } finally {
      for (const store of this.#stores) store.close();
    }
  }

  async #call(index: number): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round += 1) {
      try {
        await this.#round(`user-${index}`, this.#stores[(index + round) % 2] ?? this.#stores[0], round);
        this.rounds += 1;
      } catch (error) {
        if (isRefusal(error)) this.refusals += 1;
        else this.#faults.push(error);
        await pause(20);
      }
    }
  }

  async #round(userId: string, store: RedisStore, round: number): Promise<void> {
    const beganMs = performance.now();
    const begun = ofKind(await bounded(store.create(createCommand({ userId }))), 'created').record.session;
    const refreshed = await bounded(store.refresh(refreshCommand(begun)));
    // A failover may lose a session that has just begun; another caller may have ended all of the tenant.
    if (refreshed.kind === 'unknown' || refreshed.kind === 'revoked') return;
    const { session } = ofKind(refreshed, 'rotated').record;
    await bounded(store.read({ ...refTo(session), touch: true }));
    await this.#end(store, session, round);
    const [other] = this.#stores.filter((instance) => instance !== store);
    for (const instance of [store, other ?? store]) {
      assert.notEqual(await bounded(stateOf(instance, session)), 'active', 'a revoked session is active');
    }
    const old = this.ended[Math.floor(Math.random() * this.ended.length)];
    if (old !== undefined) assert.notEqual(await bounded(stateOf(store, old)), 'active', 'a revoked session is active');
    this.cameThroughMs = Math.max(this.cameThroughMs, beganMs);
  }

  /** One after another the ways in which a session ends. */
  async #end(store: RedisStore, session: Session, round: number): Promise<void> {
    const { userId } = session;
    if (round % 8 === 1) {
      const outcome = await bounded(store.raise(raiseCommand({ kind: 'user', tenantId: 'acme', userId })));
      ofKind(outcome, 'done');
    } else if (round % 8 === 3) {
      const outcome = await bounded(store.rotate(rotateCommand(session)));
      if (outcome.kind === 'unknown') return;
      assert(outcome.kind === 'rotated' || outcome.kind === 'ended', outcome.kind);
      if (outcome.kind === 'ended') return;
    } else if (round % 40 === 5) {
      ofKind(await bounded(store.raise(raiseCommand(TENANT))), 'done');
    } else {
      const outcome = ofKind(await bounded(store.revoke(revokeCommand(session))), 'done');
      if (!outcome.revoked) return;
    }
    this.ended.push(session);
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof SessionError)) return false;
  return error.code === 'STORE_UNAVAILABLE' || error.code === 'NOT_REPLICATED';
}

/** Fails where it hangs. */
async function bounded<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('a step hangs')), NEVER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { SessionError } from '../../../src/error.ts';
import type { Session } from '../../../src/domain/session.ts';
import { STORE_DEADLINE_MS } from '../../../src/domain/limits.ts';
import { begin, refreshCommand, revokeCommand, stateOf } from '../../../src/store/conformance/commands.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { PostgresServer } from '../../servers/postgres.ts';
import { until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

describeOn('postgres', () => {
  describe('under load', function () {
    this.timeout(180_000);
    let primary: PostgresServer;
    let standby: PostgresServer;
    let database: TestDatabase;
    let store: PostgresStore;

    beforeEach(async () => {
      primary = await PostgresServer.create();
      database = await migratedDatabase(primary.url);
      standby = await primary.standby();
      await primary.awaitStandbys(standby.name);
      await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
      const { username, password } = new URL(database.url);
      const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
      store = await openStore(`postgres://${username}:${password}@${hosts}/${database.name}?application_name=tested`);
    });

    afterEach(async () => {
      await store.close();
      await database.close();
      await standby.remove();
      await primary.remove();
    });

    const faults: Readonly<Record<string, () => Promise<void>>> = {
      'a restart': () => primary.restart(),
      'a crash and its recovery': () => primary.restart('immediate'),
      'the loss of all its connections': async () => {
        const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tested'`;
        for (let round = 0; round < 5; round += 1) {
          await primary.query(cut);
          await pause(100);
        }
      },
      'the switch to a promoted standby': async () => {
        await primary.kill();
        await standby.promote();
        await standby.awaitStandbys('');
      },
      'the switch from a primary that hangs': async () => {
        primary.freeze();
        await standby.promote();
        await standby.awaitStandbys('');
      },
    };

    for (const [title, strike] of Object.entries(faults)) {
      it(`survives ${title}: no acknowledged revocation is undone, and it recovers by itself`, async () => {
        const load = new Load(store);
        await until('the load has begun', async () => load.revoked.length > 50);
        await strike();
        const struck = load.revoked.length;
        await until('the store recovers', async () => load.revoked.length > struck + 50, 30_000);
        await load.end();
        assert.deepEqual(load.surprises, []);
        assert(load.slowestMs < STORE_DEADLINE_MS + 2500, `an answer took ${load.slowestMs} ms`);
        for (const session of load.revoked) assert.equal(await stateOf(store, session), 'revoked');
      });
    }
  });
});

/** Workers that begin, refresh and revoke sessions until they are told to end. */
class Load {
  /** Whose revocation was acknowledged. */
  readonly revoked: Session[] = [];
  /** What was thrown other than that the store is unavailable. */
  readonly surprises: unknown[] = [];
  slowestMs = 0;
  #ended = false;
  readonly #workers: Promise<unknown>;

  constructor(store: PostgresStore) {
    this.#workers = Promise.all(Array.from({ length: 12 }, (_, index) => this.#work(store, `user-${index}`)));
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#workers;
  }

  async #work(store: PostgresStore, userId: string): Promise<void> {
    while (!this.#ended) {
      await this.#one(async () => {
        const session = await this.#timed(() => begin(store, { userId }));
        const refreshed = await this.#timed(() => store.refresh(refreshCommand(session)));
        assert.equal(refreshed.kind, 'rotated');
        const outcome = await this.#timed(() => store.revoke(revokeCommand(session)));
        assert(outcome.kind === 'done' && outcome.revoked);
        this.revoked.push(session);
      });
    }
  }

  async #one(round: () => Promise<void>): Promise<void> {
    try {
      await round();
    } catch (error) {
      const known = error instanceof SessionError && ['STORE_UNAVAILABLE', 'NOT_REPLICATED'].includes(error.code);
      if (!known) this.surprises.push(error);
      await pause(20);
    }
  }

  async #timed<T>(ask: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await ask();
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - from);
    }
  }
}

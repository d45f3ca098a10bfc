import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SessionError } from '../../../src/error.ts';
import type { Session } from '../../../src/domain/session.ts';
import { STORE_DEADLINE_MS } from '../../../src/domain/limits.ts';
import type { LogEntry } from '../../../src/revocation/log.ts';
import { begin, refreshCommand, revokeCommand, stateOf, times } from '../../../src/store/conformance/commands.ts';
import { assertBegins, assertChained, follow } from '../../../src/store/conformance/observe.ts';
import type { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { PostgresServer } from '../../servers/postgres.ts';
import { unusedPort, until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore, synchronousPair } from './database.ts';

describeOn('postgres', () => {
  describe('under load', function () {
    this.timeout(180_000);
    let primary: PostgresServer;
    let standby: PostgresServer;
    let database: TestDatabase;
    let store: PostgresStore;

    beforeEach(async () => {
      const pair = await synchronousPair();
      ({ primary, standby, database } = pair);
      store = await openStore(`${pair.url}?application_name=tested`);
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

  describe('after the promotion of a standby that lagged', function () {
    this.timeout(120_000);
    let primary: PostgresServer;
    let standby: PostgresServer;
    let database: TestDatabase;
    let store: PostgresStore;
    let breaks: string[];
    let entries: LogEntry[];

    beforeEach(async () => {
      primary = await PostgresServer.create();
      database = await migratedDatabase(primary.url);
      standby = await primary.standby();
    });

    afterEach(async () => {
      await store.close();
      await database.close();
      await standby.remove();
      await primary.remove();
    });

    const urlOf = (...ports: readonly number[]) => {
      const { username, password } = new URL(database.url);
      const hosts = ports.map((port) => `127.0.0.1:${port}`).join();
      return `postgres://${username}:${password}@${hosts}/${database.name}?application_name=tested`;
    };

    async function openFollower(standbyPort: number): Promise<void> {
      store = await openStore(urlOf(primary.port, standbyPort));
      breaks = [];
      entries = [];
      store.follow(
        (delivered) => entries.push(...delivered),
        (_partition, kind) => breaks.push(kind),
      );
    }

    /** Revokes sessions and promotes the standby, which has heard of the first three. */
    async function loseTail(): Promise<{ sessions: readonly Session[]; lost: readonly LogEntry[] }> {
      const sessions = await Promise.all(times(12, (index) => begin(store, { userId: `user-${index}` })));
      for (const session of sessions.slice(0, 3)) await store.revoke(revokeCommand(session));
      await primary.awaitReplay(standby.name);
      await standby.disconnect();
      for (const session of sessions.slice(3)) {
        const outcome = await store.revoke(revokeCommand(session));
        assert(outcome.kind === 'done' && outcome.revoked);
      }
      assert.equal(entries.length, sessions.length);
      await primary.kill();
      await standby.promote();
      return { sessions, lost: entries.slice(3) };
    }

    async function assertHealed(sessions: readonly Session[], lost: readonly LogEntry[]): Promise<void> {
      const other = await openStore(urlOf(standby.port));
      const log = follow(other);
      await until('the lost entries are there again', async () => {
        return lost.every(({ tag }) => log.filter((entry) => entry.tag === tag).length === 1);
      });
      assertBegins(log);
      assertChained(log);
      for (const session of sessions) assert.equal(await stateOf(other, session), 'revoked');
      await until('they were delivered again', async () => entries.at(-1)?.tag === log.at(-1)?.tag);
      assert.deepEqual(breaks, ['truncated']);
      await other.close();
    }

    it('puts back what the log lost, and revokes what it ends', async () => {
      await openFollower(standby.port);
      const { sessions, lost } = await loseTail();
      await assertHealed(sessions, lost);
    });

    it('does so where as many others have taken the lost positions', async () => {
      const port = await unusedPort();
      await openFollower(port);
      const { sessions, lost } = await loseTail();
      const other = await openStore(urlOf(standby.port));
      for (const { position } of lost) {
        const outcome = await other.revoke(revokeCommand(await begin(other)));
        assert(outcome.kind === 'done' && outcome.head?.position === position);
      }
      await other.close();
      // Only now is the promoted server reached by the instance that holds what was lost.
      const gate = await forward(port, standby.port);
      await assertHealed(sessions, lost);
      gate.close();
    });

    it('listens where the log goes on, though the former primary lives', async () => {
      await openFollower(standby.port);
      const listening = `SELECT FROM pg_stat_activity WHERE application_name = 'tested' AND query LIKE 'LISTEN %'`;
      await until('it listens', async () => (await primary.query(listening)).length === 1);
      await standby.promote();
      await primary.query('ALTER SYSTEM SET default_transaction_read_only = on');
      await primary.query('SELECT pg_reload_conf()');
      await until('it listens there', async () => (await standby.query(listening)).length === 1);
      await until('it has left the other', async () => (await primary.query(listening)).length === 0);
    });
  });
});

/** A port by which another is reached. */
async function forward(from: number, to: number): Promise<Server> {
  const server = createServer((socket) => {
    const target = connect(to, '127.0.0.1');
    for (const end of [socket, target]) end.on('error', () => end.destroy());
    socket.pipe(target).pipe(socket);
  });
  await once(server.listen(from, '127.0.0.1'), 'listening');
  return server;
}

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

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { type Env, TestServer } from '../harness.ts';
import { describeOn, serverUrl } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';
import { newPrefix } from '../store/redis/harness.ts';
import { ms, open, present, range, seconds } from './expect.ts';
import { fromWire, nameOf } from './revocations.ts';
import type { Mark } from './subscriber.ts';
import { type Frame, Watcher } from './watcher.ts';

const CALLERS = 4;

/** An entry of the log matters for 66 s after this token lifetime began: a few steps. */
const TTL_MS = 1_000;
const LASTING_MS = TTL_MS + 65_000;
const STEP_MS = 8_000;
const STEP_EVERY_MS = 100;

/** How often each must come before the test ends. */
const TIMES = 3;

const PATIENCE_MS = 40_000;

/** Two instances on one store, whose time passes much faster, and whose log is trimmed all the while. */
class Hurry {
  readonly one: TestServer;
  readonly two: TestServer;
  readonly #store: Store;
  /** The acknowledged revocations: when, and until when they must be told of, by the moved clock. */
  readonly #acknowledged: { readonly name: string; readonly atMs: number; readonly lastsUntilMs: number }[] = [];
  /** From which moved time on the clock was moved by how much. */
  readonly #steps: { readonly fromMs: number; readonly byMs: number }[] = [];
  #isOver = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(servers: readonly [TestServer, TestServer], store: Store) {
    [this.one, this.two] = servers;
    this.#store = store;
    this.#steps.push({ fromMs: 0, byMs: 0 });
  }

  begin(): void {
    this.#work = Promise.all([this.#passTime(), ...range(CALLERS).map((caller) => this.#revoke(caller))]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.two.stop();
    await this.one.stop();
  }

  /** Passes as much time at once, and trims all that is past its. */
  async pass(byMs: number): Promise<void> {
    for (const { clock } of [this.one, this.two]) clock.ms += byMs;
    this.#steps.push({ fromMs: this.one.now(), byMs: this.one.clock.ms });
    while ((await this.#store.sweep(200)).more);
  }

  /** What a checkpoint proves to be known, and is not. */
  missing({ staleness, asOfTime }: NonNullable<Frame['checkpoint']>, seen: ReadonlySet<string>): readonly string[] {
    const asOfMs = ms(asOfTime);
    const step = this.#steps.findLast(({ fromMs }) => fromMs <= asOfMs);
    const knownMs = asOfMs - present(step).byMs - ms(staleness);
    return this.#acknowledged
      .filter(({ name, atMs, lastsUntilMs }) => atMs <= knownMs && lastsUntilMs > asOfMs && !seen.has(name))
      .map(({ name }) => name);
  }

  async #passTime(): Promise<void> {
    while (!this.#isOver) {
      await this.pass(STEP_MS);
      await pause(STEP_EVERY_MS);
    }
  }

  async #revoke(caller: number): Promise<void> {
    const { client } = this.one;
    while (!this.#isOver) {
      const { session } = await open(client, { userId: `user-${caller}` });
      const lastsUntilMs = this.one.now() + LASTING_MS;
      await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
      const name = nameOf({ kind: 'session', tenantId: '', sessionId: session.sessionId, minVersion: 0 });
      this.#acknowledged.push({ name, atMs: Date.now(), lastsUntilMs });
    }
  }
}

/** A stream of which every checkpoint is held to its word. */
class Judged {
  readonly watcher: Watcher;
  readonly seen: Set<string>;

  constructor(hurry: Hurry, server: TestServer, from: Mark = { cursor: Buffer.alloc(0), seen: new Set() }) {
    this.seen = new Set(from.seen);
    const request = { cursor: from.cursor, heartbeat: seconds(0.25) };
    this.watcher = new Watcher(server.client, request, ({ snapshotChunk, batch, checkpoint }) => {
      const revocations = snapshotChunk?.revocations ?? batch?.revocations ?? [];
      for (const wire of revocations) this.seen.add(nameOf(fromWire(wire).scope));
      if (checkpoint != null) assert.deepEqual(hurry.missing(checkpoint, this.seen), [], 'a checkpoint is wrong');
    });
  }

  get mark(): Mark {
    return { cursor: this.watcher.cursor, seen: new Set(this.seen) };
  }

  /** How it began, or why it was reset at once. */
  get start(): string {
    const [first, second] = this.watcher.frames;
    return second?.reset?.cause ?? present(first?.opened).start;
  }
}

/** Marks of ever more distant pasts, from each of which streams begin on an instance that has just started. */
async function resumeOften(hurry: Hurry, current: Judged): Promise<void> {
  const counts: Record<string, number> = { START_RESUMED: 0, CAUSE_COMPACTED: 0 };
  const marks: Mark[] = [];
  const lateMs = performance.now() + PATIENCE_MS;
  while (Object.values(counts).some((count) => count < TIMES)) {
    assert(performance.now() < lateMs, JSON.stringify(counts));
    await current.watcher.checkpoint();
    marks.push(current.mark);
    await hurry.two.restart();
    const chosen = [1, 2, 4, 8, 16].flatMap((age) => marks.at(-age) ?? []);
    const starts = chosen.flatMap((mark) => [hurry.one, hurry.two].map((server) => startFrom(hurry, server, mark)));
    for (const start of await Promise.all(starts)) {
      assert(start in counts, start);
      counts[start] = (counts[start] ?? 0) + 1;
    }
  }
}

async function startFrom(hurry: Hurry, server: TestServer, mark: Mark): Promise<string> {
  const resumed = new Judged(hurry, server, mark);
  await resumed.watcher.checkpoint();
  await resumed.watcher.close();
  return resumed.start;
}

/** Reads for a moment now and then, until the signal. */
async function readSlowly({ watcher }: Judged, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    watcher.pause();
    await pause(500);
    watcher.resume();
    await pause(20);
  }
  await watcher.checkpoint();
}

/** A cursor at the head goes on from there, though all else was trimmed. */
async function assertHeadResumes(hurry: Hurry, current: Judged): Promise<void> {
  await current.watcher.checkpoint();
  const { mark } = current;
  await hurry.pass(10 * LASTING_MS);
  await hurry.two.restart();
  for (const server of [hurry.one, hurry.two]) {
    const resumed = new Watcher(server.client, { cursor: mark.cursor, heartbeat: seconds(0.25) });
    await resumed.checkpoint();
    assert.equal(present(resumed.frames[0]?.opened).start, 'START_RESUMED');
    const { session } = await open(server.client);
    await server.client.call('RevokeSession', { session: { sessionId: session.sessionId } });
    await resumed.until(() => resumed.sessionIds.includes(session.sessionId), 'what came next');
    assert(!resumed.kinds.includes('reset'));
    await resumed.close();
  }
}

/** Settings of a new store, and how it is removed. */
const STORES: Readonly<Record<'sqlite' | 'postgres' | 'redis', () => Promise<readonly [Env, () => Promise<void>]>>> = {
  sqlite: async () => [{}, async () => {}],
  postgres: async () => {
    const database = await migratedDatabase();
    return [{ STORE_URL: database.url }, () => database.drop()];
  },
  redis: async () => [{ STORE_URL: serverUrl('redis'), REDIS_KEY_PREFIX: newPrefix() }, async () => {}],
};

async function startHurry(storeEnv: Env): Promise<Hurry> {
  const common: Env = {
    ACCESS_TOKEN_TTL: `${TTL_MS}ms`,
    MASTER_KEY: generateMasterKey().toString('base64'),
    ...storeEnv,
  };
  const one = new TestServer('sqlite', common);
  const env = { STORE_URL: `sqlite:${one.databasePath}`, ...common };
  await one.start();
  const two = await new TestServer('sqlite', env).start();
  const config = readConfig(env);
  return new Hurry([one, two], await openStore(config.store, config, one.clock));
}

for (const store of ['sqlite', 'postgres', 'redis'] as const) {
  describeOn(store, () => {
    it('trimming beside those who resume and those who read slowly takes nothing from them untold', async function () {
      this.timeout(120_000);
      const [env, remove] = await STORES[store]();
      const hurry = await startHurry(env);
      const stop = new AbortController();
      try {
        hurry.begin();
        const [current, slow] = [new Judged(hurry, hurry.one), new Judged(hurry, hurry.one)];
        const reading = readSlowly(slow, stop.signal);
        await resumeOften(hurry, current);
        stop.abort();
        await reading;
        await hurry.end();
        await assertHeadResumes(hurry, current);
        assert.deepEqual(
          [current, slow].flatMap(({ watcher }) => watcher.kinds.filter((kind) => kind === 'reset')),
          [],
        );
        await Promise.all([current.watcher.close(), slow.watcher.close()]);
      } finally {
        stop.abort();
        await hurry.end();
        await hurry.close();
        await remove();
      }
    });
  });
}

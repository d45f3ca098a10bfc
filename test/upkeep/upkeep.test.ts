import assert from 'node:assert/strict';
import { join } from 'node:path';
import { RevocationFeed } from '../../src/revocation/feed.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { createCommand, DAY, MINUTE } from '../../src/store/conformance/commands.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { openKeyRing } from '../../src/upkeep/keys.ts';
import { temporaryFolder } from '../harness.ts';
import { startUpkeep, Upkeep, type UpkeepParts } from '../../src/upkeep/upkeep.ts';

const MASTER_KEY = generateMasterKey();

async function fixture(clock = { ms: 0 }, open = () => openMemoryStore(DEFAULT_RULES, clock)) {
  const now = () => Date.now() + clock.ms;
  const store = await open();
  const keys = await openKeyRing(store, MASTER_KEY, 'ES256', now);
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  const feed = new RevocationFeed(store, now);
  const parts: UpkeepParts = { store, feed, keys, now, log };
  const messages = () => lines.map(({ msg, task }) => `${String(task)}: ${String(msg)}`);
  return { clock, store, parts, feed, lines, messages };
}

function runUpkeep(parts: UpkeepParts, signal: AbortSignal): Promise<void> {
  return new Upkeep(parts, signal).run();
}

describe('upkeep', () => {
  it('sweeps what is past its time, however many batches that takes, and rotates keys', async () => {
    const { clock, store, parts, lines, messages } = await fixture();
    const created = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => store.create(createCommand({ userId: `user-${index}` }))),
    );
    await store.raise({ ...RAISE, scope: { kind: 'tenant', tenantId: 'acme' } });
    clock.ms = 400 * DAY;
    await runUpkeep(parts, new AbortController().signal);
    for (const outcome of created) {
      assert(outcome.kind === 'created');
      const { sessionId } = outcome.record.session;
      assert.equal((await store.read({ tenantIds: null, sessionId, touch: false })).kind, 'unknown');
    }
    assert.deepEqual(await store.sweep(10), { sessions: 0, requests: 0, epochs: 0, logEntries: 0, more: false });
    assert.equal((await store.keys()).length, 4);
    assert.deepEqual(messages(), ['sweep: sweep lease taken', 'sweep: swept']);
    const { sessions, requests, epochs, logEntries } = lines[1] ?? {};
    assert.deepEqual(
      { sessions, requests, epochs, logEntries },
      { sessions: 1000, requests: 0, epochs: 1, logEntries: 0 },
    );
  });

  it('goes on with the other tasks where one fails', async () => {
    const { clock, store, parts, messages } = await fixture();
    await store.create(createCommand());
    clock.ms = 400 * DAY;
    const failing = { ...parts, feed: { discard: () => assert.fail('no') } as unknown as RevocationFeed };
    await runUpkeep(failing, new AbortController().signal);
    assert.equal(messages()[0], 'forget revocations: upkeep failed');
    assert.equal((await store.sweep(10)).sessions, 0);
  });

  it('sweeps under a lease, which an instance that stops asking loses', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'sessions.db');
    const clock = { ms: 0 };
    const first = await fixture(clock, () => openSqliteStore(path, DEFAULT_RULES, clock));
    const second = await fixture(clock, () => openSqliteStore(path, DEFAULT_RULES, clock));
    const { signal } = new AbortController();
    await runUpkeep(first.parts, signal);
    await first.store.create(createCommand());
    clock.ms = 400 * DAY;
    const upkeep = new Upkeep(first.parts, signal);
    await upkeep.run();
    clock.ms += 2 * MINUTE;
    await runUpkeep(second.parts, signal);
    assert.deepEqual(second.messages(), []);
    clock.ms += 2 * MINUTE;
    await runUpkeep(second.parts, signal);
    await upkeep.run();
    assert.deepEqual(second.messages(), ['sweep: sweep lease taken']);
    assert.equal(first.messages().at(-1), 'sweep: sweep lease lost');
    for (const { store } of [first, second]) store.close();
    folder.remove();
  });

  it('starts nothing once it was stopped', async () => {
    const { clock, store, parts } = await fixture();
    await store.create(createCommand());
    clock.ms = 400 * DAY;
    await runUpkeep(parts, AbortSignal.abort());
    await startUpkeep(parts)();
    assert.equal((await store.sweep(10)).sessions, 1);
  });
});

const RAISE = {
  request: null,
  reason: 'admin',
  exceptSessionId: '',
  denyCreateUntilMs: null,
  deviceId: '',
  createTimeBeforeMs: null,
} as const;

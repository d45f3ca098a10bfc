import assert from 'node:assert/strict';
import { RevocationFeed } from '../../src/revocation/feed.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { createCommand, DAY } from '../../src/store/conformance/commands.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { openKeyRing } from '../../src/upkeep/keys.ts';
import { runUpkeep, startUpkeep, type UpkeepParts } from '../../src/upkeep/upkeep.ts';

async function fixture() {
  const clock = { ms: 0 };
  const now = () => Date.now() + clock.ms;
  const store = await openMemoryStore(DEFAULT_RULES, clock);
  const keys = await openKeyRing(store, generateMasterKey(), 'ES256', now);
  const faults: string[] = [];
  const feed = new RevocationFeed(store, now());
  const parts: UpkeepParts = { store, feed, keys, now, onFault: (task) => faults.push(task) };
  return { clock, store, parts, feed, faults };
}

describe('upkeep', () => {
  it('sweeps what is past its time, however many batches that takes, and rotates keys', async () => {
    const { clock, store, parts, faults } = await fixture();
    const created = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => store.create(createCommand({ userId: `user-${index}` }))),
    );
    await store.raise({ ...RAISE, scope: { kind: 'tenant', tenantId: 'acme' } });
    clock.ms = 400 * DAY;
    await runUpkeep(parts, new AbortController().signal);
    for (const outcome of created) {
      assert(outcome.kind === 'created');
      const { sessionId } = outcome.record.session;
      assert.equal((await store.read({ tenantId: null, sessionId, touch: false })).kind, 'unknown');
    }
    assert.deepEqual(await store.sweep(10), { sessions: 0, requests: 0, epochs: 0, logEntries: 0, more: false });
    assert.equal((await store.keys()).length, 4);
    assert.deepEqual(faults, []);
  });

  it('goes on with the other tasks where one fails', async () => {
    const { clock, store, parts, faults } = await fixture();
    await store.create(createCommand());
    clock.ms = 400 * DAY;
    const failing = { ...parts, feed: { discard: () => assert.fail('no') } as unknown as RevocationFeed };
    await runUpkeep(failing, new AbortController().signal);
    assert.deepEqual(faults, ['forget revocations']);
    assert.equal((await store.sweep(10)).sessions, 0);
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

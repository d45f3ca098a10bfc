import assert from 'node:assert/strict';
import type { KeyStore } from '../../domain/store.ts';
import type { StoredKey } from '../../token/keys.ts';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import { times } from './commands.ts';

export function describeKeys(harness: ConformanceHarness): void {
  describeCases('keys', harness, KEYS);
  describeCases('keys, after a restart', harness, PERSISTENT, 'persistent');
}

function storedKey(use: StoredKey['use'], sequence: number, keyId = ''): StoredKey {
  return {
    use,
    sequence,
    keyId,
    algorithm: use === 'access' ? 'ES256' : 'HS256',
    publicJwk: use === 'access' ? '{"kty":"EC","x":"\u00e9"}' : '',
    sealed: Uint8Array.from(times(256, (index) => (index + sequence) % 256)),
    activeTimeMs: 1_700_000_000_000 + sequence,
  };
}

/** In an order of its own, with bytes of one class. */
async function keysOf(store: KeyStore): Promise<readonly StoredKey[]> {
  const keys = (await store.keys()).map((key) => ({ ...key, sealed: Uint8Array.from(key.sealed) }));
  return keys.sort((a, b) => a.use.localeCompare(b.use) || a.sequence - b.sequence);
}

const KEYS: Cases = {
  'are none at first': async ({ open }) => {
    assert.deepEqual(await (await open()).keys(), []);
  },

  'are kept as they were given, to the byte': async ({ open }) => {
    const store = await open();
    const keys = [storedKey('access', 1, 'k1'), storedKey('access', 2, 'k2'), storedKey('refresh', 1)];
    for (const key of keys.toReversed()) await store.insertKeyIfAbsent(key);
    assert.deepEqual(await keysOf(store), keys);
  },

  'are inserted unless use and sequence are taken': async ({ open }) => {
    const store = await open();
    const first = storedKey('access', 1, 'first');
    await store.insertKeyIfAbsent(first);
    await store.insertKeyIfAbsent({ ...storedKey('access', 1, 'second'), activeTimeMs: 5 });
    assert.deepEqual(await keysOf(store), [first]);
  },

  'are decided by the first of those who race, and all read the same': async ({ openAll }) => {
    const stores = await openAll();
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      const seen = await Promise.all(
        times(10, async (index) => {
          const store = inTurn(stores, index);
          await store.insertKeyIfAbsent(storedKey('access', sequence, `of ${index}`));
          return keysOf(store);
        }),
      );
      for (const keys of seen) assert.deepEqual(keys, seen[0]);
      assert.equal(seen[0]?.length, sequence);
    }
  },
};

const PERSISTENT: Cases = {
  'are still there': async ({ open, reopen }) => {
    const key = storedKey('refresh', 1);
    await (await open()).insertKeyIfAbsent(key);
    assert.deepEqual(await keysOf(await reopen()), [key]);
  },
};

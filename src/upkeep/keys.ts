import { CLOCK_SKEW_MS, MAX_ACCESS_TOKEN_TTL_MS } from '../domain/limits.ts';
import type { KeyStore } from '../domain/store.ts';
import { KeyRing } from '../token/key_ring.ts';
import { generateSigningKey, generateTagSecret, type SigningAlgorithm, type StoredKey } from '../token/keys.ts';

const HOUR_MS = 3_600_000;

/** How long a key signs before its successor takes over. */
const KEY_PERIOD_MS = 90 * 24 * HOUR_MS;

/** How long before it signs a successor is published, so that every verifier and instance knows it. */
const PUBLISH_AHEAD_MS = HOUR_MS;

/** After its successor took over a key may still have tokens for this long. */
const RETIREMENT_MS = MAX_ACCESS_TOKEN_TTL_MS + 2 * CLOCK_SKEW_MS;

/**
 * Opens the store's keys, and makes the first ones where there are none. Whoever inserts first
 * decides: every instance reads again. Throws where the master key does not open them.
 */
export async function openKeyRing(
  store: KeyStore,
  masterKey: Buffer,
  algorithm: SigningAlgorithm,
  now: () => number,
): Promise<KeyRing> {
  const ring = new KeyRing(masterKey, RETIREMENT_MS);
  const stored = await store.keys();
  ring.load(stored);
  await ensureNext(store, ring, stored, 'access', now(), algorithm);
  await ensureNext(store, ring, stored, 'refresh', now());
  ring.load(await store.keys());
  return ring;
}

/** Publishes successors that are due and takes in what other instances made. */
export async function rotateKeys(store: KeyStore, ring: KeyRing, now: () => number): Promise<void> {
  const stored = await store.keys();
  await ensureNext(store, ring, stored, 'access', now());
  await ensureNext(store, ring, stored, 'refresh', now());
  ring.load(await store.keys());
}

/**
 * Inserts the first key or a successor that is due. Of several instances that find the same one due
 * the number lets a single insert through.
 * @param algorithm where given, a newest key of another algorithm is due for a successor
 */
async function ensureNext(
  store: KeyStore,
  ring: KeyRing,
  stored: readonly StoredKey[],
  use: StoredKey['use'],
  nowMs: number,
  algorithm?: SigningAlgorithm,
): Promise<void> {
  const newest = stored.filter((key) => key.use === use).sort((a, b) => b.sequence - a.sequence)[0];
  const otherAlgorithm = algorithm !== undefined && newest !== undefined && newest.algorithm !== algorithm;
  const isDue =
    newest === undefined || otherAlgorithm || newest.activeTimeMs + KEY_PERIOD_MS - PUBLISH_AHEAD_MS <= nowMs;
  if (!isDue) return;
  const activeTimeMs = newest === undefined ? nowMs : Math.max(nowMs, newest.activeTimeMs) + PUBLISH_AHEAD_MS;
  const signing = algorithm ?? ((newest?.algorithm ?? 'ES256') as SigningAlgorithm);
  const key = use === 'access' ? generateSigningKey(signing) : generateTagSecret();
  await store.insertKeyIfAbsent(ring.sealKey(use, (newest?.sequence ?? 0) + 1, key, activeTimeMs));
}

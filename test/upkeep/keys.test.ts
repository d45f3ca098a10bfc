import assert from 'node:assert/strict';
import jsonwebtoken from 'jsonwebtoken';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';
import { KeyRing } from '../../src/token/key_ring.ts';
import { generateSigningKey, type StoredKey } from '../../src/token/keys.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { openKeyRing, rotateKeys } from '../../src/upkeep/keys.ts';

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;

async function fixture() {
  const clock = { ms: 0 };
  const start = Date.now();
  return {
    clock,
    now: () => start + clock.ms,
    store: await openMemoryStore(DEFAULT_RULES, clock),
    masterKey: generateMasterKey(),
  };
}

function kidsOf(ring: KeyRing, nowMs: number): string[] {
  return (JSON.parse(ring.jwksJson(nowMs)) as { keys: { kid: string }[] }).keys.map((key) => key.kid);
}

describe('the key ring of a store', () => {
  it('begins with one signing key, whoever opens it first', async () => {
    const { store, masterKey, now } = await fixture();
    const rings = await Promise.all(Array.from({ length: 20 }, () => openKeyRing(store, masterKey, 'ES256', now)));
    const kids = new Set(rings.map((ring) => ring.signingKey(now()).kid));
    assert.equal(kids.size, 1);
    assert.equal(new Set(rings.map((ring) => ring.tagKey(now()).secret.toString('hex'))).size, 1);
    assert.deepEqual(kidsOf(rings[0] as KeyRing, now()), [...kids]);
  });

  it('does not open under another master key', async () => {
    const { store, masterKey, now } = await fixture();
    await openKeyRing(store, masterKey, 'ES256', now);
    await assert.rejects(openKeyRing(store, generateMasterKey(), 'ES256', now), /MASTER_KEY/);
  });

  it('keeps no secret in the clear', async () => {
    const { store, masterKey, now } = await fixture();
    const ring = await openKeyRing(store, masterKey, 'ES256', now);
    const privateJwk = ring.signingKey(now()).privateKey.export({ format: 'jwk' });
    const secrets = [Buffer.from(privateJwk.d ?? '', 'base64url'), ring.tagKey(now()).secret];
    for (const key of await store.keys()) {
      for (const secret of secrets) assert(!Buffer.from(key.sealed).includes(secret));
      assert(!key.publicJwk.includes('"d"'));
    }
  });

  it('opens no key in another row, nor beside another public half', async () => {
    const { store, masterKey, now } = await fixture();
    await openKeyRing(store, masterKey, 'ES256', now);
    const keys = await store.keys();
    const [access, refresh] = ['access', 'refresh'].map((use) => keys.find((key) => key.use === use)) as [
      StoredKey,
      StoredKey,
    ];
    const { keyId, publicJwk } = generateSigningKey('ES256');
    const changed: readonly StoredKey[] = [
      { ...access, sealed: refresh.sealed },
      { ...access, keyId, publicJwk },
      { ...access, keyId },
      { ...access, algorithm: 'RS256' },
      { ...access, sequence: 2 },
      { ...access, activeTimeMs: access.activeTimeMs - DAY_MS },
      { ...refresh, sequence: 2 },
      { ...refresh, use: 'access' },
    ];
    for (const key of changed) assert.throws(() => new KeyRing(masterKey, 0).load([key]), /MASTER_KEY/);
    new KeyRing(masterKey, 0).load([access, refresh]);
  });

  it('publishes a successor before it signs, and drops a key once its tokens have expired', async () => {
    const { store, masterKey, now, clock } = await fixture();
    const ring = await openKeyRing(store, masterKey, 'ES256', now);
    const first = ring.signingKey(now()).kid;
    clock.ms = 90 * DAY_MS - 2 * HOUR_MS;
    await rotateKeys(store, ring, now);
    assert.deepEqual(kidsOf(ring, now()), [first]);

    clock.ms = 90 * DAY_MS - HOUR_MS / 2;
    await rotateKeys(store, ring, now);
    const [, second] = kidsOf(ring, now());
    assert(second !== undefined && second !== first);
    assert.equal(ring.signingKey(now()).kid, first);

    clock.ms += HOUR_MS;
    assert.equal(ring.signingKey(now()).kid, second);
    assert.notEqual(ring.verificationKey(first, now()), undefined);

    clock.ms += 25 * HOUR_MS;
    assert.equal(ring.verificationKey(first, now()), undefined);
    assert.deepEqual(kidsOf(ring, now()), [second]);
  });

  it('gets one successor however many instances find it due, and each learns of it', async () => {
    const { store, masterKey, now, clock } = await fixture();
    const rings = await Promise.all(Array.from({ length: 5 }, () => openKeyRing(store, masterKey, 'ES256', now)));
    clock.ms = 91 * DAY_MS;
    await Promise.all(rings.map((ring) => rotateKeys(store, ring, now)));
    for (const ring of rings) assert.equal(kidsOf(ring, now()).length, 2);
    clock.ms += 2 * HOUR_MS;
    assert.equal(new Set(rings.map((ring) => ring.signingKey(now()).kid)).size, 1);
  });

  it('reads refresh tokens of every key that it ever had', async () => {
    const { store, masterKey, now, clock } = await fixture();
    const ring = await openKeyRing(store, masterKey, 'ES256', now);
    const first = ring.tagKey(now());
    clock.ms = 400 * DAY_MS;
    await rotateKeys(store, ring, now);
    clock.ms += 2 * HOUR_MS;
    assert.notEqual(ring.tagKey(now()).id, first.id);
    assert.deepEqual(ring.tagKeyById(first.id)?.secret, first.secret);
  });

  it('turns to another algorithm through a published successor', async () => {
    const { store, masterKey, now, clock } = await fixture();
    await openKeyRing(store, masterKey, 'ES256', now);
    const ring = await openKeyRing(store, masterKey, 'RS256', now);
    assert.equal(ring.signingKey(now()).algorithm, 'ES256');
    clock.ms = 2 * HOUR_MS;
    const key = ring.signingKey(now());
    assert.equal(key.algorithm, 'RS256');
    const token = jsonwebtoken.sign({}, key.privateKey, { algorithm: 'RS256' });
    assert(jsonwebtoken.verify(token, ring.verificationKey(key.kid, now())?.publicKey as never));
  });
});

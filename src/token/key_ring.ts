import {
  importPrivateKey,
  importPublicKey,
  type SigningKey,
  type StoredKey,
  type TagKey,
  type VerificationKey,
} from './keys.ts';
import { seal, unseal } from './master_key.ts';
import type { GeneratedKey, SigningAlgorithm } from './keys.ts';

interface AccessKey extends SigningKey, VerificationKey {
  readonly publicJwk: string;
  readonly activeTimeMs: number;
  /** When the last token that it signed has expired; infinite while it has no successor. */
  readonly retireTimeMs: number;
}

interface RefreshKey extends TagKey {
  readonly activeTimeMs: number;
}

/** The keys of the store, opened. Reading one never waits; `load` brings in what other instances made. */
export class KeyRing {
  readonly #masterKey: Buffer;
  readonly #graceMs: number;
  #access: readonly AccessKey[] = [];
  #refresh: readonly RefreshKey[] = [];
  #byKid = new Map<string, AccessKey>();

  /** @param graceMs how long after its successor took over a key may still have unexpired tokens. */
  constructor(masterKey: Buffer, graceMs: number) {
    this.#masterKey = masterKey;
    this.#graceMs = graceMs;
  }

  /** Throws where the master key does not open a stored key. */
  load(stored: readonly StoredKey[]): void {
    const bySequence = [...stored].sort((a, b) => a.sequence - b.sequence);
    const access = bySequence.filter((key) => key.use === 'access');
    this.#access = access.map((key, index) => this.#openAccessKey(key, access[index + 1]));
    this.#refresh = bySequence
      .filter((key) => key.use === 'refresh')
      .map((key) => ({ id: key.sequence, secret: this.#open(key), activeTimeMs: key.activeTimeMs }));
    this.#byKid = new Map(this.#access.map((key) => [key.kid, key]));
  }

  /** Seals a fresh key for the store. */
  sealKey(use: StoredKey['use'], sequence: number, key: GeneratedKey, activeTimeMs: number): StoredKey {
    const { keyId, algorithm, publicJwk } = key;
    const named = { use, sequence, keyId, algorithm, publicJwk, activeTimeMs };
    return { ...named, sealed: seal(this.#masterKey, sealContext(named), key.secret) };
  }

  /** The newest key that is active. */
  signingKey(nowMs: number): SigningKey {
    return newestActive(this.#access, nowMs);
  }

  verificationKey(kid: string, nowMs: number): VerificationKey | undefined {
    const key = this.#byKid.get(kid);
    return key !== undefined && nowMs < key.retireTimeMs ? key : undefined;
  }

  tagKey(nowMs: number): TagKey {
    return newestActive(this.#refresh, nowMs);
  }

  tagKeyById(id: number): TagKey | undefined {
    return this.#refresh.find((key) => key.id === id);
  }

  /** The keys that verify, those not yet active included, as a JWK Set (RFC 7517, section 5). */
  jwksJson(nowMs: number): string {
    const published = this.#access.filter((key) => nowMs < key.retireTimeMs);
    return `{"keys":[${published.map((key) => key.publicJwk).join(',')}]}`;
  }

  #openAccessKey(key: StoredKey, successor: StoredKey | undefined): AccessKey {
    return {
      kid: key.keyId,
      algorithm: key.algorithm as SigningAlgorithm,
      privateKey: importPrivateKey(this.#open(key)),
      publicKey: importPublicKey(key.publicJwk),
      publicJwk: key.publicJwk,
      activeTimeMs: key.activeTimeMs,
      retireTimeMs: successor === undefined ? Number.POSITIVE_INFINITY : successor.activeTimeMs + this.#graceMs,
    };
  }

  #open(key: StoredKey): Buffer {
    const secret = unseal(this.#masterKey, sealContext(key), key.sealed);
    if (secret !== undefined) return secret;
    throw new Error(
      'the master key does not open the keys in this store: set the MASTER_KEY (or MASTER_KEY_FILE) they were made under',
    );
  }
}

/** Binds the sealed secret to its row, the public half included: rows can't be swapped. */
function sealContext(key: Omit<StoredKey, 'sealed'>): string {
  return JSON.stringify([key.use, key.sequence, key.keyId, key.algorithm, key.publicJwk, key.activeTimeMs]);
}

function newestActive<K extends { readonly activeTimeMs: number }>(keys: readonly K[], nowMs: number): K {
  // The first key is active from the start, whatever this instance's clock says.
  const key = keys.findLast((candidate) => candidate.activeTimeMs <= nowMs) ?? keys[0];
  if (key === undefined) throw new Error('the key ring is empty: load it before use');
  return key;
}

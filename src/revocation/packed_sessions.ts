import { PagedWords } from './paged_words.ts';
import type { RevocationReason } from './revocation.ts';

/** What ends one session. Times are ms since the epoch; a discard time of Infinity never comes. */
export interface SessionEntry {
  readonly tenantId: string;
  /** 0 where the session itself has ended. */
  readonly minVersion: number;
  readonly discardTimeMs: number;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}

/** An entry is so many words of 32 bits, of which the first four are the id. */
const ENTRY_WORDS = 9;
/** The low 32 bits of the revoke time. */
const REVOKED = 4;
/** The high 12 bits of the revoke time, 16 of the least version, 4 of the reason. */
const FACTS = 5;
/** From the revoke time to the discard time, in ms. */
const KEPT = 6;
const TENANT = 7;
/** The next entry of the same bucket, counted from 1; 0 for none. */
const NEXT = 8;

const TIMES = 2 ** 44;
const VERSIONS = 2 ** 16;
const NEVER = 2 ** 32 - 1;

const REASON_CODES: Readonly<Record<RevocationReason, number>> = {
  unspecified: 0,
  logout: 1,
  admin: 2,
  credential_change: 3,
  account_disabled: 4,
  security: 5,
  session_limit: 6,
  refresh_token_reuse: 7,
  rotated: 8,
  device_replaced: 9,
};
const REASONS = Object.keys(REASON_CODES) as RevocationReason[];

/** Whether the entry can be packed without loss; its tenant always can. */
export function canPack({ minVersion, discardTimeMs, reason, revokeTimeMs }: SessionEntry): boolean {
  return (
    isNaturalBelow(TIMES, revokeTimeMs) &&
    isNaturalBelow(VERSIONS, minVersion) &&
    (discardTimeMs === Number.POSITIVE_INFINITY || isNaturalBelow(NEVER, discardTimeMs - revokeTimeMs)) &&
    Object.hasOwn(REASON_CODES, reason)
  );
}

/**
 * Entries by the four words of a session's id, in 40 bytes each: a hash table by linear hashing (Litwin 1980), with as many
 * buckets as entries, of which one is split or joined for each that is added or deleted; so no step takes longer
 * the more there are. Entries are numbered from 0 on without a gap: where one is deleted, the last gets its number.
 */
export class PackedSessions {
  readonly #entries = new PagedWords();
  /** The first entry of each bucket, as NEXT has it. */
  readonly #buckets = new PagedWords();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the entry of this id; -1 where there is none. */
  find(id: Int32Array): number {
    if (this.#size === 0) return -1;
    const entries = this.#entries;
    const a = id[0] as number;
    const b = id[1] as number;
    const c = id[2] as number;
    const d = id[3] as number;
    let number = this.#buckets.get(bucketOf(hashOf(a, b, c, d), this.#size)) - 1;
    while (number >= 0) {
      const at = number * ENTRY_WORDS;
      if (
        entries.get(at + 3) === d &&
        entries.get(at + 2) === c &&
        entries.get(at + 1) === b &&
        entries.get(at) === a
      ) {
        return number;
      }
      number = entries.get(at + NEXT) - 1;
    }
    return -1;
  }

  /** Copies the id of an entry to `id`. */
  readId(number: number, id: Int32Array): void {
    for (let word = 0; word < 4; word += 1) id[word] = this.#word(number, word);
  }

  minVersion(number: number): number {
    return (this.#word(number, FACTS) >>> 4) & (VERSIONS - 1);
  }

  /** What stands for the tenant. */
  tenant(number: number): number {
    return this.#word(number, TENANT);
  }

  revokeTimeMs(number: number): number {
    return (this.#word(number, FACTS) >>> 20) * 2 ** 32 + (this.#word(number, REVOKED) >>> 0);
  }

  discardTimeMs(number: number): number {
    const keptMs = this.#word(number, KEPT) >>> 0;
    return keptMs === NEVER ? Number.POSITIVE_INFINITY : this.revokeTimeMs(number) + keptMs;
  }

  reason(number: number): RevocationReason {
    return REASONS[this.#word(number, FACTS) & 15] ?? 'unspecified';
  }

  /** Adds an entry for an id that has none; its number is the highest. */
  add(id: Int32Array): number {
    const number = this.#size;
    this.#entries.resize((number + 1) * ENTRY_WORDS);
    this.#buckets.resize(number + 1);
    this.#size += 1;
    this.#split(number);
    for (let word = 0; word < 4; word += 1) this.#entries.set(number * ENTRY_WORDS + word, id[word] as number);
    this.#link(number);
    return number;
  }

  /** Of an entry that canPack. */
  write(number: number, { minVersion, discardTimeMs, reason, revokeTimeMs }: SessionEntry, tenant: number): void {
    const at = number * ENTRY_WORDS;
    const high = Math.floor(revokeTimeMs / 2 ** 32);
    this.#entries.set(at + REVOKED, revokeTimeMs);
    this.#entries.set(at + FACTS, (high << 20) | (minVersion << 4) | REASON_CODES[reason]);
    this.#entries.set(at + KEPT, Math.min(discardTimeMs - revokeTimeMs, NEVER));
    this.#entries.set(at + TENANT, tenant);
  }

  delete(number: number): void {
    const last = this.#size - 1;
    this.#lead(number, this.#word(number, NEXT));
    if (number !== last) {
      this.#lead(last, number + 1);
      for (let word = 0; word < ENTRY_WORDS; word += 1) {
        this.#entries.set(number * ENTRY_WORDS + word, this.#word(last, word));
      }
    }
    this.#join(last);
    this.#size -= 1;
    this.#buckets.resize(last);
    this.#entries.resize(last * ENTRY_WORDS);
  }

  /** Gives the new last bucket its part of the one that was for both. */
  #split(bucket: number): void {
    this.#buckets.set(bucket, 0);
    if (bucket === 0) return;
    const old = sharedWith(bucket);
    let next = this.#buckets.get(old);
    this.#buckets.set(old, 0);
    while (next > 0) {
      const number = next - 1;
      next = this.#word(number, NEXT);
      this.#link(number);
    }
  }

  /** Gives what the last bucket has to the one that will be for both. */
  #join(bucket: number): void {
    let next = this.#buckets.get(bucket);
    if (bucket === 0) return;
    const kept = sharedWith(bucket);
    while (next > 0) {
      const number = next - 1;
      next = this.#word(number, NEXT);
      this.#linkTo(kept, number);
    }
  }

  /** Puts an entry into its bucket. */
  #link(number: number): void {
    this.#linkTo(this.#bucket(number), number);
  }

  #linkTo(bucket: number, number: number): void {
    this.#entries.set(number * ENTRY_WORDS + NEXT, this.#buckets.get(bucket));
    this.#buckets.set(bucket, number + 1);
  }

  /** Makes what leads to an entry lead to `next`. */
  #lead(number: number, next: number): void {
    const bucket = this.#bucket(number);
    let before = this.#buckets.get(bucket) - 1;
    if (before === number) {
      this.#buckets.set(bucket, next);
      return;
    }
    while (this.#word(before, NEXT) !== number + 1) before = this.#word(before, NEXT) - 1;
    this.#entries.set(before * ENTRY_WORDS + NEXT, next);
  }

  #bucket(number: number): number {
    const hash = hashOf(this.#word(number, 0), this.#word(number, 1), this.#word(number, 2), this.#word(number, 3));
    return bucketOf(hash, this.#size);
  }

  #word(number: number, word: number): number {
    return this.#entries.get(number * ENTRY_WORDS + word);
  }
}

function isNaturalBelow(end: number, value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}

/** Each of its bits depends on all of the id: parts of one are a time, or the same for all sessions of a user. */
function hashOf(a: number, b: number, c: number, d: number): number {
  const hash = mixed(mixed(mixed(mixed(a) ^ b) ^ c) ^ d);
  return hash ^ (hash >>> 16);
}

function mixed(word: number): number {
  const product = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return product ^ (product >>> 13);
}

/** Among so many buckets: by as many low bits as tell them all apart, or one less where there is no such bucket yet. */
function bucketOf(hash: number, buckets: number): number {
  const bits = 32 - Math.clz32(buckets - 1);
  const bucket = hash & ((1 << bits) - 1);
  return bucket < buckets ? bucket : sharedWith(bucket);
}

/** The bucket that has those of this one while there is none with this number: the highest bit is not looked at yet. */
function sharedWith(bucket: number): number {
  return bucket - (1 << (31 - Math.clz32(bucket)));
}

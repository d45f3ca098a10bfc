/*
 * The keys of a store, and what is in them. Every name begins with REDIS_KEY_PREFIX. A partition's names go on with
 * its hash tag, so that all of one partition is in one slot of a Cluster; the tags' slots divide the ring evenly.
 * Packed = cmsgpack of an array; its fields are in rows.ts. Times are the store's (ms), but for the expiry that Redis
 * itself knows: that is the time by which the value means nothing any more, plus GARBAGE_MS.
 *
 *   store                hash    id, birth time and number of partitions, and whether all were made; made once, the
 *                                only name without a tag
 *   {tag}m               hash    the partition's state: store = its id, seq and tag = the log's head, floor and
 *                                floorTag = the last trimmed entry, life = the lifetimes in force (packed),
 *                                fence = how often it was fenced
 *   {tag}?               -       the guard: never there, named by every script beside {tag}m. While a slot is moved
 *                                Redis finds one of the two and answers TRYAGAIN, from either side, instead of
 *                                running a script that would miss what is on the other
 *   {tag}l               stream  the log: `<seq>-0`, one field e = the entry as JSON; also the channel of its hints
 *   {tag}s:ID            string  a session, packed; expires with its retention
 *   {tag}u:N:TENANT USER zset    a user's sessions (N = length of the tenant's id, nothing between the two ids): the
 *                                score is the create time, negative once the session has ended. Expires with the last
 *                                of its sessions; a create drops members whose sessions are gone
 *   {tag}a               zset    all sessions by the time at which to look for what has ended: counts and sweeps
 *   {tag}e:S:N:TENANT SUBJECT  string  an epoch, packed; S = u, c, t or g; those of clients, tenants and everything are
 *                                in every partition
 *   {tag}r:KEY:SUBJECT   string  what was done under a request id, packed
 *   {tag}w:KEY           string  the same for a raise over all partitions; in the partition of its KEY
 *   {tag}h:TAG           string  an entry that a failover had lost was appended again
 *   {tag}lease:NAME      string  who has some work, and until when; in the first partition
 *   {tag}k               hash    the signing keys, by use and sequence, as JSON; in the first partition
 *
 * A user's keys are in the partition that the last 16 bits of the user's session ids name.
 */

/** Slots of a Cluster (Redis Cluster specification, "Key distribution model"). */
const SLOTS = 16_384;

/** Kept by Redis for this long beyond its use: clocks of two masters differ. */
export const GARBAGE_MS = 60_000;

export const MAX_PARTITIONS = 1024;

export interface Keys {
  readonly store: string;
  readonly partitions: readonly PartitionKeys[];
}

export interface PartitionKeys {
  readonly index: number;
  readonly slot: number;
  readonly state: string;
  readonly guard: string;
  readonly log: string;
  readonly signingKeys: string;
}

/** The same for the same prefix and number of partitions. */
export function keysOf(keyPrefix: string, partitions: number): Keys {
  const slots = Array.from({ length: partitions }, (_, index) => Math.floor(((index + 0.5) * SLOTS) / partitions));
  const tags = tagsOf(new Set(slots));
  return {
    store: `${keyPrefix}store`,
    partitions: slots.map((slot, index) => {
      const prefix = `${keyPrefix}{${tags.get(slot)}}`;
      return {
        index,
        slot,
        state: `${prefix}m`,
        guard: `${prefix}?`,
        log: `${prefix}l`,
        signingKeys: `${prefix}k`,
      };
    }),
  };
}

/** Whose session this is decides: the last 16 bits of the id are a hash of tenant and user. */
export function partitionOf(sessionId: string, partitions: number): number {
  const bits = Number.parseInt(sessionId.slice(-4), 16);
  return Number.isNaN(bits) ? 0 : bits % partitions;
}

/** The least number whose slot it is, for each of the slots. */
function tagsOf(slots: ReadonlySet<number>): ReadonlyMap<number, string> {
  const tags = new Map<number, string>();
  for (let number = 0; tags.size < slots.size; number += 1) {
    const tag = String(number);
    const slot = crc16(tag) % SLOTS;
    if (slots.has(slot) && !tags.has(slot)) tags.set(slot, tag);
  }
  return tags;
}

/** CRC-16/XMODEM, as the Redis Cluster specification has it. */
function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}

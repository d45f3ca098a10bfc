import { setImmediate as nextTurn } from 'node:timers/promises';
import { DISCARD_SLICE, discardFrom, entriesOf } from './changing_map.ts';
import { canPack, PackedSessions, type SessionEntry } from './packed_sessions.ts';
import { TenantNumbers } from './tenant_numbers.ts';
import { readUuid, uuidText } from './uuid_words.ts';

/**
 * What ends single sessions, by their ids: like a Map, in 40 bytes an entry. Ids that are not UUIDs and entries of unusual
 * numbers are held as exactly, at several times that.
 */
export class SessionTable {
  readonly #packed = new PackedSessions();
  readonly #tenants = new TenantNumbers();
  /** What can't be packed. */
  readonly #aside = new Map<string, SessionEntry>();
  /** The words of the id that is at hand. */
  readonly #id = new Int32Array(4);

  get size(): number {
    return this.#packed.size + this.#aside.size;
  }

  /** The least version of the session that is accepted; undefined where all are. */
  minVersion(sessionId: string): number | undefined {
    const number = this.#find(sessionId);
    if (number >= 0) return this.#packed.minVersion(number);
    return this.#aside.size === 0 ? undefined : this.#aside.get(sessionId)?.minVersion;
  }

  get(sessionId: string): SessionEntry | undefined {
    const number = this.#find(sessionId);
    return number < 0 ? this.#aside.get(sessionId) : this.#entry(number);
  }

  set(sessionId: string, entry: SessionEntry): void {
    const isUuid = readUuid(sessionId, this.#id);
    let number = isUuid ? this.#packed.find(this.#id) : -1;
    // What is aside stays there: whoever is reading has perhaps been at all the others.
    if (!isUuid || !canPack(entry) || (this.#aside.size > 0 && this.#aside.has(sessionId))) {
      if (number >= 0) this.#delete(number);
      this.#aside.set(sessionId, entry);
      return;
    }
    if (number < 0) number = this.#packed.add(this.#id);
    else this.#tenants.release(this.#packed.tenant(number));
    this.#packed.write(number, entry, this.#tenants.take(entry.tenantId));
  }

  /** All that is held when it begins and still is, while others set and discard; what is set meanwhile or moves, perhaps twice. */
  *entries(): Generator<[sessionId: string, SessionEntry], undefined> {
    const id = new Int32Array(4);
    for (const number of this.#downwards()) {
      this.#packed.readId(number, id);
      yield [uuidText(id), this.#entry(number)];
    }
    yield* entriesOf(this.#aside);
  }

  /** Forgets what has a discard time before `nowMs`, in slices: others read and set meanwhile. */
  async discard(nowMs: number): Promise<void> {
    let seen = 0;
    for (const number of this.#downwards()) {
      if (this.#packed.discardTimeMs(number) < nowMs) this.#delete(number);
      seen += 1;
      if (seen % DISCARD_SLICE === 0) await nextTurn();
    }
    await discardFrom(this.#aside, nowMs);
  }

  /** The numbers of all that is packed; what is deleted meanwhile makes way for one that was told already, or is new. */
  *#downwards(): Generator<number, undefined> {
    let number = this.#packed.size - 1;
    while (number >= 0) {
      yield number;
      number = Math.min(number, this.#packed.size) - 1;
    }
  }

  #find(sessionId: string): number {
    return readUuid(sessionId, this.#id) ? this.#packed.find(this.#id) : -1;
  }

  #entry(number: number): SessionEntry {
    return {
      tenantId: this.#tenants.tenantId(this.#packed.tenant(number)),
      minVersion: this.#packed.minVersion(number),
      discardTimeMs: this.#packed.discardTimeMs(number),
      reason: this.#packed.reason(number),
      revokeTimeMs: this.#packed.revokeTimeMs(number),
    };
  }

  #delete(number: number): void {
    this.#tenants.release(this.#packed.tenant(number));
    this.#packed.delete(number);
  }
}

import { createHash } from 'node:crypto';
import { SessionError } from '../error.ts';
import { LOG_START } from '../revocation/log.ts';
import type { LogPositions } from '../revocation/ring.ts';
import { deriveKey } from '../token/master_key.ts';
import { openValue, signValue } from '../token/signed_value.ts';

const VERSION = 1;
const STORE_AT = 1;
const DIGEST_BYTES = 8;
const FILTER_AT = STORE_AT + DIGEST_BYTES;
const POSITIONS_AT = FILTER_AT + DIGEST_BYTES;
const MAX_VARINT_BYTES = 8;
const TAG_BYTES = 8;

/**
 * Makes and reads the cursors of watch streams: signed positions, one a partition of the log, bound to the store and to the
 * filter of the stream. Layout: version, digests of store and filter, then for each partition its position (LEB128) and,
 * behind a position that is not 0, the tag; then the MAC.
 */
export class WatchCursors {
  readonly #key: Buffer;
  readonly #store: Buffer;
  readonly #partitions: number;

  constructor(masterKey: Uint8Array, log: { readonly storeId: string; readonly partitions: number }) {
    this.#key = deriveKey(masterKey, 'watch cursor');
    this.#store = digest(log.storeId);
    this.#partitions = log.partitions;
  }

  format(filterKey: string, positions: LogPositions): Buffer {
    const bytes = Buffer.alloc(POSITIONS_AT + this.#partitions * (MAX_VARINT_BYTES + TAG_BYTES));
    bytes[0] = VERSION;
    this.#store.copy(bytes, STORE_AT);
    digest(filterKey).copy(bytes, FILTER_AT);
    let at = POSITIONS_AT;
    for (const { position, tag } of positions) {
      at = writeVarint(bytes, at, position);
      if (position > 0) at += bytes.write(tag, at, TAG_BYTES, 'hex');
    }
    return signValue(this.#key, bytes.subarray(0, at));
  }

  /**
   * null for a cursor of another store or another filter.
   *
   * @throws {SessionError} INVALID_TOKEN_PARAMETER for one that was tampered with
   */
  parse(filterKey: string, cursor: Uint8Array): LogPositions | null {
    const bytes = Buffer.from(cursor);
    if (bytes[0] !== VERSION || bytes.length < POSITIONS_AT) throw notACursor();
    // Another store may have another key: its cursors can't be told from forged ones, and are as harmless.
    if (!bytes.subarray(STORE_AT, FILTER_AT).equals(this.#store)) return null;
    const value = openValue(this.#key, bytes);
    if (value === undefined) throw notACursor();
    if (!value.subarray(FILTER_AT, POSITIONS_AT).equals(digest(filterKey))) return null;
    return this.#positions(value);
  }

  #positions(value: Buffer): LogPositions {
    const positions = [];
    let at = POSITIONS_AT;
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      const { number: position, end } = readVarint(value, at);
      at = position > 0 ? end + TAG_BYTES : end;
      positions.push({ partition, position, tag: position > 0 ? value.toString('hex', end, at) : LOG_START.tag });
    }
    return positions;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, DIGEST_BYTES);
}

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let rest = number;
  while (rest >= 0x80) {
    bytes[at] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}

function readVarint(bytes: Buffer, start: number): { readonly number: number; readonly end: number } {
  let number = 0;
  let factor = 1;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    number += (byte % 0x80) * factor;
    if (byte < 0x80) return { number, end: at + 1 };
    factor *= 0x80;
  }
}

function notACursor(): SessionError {
  return new SessionError('INVALID_TOKEN_PARAMETER', 'cursor: not one that this service gave; start again without it');
}

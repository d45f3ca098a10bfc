import { createHash } from 'node:crypto';
import type { LogPosition } from '../revocation/log.ts';
import { SessionError } from '../error.ts';
import { deriveKey } from '../token/master_key.ts';
import { openValue, signValue } from '../token/signed_value.ts';
import { type Caller, serves } from './caller.ts';

const STORE_BYTES = 8;
const PARTITION_AT = STORE_BYTES;
const POSITION_AT = PARTITION_AT + 2;
const TAG_AT = POSITION_AT + 8;
const TENANT_AT = TAG_AT + 8;

/**
 * Makes and reads consistency tokens: signed positions in one partition of the log, bound to one store and to the tenant in
 * which something was revoked. A barrier only.
 */
export class ConsistencyTokens {
  readonly #key: Buffer;
  readonly #store: Buffer;

  constructor(masterKey: Uint8Array, storeId: string) {
    this.#key = deriveKey(masterKey, 'consistency token');
    this.#store = createHash('sha256').update(storeId).digest().subarray(0, STORE_BYTES);
  }

  format({ partition, position, tag }: LogPosition, tenantId: string): Buffer {
    const value = Buffer.alloc(TENANT_AT + Buffer.byteLength(tenantId));
    this.#store.copy(value);
    value.writeUInt16BE(partition, PARTITION_AT);
    value.writeBigUInt64BE(BigInt(position), POSITION_AT);
    value.write(tag, TAG_AT, 'hex');
    value.write(tenantId, TENANT_AT);
    return signValue(this.#key, value);
  }

  /** Throws INVALID_TOKEN_PARAMETER for a token that was tampered with, or is of another store or no tenant of the caller's. */
  parse(token: Uint8Array, caller: Caller): LogPosition {
    const value = openValue(this.#key, token);
    if (value === undefined || !this.#isOf(value, caller)) {
      throw new SessionError(
        'INVALID_TOKEN_PARAMETER',
        'consistency_token: not one that this service gave; pass it on as it came',
      );
    }
    return {
      partition: value.readUInt16BE(PARTITION_AT),
      position: Number(value.readBigUInt64BE(POSITION_AT)),
      tag: value.toString('hex', TAG_AT, TENANT_AT),
    };
  }
  #isOf(value: Buffer, caller: Caller): boolean {
    return value.subarray(0, STORE_BYTES).equals(this.#store) && serves(caller, value.toString('utf8', TENANT_AT));
  }
}

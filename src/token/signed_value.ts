import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;

/** Appends a MAC (HMAC-SHA-256, truncated to 16 bytes) to a value that a caller will bring back. */
export function signValue(key: Uint8Array, value: Uint8Array): Buffer {
  return Buffer.concat([value, mac(key, value)]);
}

/** The value, where the MAC is right; else undefined. */
export function openValue(key: Uint8Array, signed: Uint8Array): Buffer | undefined {
  if (signed.length < MAC_BYTES) return undefined;
  const bytes = Buffer.from(signed);
  const value = bytes.subarray(0, -MAC_BYTES);
  return timingSafeEqual(mac(key, value), bytes.subarray(-MAC_BYTES)) ? value : undefined;
}

function mac(key: Uint8Array, value: Uint8Array): Buffer {
  return createHmac('sha256', key).update(value).digest().subarray(0, MAC_BYTES);
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { TagKey } from './keys.ts';

/** What a refresh or session token says; `prefix` tells which of the two it is. */
export interface OpaqueToken {
  readonly prefix: 'sar_' | 'sas_';
  /** A UUID in its canonical text form. */
  readonly sessionId: string;
  /** 1 … 2^48 - 1. */
  readonly generation: number;
  readonly keyId: number;
  /** base64url of 16 bytes. */
  readonly nonce: string;
}

export const NONCE_BYTES = 16;

/*
 * The body: session id (16 bytes), generation (6), key id (4), nonce (16), HMAC-SHA-256 (32), in
 * network byte order and base64url; behind it the CRC-32 of all the text before, which lets a
 * secret scanner tell a token from noise.
 */
const GENERATION_AT = 16;
const KEY_ID_AT = 22;
const NONCE_AT = 26;
const TAG_AT = NONCE_AT + NONCE_BYTES;
const BODY_BYTES = TAG_AT + 32;
const BODY_CHARS = Math.ceil((BODY_BYTES * 4) / 3);
const CHECKSUM_CHARS = 6;
const FORM = new RegExp(`^sa[rs]_[A-Za-z0-9_-]{${BODY_CHARS + CHECKSUM_CHARS}}$`);

/** The same input always gives the same token. */
export function formatOpaqueToken(token: OpaqueToken, key: TagKey): string {
  const body = Buffer.alloc(BODY_BYTES);
  body.write(token.sessionId.replaceAll('-', ''), 0, 'hex');
  body.writeUIntBE(token.generation, GENERATION_AT, 6);
  body.writeUInt32BE(token.keyId, KEY_ID_AT);
  body.write(token.nonce, NONCE_AT, 'base64url');
  tagOf(token.prefix, body, key).copy(body, TAG_AT);
  const text = token.prefix + body.toString('base64url');
  return text + checksum(text);
}

/** Whether it looks like such a token, its checksum included: what does not is none. Anybody can make one that does. */
export function hasOpaqueTokenForm(prefix: OpaqueToken['prefix'], text: string): boolean {
  if (!text.startsWith(prefix) || !FORM.test(text)) return false;
  return checksum(text.slice(0, -CHECKSUM_CHARS)) === text.slice(-CHECKSUM_CHARS);
}

/** Parses and authenticates in process; undefined for everything that this service did not make. */
export function parseOpaqueToken(
  prefix: OpaqueToken['prefix'],
  text: string,
  keyById: (id: number) => TagKey | undefined,
): OpaqueToken | undefined {
  if (!hasOpaqueTokenForm(prefix, text)) return undefined;
  const signed = text.slice(0, -CHECKSUM_CHARS);
  const body = Buffer.from(signed.slice(prefix.length), 'base64url');
  if (prefix + body.toString('base64url') !== signed) return undefined;
  const keyId = body.readUInt32BE(KEY_ID_AT);
  const key = keyById(keyId);
  if (key === undefined || !timingSafeEqual(tagOf(prefix, body, key), body.subarray(TAG_AT))) return undefined;
  return {
    prefix,
    sessionId: formatUuid(body.toString('hex', 0, GENERATION_AT)),
    generation: body.readUIntBE(GENERATION_AT, 6),
    keyId,
    nonce: body.toString('base64url', NONCE_AT, TAG_AT),
  };
}

function tagOf(prefix: string, body: Buffer, key: TagKey): Buffer {
  return createHmac('sha256', key.secret).update(prefix).update(body.subarray(0, TAG_AT)).digest();
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64url');
}

function formatUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

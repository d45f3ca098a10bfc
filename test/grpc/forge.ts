import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const CHECKSUM_CHARS = 6;
/** The body's parts by their offset: session id, generation, key id, nonce, tag. */
const BODY_BYTES = 74;
const GENERATION_AT = 16;
const KEY_ID_AT = 22;
const NONCE_AT = 26;
const TAG_AT = 42;

/** A refresh or session token with another body; its checksum is right, its tag is not. */
export function withBody(token: string, change: (body: Buffer) => void, prefix = token.slice(0, 4)): string {
  const body = Buffer.from(token.slice(4, -CHECKSUM_CHARS), 'base64url');
  if (body.length !== BODY_BYTES) throw new Error('not a token of the form that is forged here');
  change(body);
  const text = prefix + body.toString('base64url');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(text));
  return text + checksum.toString('base64url');
}

/** Tokens that name a real session, or nearly so, each wrong in one way. */
export function forgedTokens(token: string): readonly string[] {
  const bytes = Array.from({ length: BODY_BYTES }, (_, at) =>
    withBody(token, (body) => {
      body[at] = (body[at] ?? 0) ^ (1 << (at % 8));
    }),
  );
  const characters = Array.from(
    token,
    (character, at) => token.slice(0, at) + (character === 'A' ? 'B' : 'A') + token.slice(at + 1),
  );
  const ownTag = withBody(token, (body) => {
    body.writeUIntBE(2, GENERATION_AT, 6);
    createHmac('sha256', randomBytes(32))
      .update(token.slice(0, 4))
      .update(body.subarray(0, TAG_AT))
      .digest()
      .copy(body, TAG_AT);
  });
  const unknownKey = withBody(token, (body) => body.writeUInt32BE(7, KEY_ID_AT));
  const otherNonce = withBody(token, (body) => randomBytes(16).copy(body, NONCE_AT));
  const otherKind = withBody(token, () => {}, token.startsWith('sar_') ? 'sas_' : 'sar_');
  const spelt = [`${token}=`, ` ${token}`, token.toUpperCase(), token.slice(0, -1), token + token, token.slice(4)];
  return [...bytes, ...characters, ownTag, unknownKey, otherNonce, otherKind, ...spelt];
}

/** What was never anybody's token. */
export const MALFORMED: readonly string[] = [
  '',
  'x',
  'sar_',
  'sas_',
  'eyJhbGciOiJub25lIn0.e30.',
  'a.b.c',
  '../../etc/passwd',
  '\u0000',
  '😀',
  'x'.repeat(16_384),
  'x'.repeat(100_000),
  `sar_${'A'.repeat(105)}`,
  `sas_${'A'.repeat(105)}`,
];

/** Access tokens that no key of the service has signed. */
export function forgedAccessTokens(token: string): readonly string[] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const head = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  const join = (newHead: object, newClaims: object, newSignature = signature) =>
    [newHead, newClaims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
    `.${newSignature}`;
  return [
    join(head, { ...claims, sub: 'root' }),
    join(head, { ...claims, exp: Number(claims['exp']) + 1 }),
    join({ ...head, alg: 'none' }, claims, ''),
    join({ ...head, alg: 'HS256' }, claims),
    join({ ...head, kid: 'other' }, claims),
    join({ ...head, typ: 'JWT' }, claims),
    `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    `${header}.${payload}`,
    `${token}.`,
    ` ${token}`,
  ];
}

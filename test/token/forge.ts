import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { VerificationKey } from '../../src/token/keys.ts';
import { createAccessTokenVerifier } from '../../src/token/verify.ts';

// Forged access tokens, made from genuine ones without the code under test: node:crypto alone signs them.

export const NOW_S = 1_800_000_000;
export const ISSUER = 'https://sessions.example';
export const SESSION_ID = '0199d2a1-7c3e-7abc-8def-000000000001';

export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const foreignEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
export const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });

const KEYS = new Map<string, VerificationKey>([
  ['ec', { kid: 'ec', algorithm: 'ES256', publicKey: ec.publicKey }],
  ['rsa', { kid: 'rsa', algorithm: 'RS256', publicKey: rsa.publicKey }],
  ['p384', { kid: 'p384', algorithm: 'ES256', publicKey: p384.publicKey }],
]);

export const verifier = createAccessTokenVerifier({
  issuer: ISSUER,
  audiences: ['api'],
  key: (kid) => KEYS.get(kid),
  now: () => NOW_S * 1000,
  maxLifetimeMs: 3_600_000,
  clockSkewMs: 30_000,
  cacheSize: 1000,
});

/** A token before it is sealed. */
export interface Draft {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly privateKey: KeyObject;
}

/** Makes a hostile token of a genuine one, or of what that was sealed from. */
export type Forge = (genuine: string, draft: Draft) => string;

function newDraft(algorithm: 'ES256' | 'RS256'): Draft {
  return {
    header: { alg: algorithm, typ: 'at+jwt', kid: algorithm === 'ES256' ? 'ec' : 'rsa' },
    payload: {
      iss: ISSUER,
      sub: 'user-1',
      aud: 'api',
      client_id: 'web',
      iat: NOW_S - 60,
      exp: NOW_S + 540,
      jti: randomBytes(16).toString('base64url'),
      sid: SESSION_ID,
      tid: 'acme',
      gen: [1, 2, 3, 4],
      ver: 1,
      auth_time: NOW_S - 90,
    },
    privateKey: algorithm === 'ES256' ? ec.privateKey : rsa.privateKey,
  };
}

/** A token that verifies, and holds both characters that standard base64 writes otherwise. */
export function genuineToken(algorithm: 'ES256' | 'RS256' = 'ES256'): { token: string; draft: Draft } {
  for (;;) {
    const draft = newDraft(algorithm);
    const token = sealed(draft);
    assert.equal(verifier.verify(token).kind, 'valid');
    if (token.includes('-') && token.includes('_')) return { token, draft };
  }
}

/** Signs any header and payload, well-formed or not. */
export function seal(
  header: string | Buffer,
  payload: string | Buffer,
  key: KeyObject,
  dsaEncoding: 'der' | 'ieee-p1363' = 'ieee-p1363',
): string {
  const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding }).toString('base64url')}`;
}

export function sealed({ header, payload, privateKey }: Draft): string {
  return seal(JSON.stringify(header), JSON.stringify(payload), privateKey);
}

/** Other members in the header (undefined leaves one out), signed by the genuine key or by another. */
export function header(changes: Record<string, unknown>, privateKey?: KeyObject): Forge {
  return (_, draft) =>
    sealed({ ...draft, header: { ...draft.header, ...changes }, privateKey: privateKey ?? draft.privateKey });
}

/** Other claims (undefined leaves one out), signed by the genuine key. */
export function payload(changes: Record<string, unknown>): Forge {
  return (_, draft) => sealed({ ...draft, payload: { ...draft.payload, ...changes } });
}

export function headerText(change: (text: string) => string | Buffer): Forge {
  return (_, draft) => seal(change(JSON.stringify(draft.header)), JSON.stringify(draft.payload), draft.privateKey);
}

export function payloadText(change: (text: string) => string | Buffer): Forge {
  return (_, draft) => seal(JSON.stringify(draft.header), change(JSON.stringify(draft.payload)), draft.privateKey);
}

/** The payload in bytes, each character of the replacement being one. */
export function payloadBytes(from: string, to: string): Forge {
  return payloadText((text) => Buffer.from(text.replace(from, to), 'latin1'));
}

export function segments(change: (header: string, payload: string, signature: string) => string): Forge {
  return (genuine) => {
    const [header = '', payload = '', signature = ''] = genuine.split('.');
    return change(header, payload, signature);
  };
}

export function signature(change: (bytes: Buffer) => Uint8Array): Forge {
  return segments((header, payload, signature) => {
    const changed = Buffer.from(change(Buffer.from(signature, 'base64url')));
    return `${header}.${payload}.${changed.toString('base64url')}`;
  });
}

/** The same forgery of an RS256 token. */
export function ofRsa(forge: Forge): Forge {
  return () => {
    const { token, draft } = genuineToken('RS256');
    return forge(token, draft);
  };
}

/** An HMAC in the place of the signature. */
export function hmac(alg: string, secret: string | Buffer): Forge {
  return (_, draft) => {
    const input = sealed({ ...draft, header: { ...draft.header, alg } }).replace(/\.[^.]*$/, '');
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
}

/** Another text within a segment; the signature stays. */
export function trade(segment: string, from: string, to: string): string {
  const text = Buffer.from(segment, 'base64url').toString();
  assert.ok(text.includes(from));
  return Buffer.from(text.replace(from, to)).toString('base64url');
}

/** Sets a bit beyond the last byte: a lenient decoder reads the same bytes. */
export function trailingBit(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.slice(-1)) + 1];
  assert.deepEqual(Buffer.from(changed, 'base64url'), Buffer.from(segment, 'base64url'));
  return changed;
}

export function flipped(bytes: Uint8Array, index: number, bit = 1): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ bit;
  return copy;
}

/** What a caller without types may pass. */
export function untyped(value: unknown): string {
  return value as string;
}

import { LRUCache } from 'lru-cache';
import {
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  isJsonObject,
  MAX_ACCESS_TOKEN_LENGTH,
  type ReservedClaim,
  readAccessTokenClaims,
} from './access_token.ts';
import { isSignedBy } from './jws.ts';
import type { VerificationKey } from './keys.ts';

/** Why a token was refused: for logs and tests, never for whoever presented it. */
export type AccessTokenFault =
  | 'not_text'
  | 'too_long'
  /** Not three non-empty segments. */
  | 'segments'
  /** Not base64url in its one canonical form, or not UTF-8 within. */
  | 'encoding'
  /** Not a JSON object as JSON.stringify would write it. */
  | 'header_json'
  /** Not exactly alg, typ and kid, all of them strings. */
  | 'header_members'
  | 'typ'
  /** Of no known key. */
  | 'kid'
  /** Not the algorithm of the key. */
  | 'alg'
  /** Not a JSON object as JSON.stringify would write it. */
  | 'payload_json'
  /** Missing, ill-formed, or never issued. */
  | `claim_${ReservedClaim}`
  | 'issuer'
  | 'audience'
  /** Issued in the future by more than the skew. */
  | 'issued_later'
  /** It ends before it begins, or lives longer than any token may. */
  | 'lifetime'
  | 'signature';

/** `expired` is said only of a token that is genuine in every other respect: it still names its session. */
export type VerifiedToken =
  | { readonly kind: 'valid'; readonly claims: AccessTokenClaims }
  | { readonly kind: 'expired'; readonly claims: AccessTokenClaims }
  | { readonly kind: 'invalid'; readonly fault: AccessTokenFault };

export interface AccessTokenVerifierOptions {
  readonly issuer: string;
  /** Where set, a token must be for at least one of them. */
  readonly audiences?: readonly string[];
  /** Asked for every token, so that a withdrawn key takes effect at once. */
  readonly key: (kid: string) => VerificationKey | undefined;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly maxLifetimeMs: number;
  /** How far in the future `iat` may lie; `exp` has no leeway. */
  readonly clockSkewMs: number;
  /** How many tokens are remembered; at least 1. */
  readonly cacheSize: number;
}

export interface AccessTokenVerifier {
  /** Never throws, whatever the token. The claims are frozen, for the same token may be answered with the same object. */
  verify(token: string): VerifiedToken;
}

type ValidToken = Extract<VerifiedToken, { kind: 'valid' }>;

/** A token whose signature `key` has verified. */
interface Remembered {
  readonly token: string;
  key: VerificationKey;
  readonly valid: ValidToken;
}

/** What one place in the memory of verified tokens holds, in characters; a longer token takes more than one. */
const ORDINARY_TOKEN_LENGTH = 1024;

/** A header that is well-formed, of whichever key. */
interface Header {
  readonly segment: string;
  readonly alg: string;
  readonly kid: string;
}

/** A token that is good in all but its times and its signature. */
interface Opened {
  readonly key: VerificationKey;
  readonly valid: ValidToken;
  /** What is to be signed. */
  readonly input: string;
  readonly signature: Buffer;
}

// With ignoreBOM a byte order mark stays part of the text, and so is refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A verifier of this service's own access tokens (RFC 9068, section 4; RFC 8725). It is stricter than either: one
 * spelling of everything, and only what {@link signAccessToken} writes.
 *
 * It remembers whole tokens whose signature it has verified. All that depends on time or on the keys is checked at
 * every call.
 */
export function createAccessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  // By their signatures: to hash whole tokens takes several times longer than to compare one.
  const remembered = new LRUCache<string, Remembered>({
    maxSize: options.cacheSize * ORDINARY_TOKEN_LENGTH,
    sizeCalculation: ({ token }) => Math.max(token.length, ORDINARY_TOKEN_LENGTH),
  });

  const recall = (token: string, nowMs: number): VerifiedToken | null => {
    const name = signatureOf(token);
    const entry = remembered.get(name);
    if (entry?.token !== token) return null;
    const key = options.key(entry.valid.claims.kid);
    if (key === undefined || !isSameKey(key, entry.key)) {
      remembered.delete(name);
      return null;
    }
    entry.key = key;
    const result = atTime(entry.valid, nowMs, options);
    if (result.kind === 'expired') remembered.delete(name);
    return result;
  };

  // One key signs most tokens, and all of them under the same header.
  let lastHeader: Header = { segment: '', alg: '', kid: '' };
  const headerOf = (segment: string): Header | AccessTokenFault => {
    if (segment === lastHeader.segment) return lastHeader;
    const header = readHeader(segment);
    if (typeof header !== 'string' && options.key(header.kid) !== undefined) lastHeader = header;
    return header;
  };

  const examine = (token: string, nowMs: number): VerifiedToken => {
    const opened = open(token, headerOf, options);
    if (typeof opened === 'string') return invalid(opened);
    const result = atTime(opened.valid, nowMs, options);
    if (result.kind === 'invalid') return result;
    const { key, valid, input, signature } = opened;
    if (!isSignedBy(key, input, signature)) return invalid('signature');
    freeze(valid);
    if (result.kind === 'valid') {
      const own = detached(token);
      remembered.set(signatureOf(own), { token: own, key, valid });
    }
    return result;
  };

  return {
    verify: (token: unknown) => {
      if (typeof token !== 'string') return invalid('not_text');
      if (token.length > MAX_ACCESS_TOKEN_LENGTH) return invalid('too_long');
      const nowMs = options.now();
      return recall(token, nowMs) ?? examine(token, nowMs);
    },
  };
}

/** All checks that need neither the time nor the signature. */
function open(
  token: string,
  headerOf: (segment: string) => Header | AccessTokenFault,
  options: AccessTokenVerifierOptions,
): Opened | AccessTokenFault {
  const segments = token.split('.', 4);
  const [headerSegment, payloadSegment, signatureSegment] = segments;
  if (segments.length !== 3 || !headerSegment || !payloadSegment || !signatureSegment) return 'segments';

  const payloadBytes = bytesOf(payloadSegment);
  const signature = bytesOf(signatureSegment);
  if (payloadBytes === null || signature === null) return 'encoding';

  const header = headerOf(headerSegment);
  if (typeof header === 'string') return header;
  const key = options.key(header.kid);
  if (key === undefined || key.kid !== header.kid) return 'kid';
  if (key.algorithm !== header.alg) return 'alg';

  const payloadText = textOf(payloadBytes);
  if (payloadText === null) return 'encoding';
  const payload = objectOf(payloadText);
  if (payload === null) return 'payload_json';
  const read = readAccessTokenClaims(payload, key.kid);
  if ('fault' in read) return `claim_${read.fault}`;
  const { claims } = read;
  if (claims.issuer !== options.issuer) return 'issuer';
  if (options.audiences !== undefined && !options.audiences.some((audience) => claims.audiences.includes(audience))) {
    return 'audience';
  }
  const input = token.slice(0, -signatureSegment.length - 1);
  return { key, valid: { kind: 'valid', claims }, input, signature };
}

function readHeader(segment: string): Header | AccessTokenFault {
  const bytes = bytesOf(segment);
  const text = bytes === null ? null : textOf(bytes);
  if (text === null) return 'encoding';
  const header = objectOf(text);
  if (header === null) return 'header_json';
  const { alg, typ, kid } = header;
  // Any other member (crit, jku, jwk, x5c, b64, zip, ...) would ask for a meaning that it is not given here.
  if (typeof alg !== 'string' || typeof typ !== 'string' || typeof kid !== 'string') return 'header_members';
  if (Object.keys(header).length !== 3) return 'header_members';
  return typ === ACCESS_TOKEN_TYPE ? { segment: detached(segment), alg, kid } : 'typ';
}

/** The token's answer at a moment. A clock that reads NaN accepts nothing. */
function atTime(valid: ValidToken, nowMs: number, options: AccessTokenVerifierOptions): VerifiedToken {
  const { issuedAtS, expiresAtS } = valid.claims;
  if (!(issuedAtS * 1000 <= nowMs + options.clockSkewMs)) return invalid('issued_later');
  if (!(expiresAtS >= issuedAtS && (expiresAtS - issuedAtS) * 1000 <= options.maxLifetimeMs))
    return invalid('lifetime');
  return nowMs < expiresAtS * 1000 ? valid : { kind: 'expired', claims: valid.claims };
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1);
}

function isSameKey(one: VerificationKey, other: VerificationKey): boolean {
  if (one === other) return true;
  return one.kid === other.kid && one.algorithm === other.algorithm && one.publicKey.equals(other.publicKey);
}

/** Encoding anew refuses padding, stray trailing bits, white space, and what Node reads besides base64url. */
function bytesOf(segment: string): Buffer | null {
  const bytes = Buffer.from(segment, 'base64url');
  return bytes.toString('base64url') === segment ? bytes : null;
}

function textOf(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Writing anew refuses members given twice, white space, and odd forms of numbers and strings; what JSON.stringify
 * wrote comes out the same. Nesting too deep to be written throws, and is refused too.
 */
function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && JSON.stringify(value) === text ? value : null;
  } catch {
    return null;
  }
}

/** A string of its own: the key of an entry must not keep the header alive that the token was cut out of. */
function detached(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1');
}

function freeze(valid: ValidToken): void {
  const { claims } = valid;
  for (const part of [valid, claims, claims.audiences, claims.generations, claims.amr]) Object.freeze(part);
  if (claims.actor !== null) Object.freeze(claims.actor);
  deepFreeze(claims.claims);
}

function deepFreeze(root: object): void {
  const open: object[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    Object.freeze(value);
    for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) open.push(member);
  }
}

function invalid(fault: AccessTokenFault): VerifiedToken {
  return { kind: 'invalid', fault };
}

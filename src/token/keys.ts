import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** The JWS algorithms that access tokens are signed with (RFC 7518, section 3.1). */
export type SigningAlgorithm = 'ES256' | 'RS256';

/** A private key that signs access tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

/** A public key that verifies access tokens, with the one algorithm it may be used for. */
export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

/** A secret that tags refresh and session tokens. */
export interface TagKey {
  /** Part of every token; 1 … 2^32 - 1. */
  readonly id: number;
  readonly secret: Buffer;
}

/** A key as it is stored: what must stay secret is sealed under the master key. */
export interface StoredKey {
  readonly use: 'access' | 'refresh';
  /** 1, 2, 3 … per use; the insert of a number that is taken does nothing. */
  readonly sequence: number;
  /** The JWK thumbprint (RFC 7638) of an access key; empty for a refresh key. */
  readonly keyId: string;
  /** ES256 or RS256 for an access key, HS256 for a refresh key. */
  readonly algorithm: string;
  /** A public JWK (RFC 7517) as JSON; empty for a refresh key. */
  readonly publicJwk: string;
  readonly sealed: Uint8Array;
  /** From when on the key signs (ms since the epoch); it verifies from its publication on. */
  readonly activeTimeMs: number;
}

/** A key pair made in memory, before it is sealed. */
export interface GeneratedKey {
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm | 'HS256';
  readonly publicJwk: string;
  /** PKCS #8 in DER, or the secret itself. */
  readonly secret: Buffer;
}

export function generateSigningKey(algorithm: SigningAlgorithm): GeneratedKey {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = publicKey.export({ format: 'jwk' });
  const keyId = thumbprint(jwk);
  return {
    keyId,
    algorithm,
    publicJwk: JSON.stringify({ ...jwk, kid: keyId, alg: algorithm, use: 'sig' }),
    secret: privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

export function generateTagSecret(): GeneratedKey {
  return { keyId: '', algorithm: 'HS256', publicJwk: '', secret: randomBytes(32) };
}

export function importPrivateKey(der: Buffer): KeyObject {
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function importPublicKey(jwk: string): KeyObject {
  return createPublicKey({ key: JSON.parse(jwk) as JsonWebKey, format: 'jwk' });
}

/** Whether a key, of either half, is one for that algorithm (RFC 7518, sections 3.3 and 3.4). */
export function isKeyFor(algorithm: SigningAlgorithm, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (algorithm === 'ES256') return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

/** RFC 7638, section 3: the required members in lexicographic order. */
function thumbprint(jwk: JsonWebKey): string {
  const { crv, e, kty, n, x, y } = jwk;
  const required = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n };
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
}

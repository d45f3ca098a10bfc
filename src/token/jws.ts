import { sign, verify } from 'node:crypto';
import { isKeyFor, type SigningKey, type VerificationKey } from './keys.ts';

// RFC 7515 in its compact form, for one payload and one signature. jsonwebtoken makes the same bytes, and comes to the same
// verdict, in more time: it encodes and decodes header and payload anew each time.

/** What an ES256 signature takes: r and s (RFC 7518, section 3.4). */
const ES256_BYTES = 64;

const HASH = 'sha256';

/** Without effect on RSA. */
const DSA_ENCODING = 'ieee-p1363';

/**
 * Signs a payload.
 *
 * @param header in base64url
 * @throws Error where the key is not one for its algorithm
 */
export function signJws(header: string, payload: string, { algorithm, privateKey }: SigningKey): string {
  if (!isKeyFor(algorithm, privateKey)) throw new Error(`the key is none for ${algorithm}`);
  const input = `${header}.${Buffer.from(payload).toString('base64url')}`;
  const signature = sign(HASH, Buffer.from(input, 'latin1'), { key: privateKey, dsaEncoding: DSA_ENCODING });
  return `${input}.${signature.toString('base64url')}`;
}

/**
 * Whether the key has signed it, by the one algorithm that it is for; never throws.
 *
 * @param input header and payload in base64url, with a dot between
 */
export function isSignedBy({ algorithm, publicKey }: VerificationKey, input: string, signature: Uint8Array): boolean {
  if (publicKey.type !== 'public' || !isKeyFor(algorithm, publicKey)) return false;
  if (algorithm === 'ES256' && signature.length !== ES256_BYTES) return false;
  try {
    return verify(HASH, Buffer.from(input, 'latin1'), { key: publicKey, dsaEncoding: DSA_ENCODING }, signature);
  } catch {
    return false;
  }
}

import { type KeyObject, sign, verify } from 'node:crypto';

// By node:crypto, which takes less than a library that makes and reads tokens with it.

const DSA_ENCODING = 'ieee-p1363';

/** One ES256 signature. */
export function bareSign(bytes: Buffer, key: KeyObject): Buffer {
  return sign('sha256', bytes, { key, dsaEncoding: DSA_ENCODING });
}

/** One ES256 verification of a token, of which nothing is read. */
export function bareVerify(token: string, key: KeyObject): boolean {
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  return verify('sha256', Buffer.from(token.slice(0, end), 'latin1'), { key, dsaEncoding: DSA_ENCODING }, signature);
}

import type { SessionVerifier } from '../verifier.ts';

/** What middleware needs of a SessionVerifier. */
export type Verifier = Pick<SessionVerifier, 'verify'>;

/** When another attempt may help where it could not be told whether a token is good. */
export const RETRY_AFTER_S = 1;

/** The token of an Authorization header of the scheme Bearer (RFC 6750, section 2.1); null for none, and other schemes. */
export function bearerToken(authorization = ''): string | null {
  const bearer = /^bearer(?: +(.*))?$/i.exec(authorization.trim());
  return bearer === null ? null : (bearer[1] ?? '');
}

import { createHash, randomBytes } from 'node:crypto';

/** What a caller showed. */
export type Credential =
  | { readonly kind: 'none' }
  /** An authorization header, whatever it holds. */
  | { readonly kind: 'token'; readonly sha256: string }
  /** The subject alternative names of a verified client certificate, such as `DNS:login.internal`. */
  | { readonly kind: 'certificate'; readonly names: readonly string[] };

const PREFIX = 'sak_';
const SECRET_BYTES = 32;

/** RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1). */
const BEARER = /^bearer +(sak_[\w-]{43})$/i;

/** As Node prints a name of a certificate: one that needs quotes holds what could pass for another. */
const ALTERNATIVE_NAME = /^(?:DNS|URI):[^",\s]+$/;

/** A new service token: 256 random bits, to be shown once. */
export function newServiceToken(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
}

/** What a service token is known by; it has too many bits to be guessed from that. */
export function hashServiceToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The credential in an authorization header; undefined where it holds no service token. */
export function readAuthorization(header: string): Credential | undefined {
  const [, token] = BEARER.exec(header) ?? [];
  return token === undefined ? undefined : { kind: 'token', sha256: hashServiceToken(token) };
}

/** The credential in a verified client certificate (RFC 5280, section 4.2.1.6). @param text as Node's `subjectaltname` */
export function readAlternativeNames(text: string): Credential {
  return { kind: 'certificate', names: text.split(', ').filter((name) => ALTERNATIVE_NAME.test(name)) };
}

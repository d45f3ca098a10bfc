import type { HttpRequest, SessionCookie } from './cookies.ts';
import { VerificationError, type VerifiedSession } from '../verified_session.ts';
import { bearerToken, RETRY_AFTER_S, type Verifier } from './verification.ts';

export interface AuthenticateOptions {
  readonly verifier: Verifier;
  /** Where given, its cookie is taken where there is no bearer token. */
  readonly cookie?: SessionCookie;
  /**
   * Lets requests of nobody pass too; false where unset. A cookie that is not good counts as none; a bearer token that is
   * not good is refused all the same.
   */
  readonly optional?: boolean;
}

/** A request once it has passed: express's, connect's, node's, or Fastify's own. */
export interface AuthenticatedRequest {
  /** Null for nobody. */
  verifiedSession?: VerifiedSession | null;
}

/** The answer to a request that does not pass. */
export interface HttpRefusal {
  readonly status: 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  /** One line for people. */
  readonly text: string;
}

/** A session, nobody (null), or a refusal. */
type Decision = { readonly session: VerifiedSession | null } | { readonly refusal: HttpRefusal };

/** RFC 6750, section 3, asks for an attribute at least. */
const CHALLENGE = 'Bearer realm="sessions"';

/**
 * The session of a request that has passed `authenticate`.
 *
 * @throws Error where it has passed as nobody's, or has not come by there
 */
export function sessionOf(request: object): VerifiedSession {
  const session = sessionOrNull(request);
  if (session === null) throw new Error('no session: authenticate() is missing on this route, or optional');
  return session;
}

/** The same where authentication is optional; null for nobody. */
export function sessionOrNull(request: object): VerifiedSession | null {
  return (request as AuthenticatedRequest).verifiedSession ?? null;
}

/** Verifies the bearer token, or else the cookie, of a request. Throws what the verifier throws beside VerificationError. */
export async function decide(
  { verifier, cookie, optional = false }: AuthenticateOptions,
  request: HttpRequest,
): Promise<Decision> {
  const bearer = bearerToken(request.headers.authorization);
  if (bearer === null && cookie?.isFromOwnSite(request) === false) return { refusal: FROM_ANOTHER_SITE };
  try {
    const token = bearer ?? cookie?.read(request) ?? null;
    // A cookie holds a session token, and nothing else that is good.
    if (bearer === null && token?.startsWith('sas_') === false) throw new VerificationError('invalid');
    if (token !== null) return { session: await verifier.verify(token) };
    return optional ? { session: null } : { refusal: NO_TOKEN };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    if (error.reason === 'unavailable') return { refusal: unavailable(error) };
    // The cookie is left as it is: a login beside this request may have given the browser another.
    return bearer === null && optional ? { session: null } : { refusal: invalidToken(error) };
  }
}

const FROM_ANOTHER_SITE: HttpRefusal = { status: 403, headers: {}, text: 'the request comes from another site' };

/** RFC 6750, section 3.1: one who brought no token is told no error. */
const NO_TOKEN: HttpRefusal = { status: 401, headers: { 'www-authenticate': CHALLENGE }, text: 'log in first' };

function unavailable({ message }: VerificationError): HttpRefusal {
  return { status: 503, headers: { 'retry-after': String(RETRY_AFTER_S) }, text: message };
}

function invalidToken({ message }: VerificationError): HttpRefusal {
  const challenge = `${CHALLENGE}, error="invalid_token", error_description="${message}"`;
  return { status: 401, headers: { 'www-authenticate': challenge }, text: message };
}

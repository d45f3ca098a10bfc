import type { IncomingHttpHeaders } from 'node:http';
import { parseCookie, stringifySetCookie } from 'cookie';
import { SessionError, type SessionErrorCode } from '../../error.ts';
import type { SessionAuthorityClient } from '../client.ts';
import type { BegunSession, Session } from '../client_answers.ts';
import type { CreateSessionRequest, RotateSessionRequest } from '../client_types.ts';
import { VerificationError } from '../verified_session.ts';

/** What is read of a request: node's, and what express, connect and Fastify make of it. */
export interface HttpRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What is written of a response: node's, express's and connect's; Fastify's is `reply.raw`. */
export interface HttpResponse {
  getHeader(name: string): number | string | readonly string[] | undefined;
  setHeader(name: string, value: string | readonly string[]): unknown;
}

export interface SessionCookieOptions {
  /** What follows `__Host-`; `session` where unset. */
  readonly name?: string;
  /** `lax` where unset. `none` is for pages of other sites that may act for the user, to be named in `allowedOrigins`. */
  readonly sameSite?: 'strict' | 'lax' | 'none';
  /** Origins besides the request's own whose pages may send unsafe requests, such as `https://app.example.com`. */
  readonly allowedOrigins?: readonly string[];
}

/** Who has logged in, and how: what createSession and rotateSession both take, and the client of a session that is created. */
export type Login = Pick<
  CreateSessionRequest,
  (keyof CreateSessionRequest & keyof RotateSessionRequest) | 'clientId'
> & {
  readonly userId: string;
};

/** What a login needs of a SessionAuthorityClient. */
export type LoginAuthority = Pick<SessionAuthorityClient, 'createSession' | 'rotateSession' | 'revokeSession'>;

/** RFC 9110, section 9.2.1, as far as browsers send them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Where browsers take http for as good as https. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** The session that was to be rotated has ended, is another user's, or never was. */
const NOT_TO_BE_ROTATED: ReadonlySet<SessionErrorCode> = new Set(['SESSION_STATE', 'SESSION_NOT_FOUND']);

/**
 * The cookie that holds a session token: `__Host-` (so that no other host, and nobody in between, can set it), HttpOnly,
 * Secure, for all paths (RFC 6265bis, section 4.1.3.2; OWASP Session Management Cheat Sheet).
 */
export class SessionCookie {
  readonly name: string;
  readonly #sameSite: 'strict' | 'lax' | 'none';
  readonly #allowedOrigins: ReadonlySet<string>;

  /** @throws TypeError for a name that no cookie can have, and an allowed origin that is not one as browsers write it */
  constructor({ name = 'session', sameSite = 'lax', allowedOrigins = [] }: SessionCookieOptions = {}) {
    this.name = `__Host-${name}`;
    // Throws for a name that no cookie can have.
    stringifySetCookie(this.name, '');
    this.#sameSite = sameSite;
    for (const origin of allowedOrigins) {
      const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin;
      if (!isOrigin) throw new TypeError(`allowedOrigins: not an origin: ${origin}`);
    }
    this.#allowedOrigins = new Set(allowedOrigins);
  }

  /**
   * The token that a request brings, verified by nobody; null where it brings none.
   *
   * @throws VerificationError (invalid) where it brings several: one of them is not ours, and nothing tells which
   */
  read({ headers }: HttpRequest): string | null {
    const pairs = (headers.cookie ?? '').split(';').map((pair) => parseCookie(pair)[this.name]);
    const tokens = pairs.filter((token) => token !== undefined);
    if (tokens.length > 1) throw new VerificationError('invalid');
    return tokens[0] ?? null;
  }

  /**
   * Gives the browser the token of a session that was created or rotated, for as long as the session may live at all: the
   * service alone knows of the use that its idle timeout slides with.
   *
   * @throws TypeError where there is no session token: the session was created with another token mode than opaque
   */
  set(response: HttpResponse, { session, tokens }: Pick<BegunSession, 'session' | 'tokens'>): void {
    if (tokens.kind !== 'opaque') throw new TypeError('a cookie takes a session token: create with tokenMode opaque');
    const leftMs = session.absoluteExpireTime.getTime() - Date.now();
    this.#write(response, tokens.sessionToken, Math.max(0, Math.ceil(leftMs / 1000)));
  }

  /** Takes the token away from the browser; does not end the session. */
  clear(response: HttpResponse): void {
    this.#write(response, '', 0);
  }

  /**
   * Whether a page that may act for the user sent a request, as browsers tell by Sec-Fetch-Site and Origin, which no page
   * can forge (OWASP Cross-Site Request Forgery Prevention Cheat Sheet; W3C Fetch Metadata Request Headers). GET, HEAD
   * and OPTIONS pass, for they must change nothing; but not to open a WebSocket. What brings no cookie and says nothing of
   * where it comes from passes: it is no browser's.
   */
  isFromOwnSite(request: HttpRequest): boolean {
    const { origin, host, cookie = '', upgrade, 'sec-fetch-site': site } = request.headers;
    if (SAFE_METHODS.has(request.method ?? '') && upgrade?.toLowerCase() !== 'websocket') return true;
    if (origin !== undefined && this.#allowedOrigins.has(origin)) return true;
    // `none` is the user's own doing. A sibling host's page (same-site) is another's.
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    if (origin !== undefined) return host !== undefined && isOriginOf(host, origin);
    return !cookie.includes(this.name);
  }

  /**
   * Makes a user whose password, passkey or code the caller has checked the holder of the browser's session, under a new
   * id and token, so that one who knew the old token has nothing (OWASP: renew the session id after any change of
   * privilege). Claims and data of an anonymous session are carried over where none are given. A request without a
   * session, or with one that has ended or is another user's, gets a new one; the old one ends, unless it is another tenant's.
   *
   * @throws SessionError, CallError as createSession and rotateSession do
   * @throws VerificationError (invalid) as `read` does
   */
  async login(authority: LoginAuthority, request: HttpRequest, response: HttpResponse, login: Login): Promise<Session> {
    const token = this.read(request);
    const rotated = token === null ? null : await rotate(authority, token, login);
    const begun = rotated ?? (await authority.createSession({ ...login, tokenMode: 'opaque' }));
    this.set(response, begun);
    return begun.session;
  }

  #write(response: HttpResponse, value: string, maxAge: number): void {
    const attributes = { path: '/', secure: true, httpOnly: true, sameSite: this.#sameSite, maxAge };
    const others = [response.getHeader('set-cookie') ?? []].flat().map(String);
    const kept = others.filter((cookie) => !cookie.startsWith(`${this.name}=`));
    response.setHeader('set-cookie', [...kept, stringifySetCookie(this.name, value, attributes)]);
    // RFC 9111 lets a shared cache keep an answer with a Set-Cookie.
    response.setHeader('cache-control', 'no-store');
  }
}

/** Behind a proxy that ends TLS nothing tells the scheme; but a cookie that is Secure is sent to https alone. */
function isOriginOf(host: string, origin: string): boolean {
  return origin === `https://${host}` || (origin === `http://${host}` && LOOPBACK.test(host));
}

/** Null where there is nothing to rotate; what there was has ended. */
async function rotate(authority: LoginAuthority, sessionToken: string, login: Login) {
  const session = { sessionToken };
  const { clientId: _, ...changes } = login;
  try {
    return await authority.rotateSession({ ...changes, authTime: login.authTime ?? new Date(), session });
  } catch (error) {
    if (!(error instanceof SessionError && NOT_TO_BE_ROTATED.has(error.code))) throw error;
    await authority.revokeSession({ tenantId: login.tenantId, session });
    return null;
  }
}

import type { Generations } from '../revocation/revocation.ts';
import { signJws } from './jws.ts';
import type { SigningKey } from './keys.ts';

/** The header's `typ` (RFC 9068, section 2.1), in the one spelling that is written and accepted. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** The longest access token, in characters: none longer is signed, and of a longer one nothing is looked at. */
export const MAX_ACCESS_TOKEN_LENGTH = 16_384;

/** Who acts for the subject (RFC 8693, section 4.1); why stays on the server. */
export interface AccessTokenActor {
  readonly userId: string;
  /** Empty where there are no tenants. */
  readonly tenantId: string;
}

/** What the authority itself says in an access token (RFC 9068, section 2.2). Times in seconds since the epoch. */
export interface AccessTokenContent {
  readonly issuer: string;
  /** At least one. */
  readonly audiences: readonly string[];
  /** The user, or the session itself where it is anonymous. */
  readonly subject: string;
  readonly clientId: string;
  readonly issuedAtS: number;
  /** The first second at which the token is no longer valid. */
  readonly expiresAtS: number;
  /** `jti`. */
  readonly tokenId: string;
  /** `sid`, a UUID in lower case. */
  readonly sessionId: string;
  /** `tid`; empty where there are no tenants. */
  readonly tenantId: string;
  /** `gen`. */
  readonly generations: Generations;
  /** `ver`, the session's version. */
  readonly version: number;
  readonly authTimeS: number;
  /** Empty where unknown. */
  readonly acr: string;
  /** Empty where unknown. */
  readonly amr: readonly string[];
  /** `act`. */
  readonly actor: AccessTokenActor | null;
}

/** What a token says: the authority's content, the caller's own claims, and the key that signed both. */
export interface AccessTokenClaims extends AccessTokenContent {
  /** Every other top-level claim; a member may have any name, `__proto__` among them. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly kid: string;
}

/** The authority's claims as they stand in the payload. */
interface WireClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly sid: string;
  readonly tid: string;
  readonly gen: Generations;
  readonly ver: number;
  readonly auth_time: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly act?: { readonly sub: string; readonly tid?: string };
}

/** Claims that are never issued: they change when a token begins, to whom it is bound, or who may act with it. */
type NeverIssued = 'nbf' | 'cnf' | 'may_act';

/** The name of a claim that has a meaning of its own. */
export type ReservedClaim = keyof WireClaims | NeverIssued;

type Check = (value: unknown) => boolean;

// Lower case alone: revocations compare ids as text.
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isTexts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(isText);
const isAbsent: Check = (value) => value === undefined;

const CHECKS: Readonly<Record<ReservedClaim, Check>> = {
  iss: isText,
  sub: isText,
  aud: (value) => isText(value) || isTexts(value),
  client_id: isText,
  iat: isCount,
  exp: isCount,
  jti: isText,
  sid: (value) => typeof value === 'string' && UUID.test(value),
  tid: (value) => typeof value === 'string',
  gen: (value) => Array.isArray(value) && value.length === 4 && value.every(isCount),
  ver: isCount,
  auth_time: isCount,
  acr: (value) => isAbsent(value) || isText(value),
  amr: (value) => isAbsent(value) || isTexts(value),
  act: (value) => isAbsent(value) || isActor(value),
  nbf: isAbsent,
  cnf: isAbsent,
  may_act: isAbsent,
};

const RESERVED = Object.keys(CHECKS) as readonly ReservedClaim[];

/**
 * Names that a caller's claims may not use: those of RFC 7519, section 4.1, the authority's own, and those that
 * would bind (`cnf`, RFC 7800) or delegate (`may_act`, RFC 8693) the token.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(RESERVED);

/**
 * Signs an access token (RFC 9068).
 *
 * @param claims the caller's own claims, a JSON object as text; its members become top-level claims
 * @throws Error where a claim's name is reserved, where a field is not what {@link readAccessTokenClaims} accepts, or
 *   where the token would exceed {@link MAX_ACCESS_TOKEN_LENGTH}: no token is issued that a verifier must refuse.
 */
export function signAccessToken(key: SigningKey, content: AccessTokenContent, claims: string): string {
  const own: unknown = JSON.parse(claims);
  if (!isJsonObject(own)) throw new Error('the claims of an access token must be a JSON object');
  if (Object.keys(own).some((name) => RESERVED_CLAIMS.has(name))) throw new Error('a claim has a reserved name');

  // Spreading defines members, so one named __proto__ stays a member.
  const payload = { ...wireClaims(content), ...own };
  const fault = claimAtFault(payload);
  if (fault !== null) throw new Error(`an access token cannot have this ${fault}`);

  const token = signJws(headerOf(key), JSON.stringify(payload), key);
  if (token.length > MAX_ACCESS_TOKEN_LENGTH) throw new Error('the access token would be too long');
  return token;
}

/** Encoded once for each key. */
const HEADERS = new WeakMap<SigningKey, string>();

function headerOf(key: SigningKey): string {
  const known = HEADERS.get(key);
  if (known !== undefined) return known;
  const header = JSON.stringify({ alg: key.algorithm, typ: ACCESS_TOKEN_TYPE, kid: key.kid });
  const encoded = Buffer.from(header).toString('base64url');
  HEADERS.set(key, encoded);
  return encoded;
}

/** What a token's payload says, or the first claim that is missing, ill-formed or never issued. */
export function readAccessTokenClaims(
  payload: Readonly<Record<string, unknown>>,
  kid: string,
): { readonly claims: AccessTokenClaims } | { readonly fault: ReservedClaim } {
  const fault = claimAtFault(payload);
  if (fault !== null) return { fault };
  const wire = payload as unknown as WireClaims;
  return {
    claims: {
      issuer: wire.iss,
      audiences: typeof wire.aud === 'string' ? [wire.aud] : wire.aud,
      subject: wire.sub,
      clientId: wire.client_id,
      issuedAtS: wire.iat,
      expiresAtS: wire.exp,
      tokenId: wire.jti,
      sessionId: wire.sid,
      tenantId: wire.tid,
      generations: wire.gen,
      version: wire.ver,
      authTimeS: wire.auth_time,
      acr: wire.acr ?? '',
      amr: wire.amr ?? [],
      actor: wire.act === undefined ? null : { userId: wire.act.sub, tenantId: wire.act.tid ?? '' },
      claims: Object.fromEntries(Object.entries(payload).filter(([name]) => !RESERVED_CLAIMS.has(name))),
      kid,
    },
  };
}

/** Whether a value that JSON.parse returned is an object of the text. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wireClaims(content: AccessTokenContent): WireClaims {
  const [audience] = content.audiences;
  const { actor } = content;
  return {
    iss: content.issuer,
    sub: content.subject,
    aud: audience !== undefined && content.audiences.length === 1 ? audience : content.audiences,
    client_id: content.clientId,
    iat: content.issuedAtS,
    exp: content.expiresAtS,
    jti: content.tokenId,
    sid: content.sessionId,
    tid: content.tenantId,
    gen: content.generations,
    ver: content.version,
    auth_time: content.authTimeS,
    ...(content.acr === '' ? {} : { acr: content.acr }),
    ...(content.amr.length === 0 ? {} : { amr: content.amr }),
    ...(actor === null
      ? {}
      : { act: { sub: actor.userId, ...(actor.tenantId === '' ? {} : { tid: actor.tenantId }) } }),
  };
}

function claimAtFault(payload: Readonly<Record<string, unknown>>): ReservedClaim | null {
  return RESERVED.find((name) => !CHECKS[name](payload[name])) ?? null;
}

function isActor(value: unknown): boolean {
  if (!isJsonObject(value) || !isText(value.sub)) return false;
  const members = Object.keys(value).length;
  return members === 1 || (members === 2 && isText(value.tid));
}

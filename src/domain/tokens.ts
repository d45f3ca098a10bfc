import { randomBytes, randomUUID } from 'node:crypto';
import type { KeyRing } from '../token/key_ring.ts';
import { signAccessToken } from '../token/access_token.ts';
import { formatOpaqueToken, NONCE_BYTES, type OpaqueToken, parseOpaqueToken } from '../token/opaque_token.ts';
import { expireTimeMs, type Session, subjectOf } from './session.ts';

/** What a session's holder is given. Times in ms since the epoch. */
export type Tokens =
  | {
      readonly kind: 'pair';
      readonly accessToken: string;
      readonly accessTokenExpireTimeMs: number;
      readonly refreshToken: string;
      readonly refreshTokenExpireTimeMs: number;
      readonly refreshAfterTimeMs: number;
    }
  | { readonly kind: 'opaque'; readonly sessionToken: string };

/** A client refreshes after a random share of the access token's life between these two. */
const REFRESH_AFTER_SHARE = [0.7, 0.9] as const;

/** Makes tokens from a row and the store's time, and reads the opaque ones back. */
export class TokenIssuer {
  readonly #keys: KeyRing;
  readonly #issuer: string;
  readonly #accessTokenTtlMs: number;

  constructor(keys: KeyRing, issuer: string, accessTokenTtlMs: number) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#accessTokenTtlMs = accessTokenTtlMs;
  }

  /** Only for a session that was live in the very step that `nowMs` is the time of. */
  issue(session: Session, nowMs: number): Tokens {
    if (session.tokenMode === 'opaque') return { kind: 'opaque', sessionToken: this.#opaque('sas_', session) };
    const issuedAtS = Math.floor(nowMs / 1000);
    const expiresAtS = Math.floor(Math.min(nowMs + this.#accessTokenTtlMs, expireTimeMs(session)) / 1000);
    const [from, to] = REFRESH_AFTER_SHARE;
    const share = from + (to - from) * Math.random();
    return {
      kind: 'pair',
      accessToken: this.#access(session, nowMs, issuedAtS, expiresAtS),
      accessTokenExpireTimeMs: expiresAtS * 1000,
      refreshToken: this.#opaque('sar_', session),
      refreshTokenExpireTimeMs: expireTimeMs(session),
      refreshAfterTimeMs: Math.floor(nowMs + (expiresAtS * 1000 - nowMs) * share),
    };
  }

  parse(prefix: OpaqueToken['prefix'], text: string): OpaqueToken | undefined {
    return parseOpaqueToken(prefix, text, (id) => this.#keys.tagKeyById(id));
  }

  /** What a new session's opaque tokens will carry. */
  newCredential(nowMs: number): { nonce: string; keyId: number } {
    return { nonce: randomBytes(NONCE_BYTES).toString('base64url'), keyId: this.currentKeyId(nowMs) };
  }

  currentKeyId(nowMs: number): number {
    return this.#keys.tagKey(nowMs).id;
  }

  #access(session: Session, nowMs: number, issuedAtS: number, expiresAtS: number): string {
    return signAccessToken(
      this.#keys.signingKey(nowMs),
      {
        issuer: this.#issuer,
        audiences: session.audiences,
        subject: subjectOf(session),
        clientId: session.clientId,
        issuedAtS,
        expiresAtS,
        tokenId: randomUUID(),
        sessionId: session.sessionId,
        tenantId: session.tenantId,
        generations: session.generations,
        version: session.version,
        authTimeS: Math.floor(session.authTimeMs / 1000),
        acr: session.acr,
        amr: session.amr,
        actor: session.actor,
      },
      session.claims,
    );
  }

  #opaque(prefix: OpaqueToken['prefix'], session: Session): string {
    const { nonce, generation, keyId } = session.credential;
    const key = this.#keys.tagKeyById(keyId);
    if (key === undefined) throw new Error(`no key ${keyId} for the session's tokens: it was removed from the store`);
    return formatOpaqueToken({ prefix, sessionId: session.sessionId, generation, keyId, nonce }, key);
  }
}

import type { AccessTokenClaims } from '../token/access_token.ts';
import type { ActiveValidation, InactiveValidation } from './client_answers.ts';

/**
 * What a credential that is good says; the same for access and session tokens. Frozen, and one object for many calls: leave
 * its dates as they are.
 */
export interface VerifiedSession {
  readonly sessionId: string;
  readonly tenantId: string;
  /** Empty for an anonymous session. */
  readonly userId: string;
  readonly clientId: string;
  /** Of an access token its own end, of a session token that of the session as far as is known. */
  readonly expireTime: Date;
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  /** Who acts for the user (RFC 8693). */
  readonly actor: { readonly userId: string; readonly tenantId: string } | null;
  readonly claims: Readonly<Record<string, unknown>>;
  /**
   * How it was decided: `local` in this process, by a view of all revocations that is fresh; `service` by the service;
   * `local_stale` in this process, by a view that is not, for the service could not be asked.
   */
  readonly decidedBy: 'local' | 'service' | 'local_stale';
}

/**
 * Why a credential is not accepted. `invalid`: malformed, forged, foreign or unknown. `superseded`: the session lives, but its
 * access token has to be refreshed. `unavailable`: whether it is good can not be told now, which says nothing against it.
 */
export type VerificationReason = 'invalid' | 'expired' | 'revoked' | 'superseded' | 'unavailable';

const TEXTS: Readonly<Record<VerificationReason, string>> = {
  invalid: 'the credential is invalid',
  expired: 'the credential has expired',
  revoked: 'the session was revoked',
  superseded: 'the access token was superseded: refresh it',
  unavailable: 'whether the credential is good can not be told now',
};

/** A credential was not accepted: for `unavailable` answer 503, for any other reason 401. */
export class VerificationError extends Error {
  readonly reason: VerificationReason;

  /** @param cause of `unavailable`: what became of the question to the service */
  constructor(reason: VerificationReason, cause?: unknown) {
    super(TEXTS[reason], cause === undefined ? undefined : { cause });
    this.name = 'VerificationError';
    this.reason = reason;
  }
}

export function sessionOfToken(claims: AccessTokenClaims): VerifiedSession {
  const { sessionId, tenantId, subject, clientId, expiresAtS, authTimeS, acr, amr, actor } = claims;
  return Object.freeze({
    sessionId,
    tenantId,
    userId: subject === sessionId ? '' : subject,
    clientId,
    expireTime: new Date(expiresAtS * 1000),
    authTime: new Date(authTimeS * 1000),
    acr,
    amr,
    actor,
    claims: claims.claims,
    decidedBy: 'local',
  });
}

export function sessionOfAnswer(answer: ActiveValidation): VerifiedSession {
  const { sessionId, tenantId, userId, clientId, expireTime, authTime, acr, amr, actor, claims } = answer;
  return Object.freeze({
    sessionId,
    tenantId,
    userId,
    clientId,
    expireTime,
    authTime,
    acr,
    amr: Object.freeze([...amr]),
    actor: actor === null ? null : Object.freeze({ userId: actor.userId, tenantId: actor.tenantId }),
    claims: Object.freeze(claims ?? {}),
    decidedBy: 'service',
  });
}

/** What a later version says is no reason that is known here. */
export function inactiveReason({ inactiveReason }: InactiveValidation): Exclude<VerificationReason, 'unavailable'> {
  return inactiveReason === 'unspecified' ? 'invalid' : inactiveReason;
}

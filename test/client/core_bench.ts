import { setImmediate as turn } from 'node:timers/promises';
import type { ActiveValidation, InactiveValidation, Validation } from '../../src/client/client_answers.ts';
import type { Bounds } from '../../src/client/revocation_view.ts';
import { VerificationError, type VerifiedSession } from '../../src/client/verified_session.ts';
import { VerifierCore } from '../../src/client/verifier_core.ts';
import type { RevocationStreamEvent } from '../../src/client/watch_events.ts';
import type { Revocation, RevocationScope } from '../../src/revocation/revocation.ts';
import type { TokenIdentity } from '../../src/revocation/set.ts';
import { signAccessToken } from '../../src/token/access_token.ts';
import {
  generateSigningKey,
  importPrivateKey,
  importPublicKey,
  type SigningKey,
  type VerificationKey,
} from '../../src/token/keys.ts';
import { formatOpaqueToken } from '../../src/token/opaque_token.ts';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../../src/token/verify.ts';

export const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const ISSUER = 'https://sessions.example';

/** The verdict of one call, in a word. */
export type Said = VerifiedSession['decidedBy'] | VerificationError['reason'];

/** What the verifier has asked the service, in the test's hand. */
export interface Question {
  readonly credential: string;
  readonly deadlineMs: number;
  answer(validation: Validation): void;
  fail(): void;
}

const KEYS = new Map<string, SigningKey & VerificationKey>();

/** Keys of any name; the same for the same name. */
export function keyOf(kid: string): SigningKey & VerificationKey {
  const known = KEYS.get(kid);
  if (known !== undefined) return known;
  const { publicJwk, secret } = generateSigningKey('ES256');
  const key = {
    kid,
    algorithm: 'ES256' as const,
    privateKey: importPrivateKey(secret),
    publicKey: importPublicKey(publicJwk),
  };
  KEYS.set(kid, key);
  return key;
}

/** The verifier of tokens that all benches share, and its clock. */
export const clock = { nowMs: NOW_MS };
export const TOKENS: AccessTokenVerifier = createAccessTokenVerifier({
  issuer: ISSUER,
  audiences: ['api'],
  key: (kid) => KEYS.get(kid),
  now: () => clock.nowMs,
  maxLifetimeMs: Number.POSITIVE_INFINITY,
  clockSkewMs: 30_000,
  cacheSize: 20_000,
});

/** One token for each content, for making one takes long. */
const SIGNED = new Map<string, string>();

export function accessToken(identity: TokenIdentity, lifetimeMs = HOUR_MS): string {
  const name = JSON.stringify([identity, lifetimeMs]);
  const known = SIGNED.get(name);
  if (known !== undefined) return known;
  const content = {
    ...identity,
    issuer: ISSUER,
    audiences: ['api'],
    issuedAtS: NOW_MS / 1000,
    expiresAtS: (NOW_MS + lifetimeMs) / 1000,
    tokenId: 'token',
    authTimeS: NOW_MS / 1000,
    acr: '',
    amr: [],
    actor: null,
  };
  const token = signAccessToken(keyOf(identity.kid), content, '{"role":"admin"}');
  SIGNED.set(name, token);
  return token;
}

export function sessionId(index: number): string {
  return `019ca000-0000-7000-8000-${String(index).padStart(12, '0')}`;
}

const TAG_KEY = { id: 1, secret: Buffer.alloc(32, 1) };

export function sessionToken(id: string): string {
  const known = SIGNED.get(id);
  if (known !== undefined) return known;
  const content = { sessionId: id, generation: 1, keyId: 1, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' };
  const token = formatOpaqueToken({ prefix: 'sas_', ...content }, TAG_KEY);
  SIGNED.set(id, token);
  return token;
}

const NOTHING_ELSE = {
  acr: '',
  amr: [],
  actor: null,
  session: null,
  deviceChange: null,
  stalenessMs: 0,
  degraded: false,
};

export function active(
  subject: {
    readonly sessionId: string;
    readonly tenantId: string;
    readonly userId: string;
    readonly clientId: string;
  },
  more: Partial<ActiveValidation> = {},
): ActiveValidation {
  return {
    ...NOTHING_ELSE,
    ...subject,
    active: true,
    inactiveReason: null,
    claims: { role: 'admin' },
    expireTime: new Date(clock.nowMs + HOUR_MS),
    authTime: new Date(NOW_MS),
    reusableUntilTime: new Date(clock.nowMs + 60_000),
    ...more,
  };
}

export function inactive(reason: InactiveValidation['inactiveReason']): InactiveValidation {
  return {
    ...NOTHING_ELSE,
    sessionId: '',
    tenantId: '',
    userId: '',
    clientId: '',
    active: false,
    inactiveReason: reason,
    claims: null,
    expireTime: null,
    authTime: null,
    reusableUntilTime: null,
  };
}

export function revocation(scope: RevocationScope, discardTimeMs = clock.nowMs + 2 * HOUR_MS): Revocation {
  return { scope, discardTimeMs: scope.kind === 'key' ? null : discardTimeMs, reason: 'admin', revokeTimeMs: NOW_MS };
}

export function checkpoint(asOfMs = clock.nowMs): RevocationStreamEvent {
  return { kind: 'checkpoint', stalenessMs: 0, asOfMs, ageMs: 0 };
}

/** A verifier's core, whose stream, clock and service are the test's. */
export class CoreBench {
  readonly core: VerifierCore;
  /** Those that have no answer yet. */
  readonly questions: Question[] = [];
  /** How many were asked. */
  asked = 0;
  ageMs = 0;

  constructor(bounds: Bounds = { freshMs: 5_000, maxStaleMs: 60_000 }, tenantIds: readonly string[] = []) {
    clock.nowMs = NOW_MS;
    this.core = new VerifierCore({
      tokens: TOKENS,
      keys: { lookAgain: () => Promise.resolve(true) },
      send: (credential, deadlineMs) => this.#send(credential, deadlineMs),
      tenantIds,
      bounds,
      maxReuseMs: () => HOUR_MS,
      now: () => clock.nowMs,
      grow: (ageMs) => () => ageMs + this.ageMs,
    });
  }

  /** Another stream begins. */
  open(tenantIds: readonly string[], start: 'resumed' | 'snapshot' = 'snapshot'): void {
    this.core.receive({ kind: 'opened', start, heartbeatMs: 1000, maxAccessTokenTtlMs: null, tenantIds });
  }

  /** Entries come as they happen. */
  apply(...scopes: readonly RevocationScope[]): void {
    this.receive(
      scopes.map((scope) => revocation(scope)),
      false,
    );
  }

  receive(revocations: readonly Revocation[], isSnapshot: boolean): void {
    this.core.receive({ kind: 'revocations', revocations, isSnapshot });
  }

  /** All is here. */
  prove(): void {
    this.ageMs = 0;
    this.core.receive(checkpoint());
  }

  /** What a call says in the end. */
  async said(...args: Parameters<VerifierCore['verify']>): Promise<Said> {
    try {
      return (await this.core.verify(...args)).decidedBy;
    } catch (error) {
      if (error instanceof VerificationError) return error.reason;
      throw error;
    }
  }

  /** The next question that has no answer yet. */
  async question(): Promise<Question> {
    for (let turns = 0; this.questions.length === 0; turns += 1) {
      if (turns > 1000) throw new Error('nothing is asked');
      await turn();
    }
    return this.questions[0] as Question;
  }

  #send(credential: string, deadlineMs: number): Promise<Validation> {
    this.asked += 1;
    return new Promise((resolve, reject) => {
      const question: Question = {
        credential,
        deadlineMs,
        answer: (validation) => {
          this.#settled(question);
          resolve(validation);
        },
        fail: () => {
          this.#settled(question);
          reject(new Error('UNAVAILABLE'));
        },
      };
      this.questions.push(question);
    });
  }

  #settled(question: Question): void {
    const index = this.questions.indexOf(question);
    if (index !== -1) this.questions.splice(index, 1);
  }
}

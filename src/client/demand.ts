import type { Bounds, SessionSubject } from './revocation_view.ts';
import type { VerifiedSession } from './verified_session.ts';

/** What is asked of one decision. */
export interface Demand extends Bounds {
  /** Whether only the service's answer to a question of after the call will do. */
  readonly isStrong: boolean;
}

/** By what a session is known that was verified. */
export interface KnownSession {
  readonly subject: SessionSubject;
  /** Of its access token; empty where it has none. */
  readonly kid: string;
  readonly isRevoked: () => boolean;
}

export type KnownSessions = WeakMap<VerifiedSession, KnownSession>;

/** How long a question may take where there is something else to go by, and where there is not. */
const SHORT_MS = 1_000;
const LONG_MS = 5_000;

export function patienceMs(hasFallback: boolean): number {
  return hasFallback ? SHORT_MS : LONG_MS;
}

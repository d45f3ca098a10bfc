import type { Session } from '../../src/domain/session.ts';
import { HOUR } from '../../src/store/conformance/commands.ts';

/** Longer than any random walk takes, shorter than the step by which its time passes. */
export const GRACE_MS = HOUR / 2;
export const MAX_SESSIONS = 3;
/** No sum of whole hours, so that no walk comes near a limit. */
export const IDLE_MS = 9.5 * HOUR;
export const ABSOLUTE_MS = 25.5 * HOUR;

/** A session as the model knows it; times are the clock's offset, in whole hours. */
export interface Known {
  /** As the store gave it last. */
  session: Session;
  isEnded: boolean;
  minVersion: number;
  readonly startMs: number;
  lastActiveMs: number;
  readonly scopes: readonly string[];
  /** How often each of the scopes had been raised. */
  raises: readonly number[];
  readonly spentMs: number[];
}

function scopesOf({ tenantId, userId, clientId, sessionId }: Session): readonly string[] {
  const subject = userId === '' ? sessionId : userId;
  return [`user ${tenantId} ${subject}`, `client ${tenantId} ${clientId}`, `tenant ${tenantId}`, 'global'];
}

/** Which sessions are live, from what was done to them: no store behind it. */
export class LivenessModel {
  readonly known: Known[] = [];
  /** Every ended session, superseded version and raise appends one. */
  logEntries = 0;
  nowMs = 0;
  readonly #raises = new Map<string, number>();
  readonly #deniedUntilMs = new Map<string, number>();

  begin(session: Session, startMs = this.nowMs): Known {
    const scopes = scopesOf(session);
    const raises = scopes.map((scope) => this.#raises.get(scope) ?? 0);
    const begun = { session, isEnded: false, minVersion: 0, startMs, lastActiveMs: this.nowMs, scopes, raises };
    const known: Known = { ...begun, spentMs: [] };
    this.known.push(known);
    return known;
  }

  end(known: Known): void {
    known.isEnded = true;
    this.logEntries += 1;
  }

  refresh(known: Known): void {
    known.lastActiveMs = this.nowMs;
    known.spentMs.push(this.nowMs);
  }

  supersede(known: Known): void {
    known.minVersion = known.session.version;
    this.logEntries += 1;
  }

  wasRevoked(known: Known): boolean {
    return (
      known.isEnded || known.scopes.some((scope, index) => (this.#raises.get(scope) ?? 0) > (known.raises[index] ?? 0))
    );
  }

  isLive(known: Known): boolean {
    const { session, startMs, lastActiveMs } = known;
    const isIdle = session.idleTimeoutMs > 0 && this.nowMs >= lastActiveMs + session.idleTimeoutMs;
    return !this.wasRevoked(known) && !isIdle && this.nowMs < startMs + session.absoluteTimeoutMs;
  }

  /** The live sessions that a raise of the scope would end. */
  liveUnder(scope: string): Known[] {
    return this.known.filter((known) => known.scopes.includes(scope) && this.isLive(known));
  }

  /** How many sessions of the user make room for another. */
  surplus(tenantId: string, userId: string): number {
    if (userId === '') return 0;
    const counted = this.liveUnder(`user ${tenantId} ${userId}`).filter(({ session }) => session.actor === null);
    return Math.max(0, counted.length + 1 - MAX_SESSIONS);
  }

  isDenied(tenantId: string, userId: string): boolean {
    return userId !== '' && (this.#deniedUntilMs.get(`${tenantId} ${userId}`) ?? 0) > this.nowMs;
  }

  deny(tenantId: string, userId: string, untilMs: number): void {
    this.#deniedUntilMs.set(`${tenantId} ${userId}`, untilMs);
  }

  raise(scope: string, except: Known | null): void {
    const raises = (this.#raises.get(scope) ?? 0) + 1;
    this.#raises.set(scope, raises);
    if (except !== null) except.raises = [raises, ...except.raises.slice(1)];
    this.logEntries += 1;
  }

  /** Whether a token that is `back` generations behind the current one is answered with that one. */
  isWithinGrace(known: Known, back: number): boolean {
    return back <= 8 && known.spentMs.at(-back) === this.nowMs;
  }
}

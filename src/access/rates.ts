import { TokenBucket } from 'limiter';
import { LIMITS } from '../domain/limits.ts';
import { SessionError } from '../error.ts';
import type { KnownCaller } from './callers.ts';

/** After which one that has too many calls in progress is to try again. */
const BUSY_RETRY_MS = 100;

/** What every caller may do that has no limits of its own; 0 = no limit. */
export interface CallerLimits {
  readonly callsPerSecond: number;
  readonly concurrentCalls: number;
}

interface Usage {
  callsPerSecond: number;
  bucket: TokenBucket | null;
  running: number;
}

/** Bounds what each caller asks of this instance. */
export class CallerRates {
  readonly #limits: CallerLimits;
  readonly #usages = new Map<string, Usage>();

  constructor(limits: CallerLimits) {
    this.#limits = limits;
  }

  /**
   * Counts a call against the caller's rate.
   *
   * @param cost of how many calls
   * @throws {SessionError} RATE_LIMITED
   */
  charge(caller: KnownCaller, cost: number): void {
    const { bucket } = this.#usageOf(caller);
    if (bucket === null || bucket.tryRemoveTokens(cost)) return;
    throw new SessionError('RATE_LIMITED', `the caller may make ${bucket.tokensPerInterval} calls a second`, {
      retryAfterMs: bucket.getWaitTime(cost),
    });
  }

  /**
   * Counts a call in progress until what it returns is called.
   *
   * @throws {SessionError} RATE_LIMITED
   */
  enter(caller: KnownCaller): () => void {
    const usage = this.#usageOf(caller);
    const max = caller.concurrentCalls ?? this.#limits.concurrentCalls;
    if (max > 0 && usage.running >= max) {
      throw new SessionError('RATE_LIMITED', `the caller may have ${max} calls in progress`, {
        retryAfterMs: BUSY_RETRY_MS,
      });
    }
    usage.running += 1;
    return () => {
      usage.running -= 1;
    };
  }

  #usageOf(caller: KnownCaller): Usage {
    const callsPerSecond = caller.callsPerSecond ?? this.#limits.callsPerSecond;
    const usage = this.#usages.get(caller.name) ?? { callsPerSecond, bucket: bucketOf(callsPerSecond), running: 0 };
    if (usage.callsPerSecond !== callsPerSecond) {
      Object.assign(usage, { callsPerSecond, bucket: bucketOf(callsPerSecond) });
    }
    this.#usages.set(caller.name, usage);
    return usage;
  }
}

/** One second's calls may come at once, and the largest batch always may. */
function bucketOf(callsPerSecond: number): TokenBucket | null {
  if (callsPerSecond === 0) return null;
  const bucketSize = Math.max(callsPerSecond, LIMITS.batchItems);
  const bucket = new TokenBucket({ bucketSize, tokensPerInterval: callsPerSecond, interval: 'second' });
  bucket.content = bucketSize;
  return bucket;
}

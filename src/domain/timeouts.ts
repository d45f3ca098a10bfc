import { invalidField } from '../error.ts';

/** The limits that sessions get and may ask for. Times in ms; an idle timeout of 0 is none. */
export interface SessionRules {
  readonly audience: string;
  readonly accessTokenTtlMs: number;
  readonly touchIntervalMs: number;
  readonly idleTimeoutMs: number;
  readonly absoluteTimeoutMs: number;
  readonly maxIdleTimeoutMs: number;
  readonly maxAbsoluteTimeoutMs: number;
}

interface Timeouts<T> {
  readonly idleTimeoutMs: T;
  readonly absoluteTimeoutMs: T;
}

/** What was asked, cut to the maxima; `unset` where nothing was. Throws INVALID_FIELD for what can't work. */
export function sessionTimeouts<T extends number | null>(
  rules: SessionRules,
  asked: Timeouts<number | null>,
  unset: Timeouts<T>,
): Timeouts<T | number> {
  return {
    idleTimeoutMs: asked.idleTimeoutMs === null ? unset.idleTimeoutMs : idleTimeout(rules, asked.idleTimeoutMs),
    absoluteTimeoutMs:
      asked.absoluteTimeoutMs === null
        ? unset.absoluteTimeoutMs
        : Math.min(asked.absoluteTimeoutMs, rules.maxAbsoluteTimeoutMs),
  };
}

function idleTimeout(rules: SessionRules, askedMs: number): number {
  // None is the longest there is: it is cut like any other, unless the maximum cuts nothing.
  if (askedMs === 0) return rules.maxIdleTimeoutMs >= rules.maxAbsoluteTimeoutMs ? 0 : rules.maxIdleTimeoutMs;
  if (askedMs < rules.accessTokenTtlMs) {
    throw invalidField(
      'idle_timeout',
      `must be 0 (none) or at least the lifetime of an access token, ${rules.accessTokenTtlMs / 1000} s`,
    );
  }
  return Math.min(askedMs, rules.maxIdleTimeoutMs);
}

/** What happens at the user's limit; only live sessions without an actor count. */
export interface SessionLimit {
  /** 0 = no limit. */
  readonly max: number;
  readonly policy: 'evict-oldest' | 'evict-least-recently-active' | 'reject';
}

/** The rules that every step of a store obeys. Times in ms. */
export interface StoreRules {
  readonly accessTokenTtlMs: number;
  readonly maxAbsoluteTimeoutMs: number;
  readonly refreshGraceMs: number;
  readonly touchIntervalMs: number;
  readonly endedSessionRetentionMs: number;
  readonly limit: SessionLimit;
}

/** The store's clock is its own, plus an offset that tests set and production leaves at zero. */
export interface ClockOffset {
  ms: number;
}

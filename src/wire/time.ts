import type { Duration, Duration__Output } from './gen/google/protobuf/Duration.ts';
import type { Timestamp, Timestamp__Output } from './gen/google/protobuf/Timestamp.ts';

const NANOS_PER_MS = 1_000_000;
const MAX_NANOS = 999_999_999;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range of google.protobuf.Timestamp. */
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;
/** The range of google.protobuf.Duration, 10,000 years. */
const MAX_DURATION_SECONDS = 315_576_000_000;

/** Milliseconds since the epoch; undefined where the timestamp is out of its range. */
export function timestampToMs({ seconds, nanos }: Timestamp__Output): number | undefined {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > MAX_NANOS) return undefined;
  return seconds * 1000 + Math.floor(nanos / NANOS_PER_MS);
}

/** Milliseconds, rounded up so that a short duration is not none; undefined where it is negative or out of range. */
export function durationToMs({ seconds, nanos }: Duration__Output): number | undefined {
  if (seconds < 0 || seconds > MAX_DURATION_SECONDS || nanos < 0 || nanos > MAX_NANOS) return undefined;
  return seconds * 1000 + Math.ceil(nanos / NANOS_PER_MS);
}

export function msToTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * NANOS_PER_MS };
}

export function msToDuration(ms: number): Duration {
  return msToTimestamp(ms);
}

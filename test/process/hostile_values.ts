/** Strings that have hurt somebody. */
export const HOSTILE = [
  '',
  '\u0000',
  '\n',
  '\ud800',
  '\ufffd',
  'x'.repeat(128),
  'x'.repeat(129),
  '"'.repeat(256),
  'é'.repeat(300),
  'x'.repeat(2000),
  '__proto__',
  'constructor',
  "' OR 1=1 --",
  '%s%n{}',
  '😀',
  '../..',
  '00000000-0000-7000-8000-000000000000',
];
export const PLAIN = ['ann', 'bob', 'carl', 'web', 'app', 'phone'];
export const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  1e-320,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 60,
  -(2 ** 60),
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];
export const SECONDS = [0, 1, -1, 60, 253_402_300_799, 253_402_300_800, -62_135_596_801, 2 ** 52, -(2 ** 52)];
export const NANOS = [0, 1, -1, 999_999_999, 1_000_000_000, 2 ** 31 - 1];

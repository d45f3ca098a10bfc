/** The day after which a release line of Node gets no more fixes, as its release schedule says. */
const ENDS: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  22: '2027-04-30',
  24: '2028-04-30',
  26: '2029-04-30',
};

/** Whether a version of Node, such as `22.11.0`, gets no more security fixes. */
export function isNodePastEnd(version: string, now: Date): boolean {
  const major = Number.parseInt(version, 10);
  const end = ENDS[major];
  // Those between were never supported for long; what is newer than this table is not past its end.
  if (end === undefined) return major < 26;
  return now.getTime() > Date.parse(end) + 24 * 3_600_000;
}

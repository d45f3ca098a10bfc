import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { CLOCK_SKEW_MS, STORE_DEADLINE_MS } from '../../domain/limits.ts';
import { type Session, subjectOf } from '../../domain/session.ts';
import type { RaiseCommand, SessionStore, SweepResult } from '../../domain/store.ts';
import type { ClockOffset } from '../../domain/store_rules.ts';
import { LOG_START, type LogEntry, type LogPosition, type RevocationLog } from '../../revocation/log.ts';
import type { TokenIdentity } from '../../revocation/set.ts';
import { recordOf, refTo } from './commands.ts';

/** How long after the last token that it ends an entry is kept. */
export const DISCARD_MARGIN_MS = 2 * CLOCK_SKEW_MS + STORE_DEADLINE_MS;

/** How many live sessions a raise would end. */
export async function countOf(store: SessionStore, command: RaiseCommand): Promise<number> {
  const outcome = await store.count(command);
  assert(outcome.kind === 'counted', outcome.kind);
  return outcome.count;
}

/** What the log delivers, from its low end on; grows with it. */
export function follow(log: RevocationLog): readonly LogEntry[] {
  const entries: LogEntry[] = [];
  log.follow((delivered) => entries.push(...delivered));
  return entries;
}

/** Follows the log and waits until all that is in it has come. */
export async function wholeLog(log: RevocationLog, count: number): Promise<readonly LogEntry[]> {
  const entries = follow(log);
  await arrive(log, () => entries.length >= count);
  return entries;
}

/** Waits for what another instance did, or for what is there to be read; gives up after some seconds. */
export async function arrive(log: RevocationLog, hasArrived: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    log.freshen();
    if (hasArrived()) return;
    await pause(5);
  }
  assert.fail('what was appended to the log does not arrive');
}

/** Fails where positions of a partition have gaps, or an entry does not carry the tag of the one before. */
export function assertChained(entries: readonly LogEntry[]): void {
  const heads = new Map<number, LogEntry>();
  const places = new Set<string>();
  for (const entry of entries) {
    assert.match(entry.tag, /^[0-9a-f]{16}$/);
    const previous = heads.get(entry.partition);
    if (previous !== undefined) {
      assert.equal(entry.position, previous.position + 1);
      assert.equal(entry.previousTag, previous.tag);
    }
    heads.set(entry.partition, entry);
    places.add(`${entry.partition} ${entry.tag}`);
  }
  assert.equal(places.size, entries.length);
}

/** Fails where a partition is not there from its first entry on. */
export function assertBegins(entries: readonly LogEntry[]): void {
  const begun = new Set<number>();
  for (const { partition, position, previousTag } of entries) {
    if (!begun.has(partition)) assert.deepEqual([position, previousTag], [1, LOG_START.tag]);
    begun.add(partition);
  }
}

export function positionOf(entry: LogEntry | undefined): LogPosition {
  assert(entry !== undefined, 'not in the log');
  const { partition, position, tag } = entry;
  return { partition, position, tag };
}

/** One entry for each revocation, where each partition has its copy of those that concern all. */
export function withoutCopies(entries: readonly LogEntry[]): readonly LogEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ tag }) => !seen.has(tag) && seen.add(tag));
}

/** How often the log ends this very session. */
export function endingsOf(entries: readonly LogEntry[], sessionId: string): readonly LogEntry[] {
  return entries.filter(({ revocation: { scope } }) => {
    return scope.kind === 'session' && scope.sessionId === sessionId && scope.minVersion === 0;
  });
}

/** What an access token says that is issued for the session as it is here. */
export function tokenOf(session: Session): TokenIdentity {
  const { sessionId, tenantId, clientId, generations, version } = session;
  return { kid: 'key', sessionId, tenantId, subject: subjectOf(session), clientId, generations, version };
}

/** Runs `act`, which must leave the session's row and status as they were; returns its outcome. */
export async function leavesUnchanged<T>(store: SessionStore, session: Session, act: () => Promise<T>): Promise<T> {
  const before = await recordOf(store, session);
  const outcome = await act();
  assert.deepEqual(await recordOf(store, session), before);
  return outcome;
}

/** Sweeps until nothing is due. */
export async function sweepAll(store: SessionStore, batch = 100): Promise<Omit<SweepResult, 'more'>> {
  const total = { sessions: 0, requests: 0, epochs: 0, logEntries: 0 };
  for (let round = 0; round < 1000; round += 1) {
    const { more, ...removed } = await store.sweep(batch);
    for (const kind of ['sessions', 'requests', 'epochs', 'logEntries'] as const) total[kind] += removed[kind];
    if (!more) return total;
  }
  assert.fail('there is always more to sweep');
}

/** Looks closely around a limit: live at every moment before it, expired from that very ms on. */
export async function assertExpiresAt(
  store: SessionStore,
  clock: ClockOffset,
  session: Session,
  limitMs: number,
): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const outcome = await store.read({ ...refTo(session), touch: false });
    assert(outcome.kind === 'found');
    const { nowMs, record } = outcome;
    const expected = nowMs < limitMs ? { state: 'active' } : { state: 'expired', timeMs: limitMs };
    assert.deepEqual(record.status, expected, `${nowMs - limitMs} ms after the limit`);
    if (nowMs === limitMs) return;
    // To the limit itself, or to shortly before it where time passes on the way.
    clock.ms += limitMs - nowMs - (attempt % 3);
  }
}

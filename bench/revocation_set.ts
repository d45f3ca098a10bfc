import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Generations, Revocation } from '../src/revocation/revocation.ts';
import { RevocationSet, type TokenIdentity } from '../src/revocation/set.ts';
import { cost, inTurn, liveBytes, longestPauseMs, median, plain, type Result, timedMs } from './measure.ts';
import { endOfSession, inOnePiece, sessionIds } from './revocations.ts';
import { snapshotBesideValidations } from './snapshot.ts';

const ENTRIES = 1_000_000;

/** A follower delivers at most so many at once. */
const DELIVERED = 500;

const ROUNDS = 5;

const IDLE_TURNS = 100_000;

/** Where the event loop stands still for longer, requests wait too long. */
const LONGEST_PAUSE_MS = 10;

const MOST_BYTES = 64_000_000;

/** Between them memory is looked at: as it grows by steps, the most may be before a million are reached. */
const STEP = ENTRIES / 10;

/** Sessions that are looked up in one round: all of them would take long, and one after the other in their order tells less. */
const CHECKED = 200_000;

const AT_ONCE = 500;

const GENERATIONS: Generations = [1, 1, 1, 1];

/** The set that LOCAL validations are answered from, with a million ended sessions. */
export async function revocationSet(): Promise<readonly Result[]> {
  const bytes = memory();
  return [
    plain('memory of a million entries', (bytes.at(-1) ?? Number.NaN) / 1e6, 'MB', MOST_BYTES / 1e6),
    plain('memory an entry, the most from 100,000 to a million', mostPerEntry(bytes), 'bytes', MOST_BYTES / ENTRIES),
    ...(await speed()),
    ...(await pauses()),
    ...(await snapshotBesideValidations(ENTRIES)),
  ];
}

/** Live bytes after every step. */
function memory(): number[] {
  // What is compiled at first use does not count.
  setOf(sessionIds(DELIVERED));
  const before = liveBytes();
  const set = new RevocationSet();
  const bytes: number[] = [];
  while (set.size < ENTRIES) {
    for (const sessionId of sessionIds(STEP)) set.apply(endOfSession(sessionId));
    bytes.push(liveBytes() - before);
  }
  return bytes;
}

function mostPerEntry(bytes: readonly number[]): number {
  return Math.max(...bytes.map((held, index) => held / ((index + 1) * STEP)));
}

/** Beside a plain Map of the same size. */
async function speed(): Promise<Result[]> {
  const ended = sessionIds(ENTRIES);
  const revocations = ended.map((sessionId) => endOfSession(sessionId));
  let set = new RevocationSet();
  let map = new Map<string, Revocation>();
  const ns = await inTurn(ROUNDS, {
    apply: () => {
      set = new RevocationSet();
      return timedMs(() => revocations.forEach((revocation) => set.apply(revocation)));
    },
    mapSet: () => {
      map = new Map();
      return timedMs(() => ended.forEach((sessionId, index) => map.set(sessionId, revocations[index] as Revocation)));
    },
  });
  return [
    cost('apply', perEntry(ns.apply, ENTRIES), 'ns', perEntry(ns.mapSet, ENTRIES)),
    await lookUps('check of an ended session', set, map, () => anyOf(ended)),
    await lookUps('check of a live session', set, map, () => sessionIds(AT_ONCE)),
  ];
}

/** Of the tokens of sessions by chance, each token new: its session id is in a piece of memory of its own. */
async function lookUps(
  name: string,
  set: RevocationSet,
  map: ReadonlyMap<string, Revocation>,
  some: () => readonly string[],
): Promise<Result> {
  const ms = await inTurn(ROUNDS, {
    check: () => newTokensMs(some, (tokens) => tokens.forEach((token) => set.check(token))),
    mapGet: () => newTokensMs(some, (tokens) => tokens.forEach(({ sessionId }) => map.get(sessionId))),
  });
  return cost(name, perEntry(ms.check, CHECKED), 'ns', perEntry(ms.mapGet, CHECKED));
}

/** Few at a time, so that they are as near to the processor as one that was just read. */
function newTokensMs(some: () => readonly string[], use: (tokens: readonly TokenIdentity[]) => void): number {
  let ms = 0;
  for (let checked = 0; checked < CHECKED; checked += AT_ONCE) {
    const tokens = some().map((sessionId) => tokenOf(inOnePiece(sessionId)));
    ms += timedMs(() => use(tokens));
  }
  return ms;
}

function anyOf(sessionIds: readonly string[]): string[] {
  return Array.from({ length: AT_ONCE }, () => sessionIds[Math.floor(Math.random() * sessionIds.length)] as string);
}

function perEntry(samplesMs: readonly number[], count: number): number {
  return (median(samplesMs) * 1e6) / count;
}

/** Of the quietest round: whatever else the machine does makes a pause longer. */
async function pauses(): Promise<Result[]> {
  const ids = sessionIds(ENTRIES);
  const ms = await inTurn(ROUNDS, {
    idle: () => longestPauseMs(() => turns(IDLE_TURNS)),
    growing: () => longestPauseMs(() => fillInTurns(new RevocationSet(), ids)),
    keeping: () => {
      const set = settledSetOf(ids);
      return longestPauseMs(() => set.discard(Date.now()));
    },
    forgetting: () => {
      const set = settledSetOf(ids);
      return longestPauseMs(() => set.discard(Number.MAX_SAFE_INTEGER));
    },
  });
  return [
    plain('longest pause with nothing to do', Math.min(...ms.idle), 'ms'),
    plain('longest pause while a million are applied', Math.min(...ms.growing), 'ms', LONGEST_PAUSE_MS),
    plain('longest pause while discard() keeps a million', Math.min(...ms.keeping), 'ms', LONGEST_PAUSE_MS),
    plain('longest pause while discard() forgets a million', Math.min(...ms.forgetting), 'ms', LONGEST_PAUSE_MS),
  ];
}

function setOf(ids: readonly string[]): RevocationSet {
  const set = new RevocationSet();
  for (const sessionId of ids) set.apply(endOfSession(sessionId));
  return set;
}

/** What making it left behind is not collected later, while something else is measured. */
function settledSetOf(ids: readonly string[]): RevocationSet {
  const set = setOf(ids);
  liveBytes();
  return set;
}

async function fillInTurns(set: RevocationSet, ids: readonly string[]): Promise<void> {
  for (let start = 0; start < ids.length; start += DELIVERED) {
    for (const sessionId of ids.slice(start, start + DELIVERED)) set.apply(endOfSession(sessionId));
    await turns(1);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await nextTurn();
}

function tokenOf(sessionId: string): TokenIdentity {
  const [kid, tenantId, subject, clientId] = ['k', '', 'user', 'default'];
  return { kid, sessionId, tenantId, subject, clientId, generations: GENERATIONS, version: 1 };
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Generations, Revocation } from '../src/revocation/revocation.ts';
import { RevocationSet, type TokenIdentity } from '../src/revocation/set.ts';
import { cost, inTurn, liveBytes, longestPauseMs, median, plain, type Result, timedMs } from './measure.ts';
import { endOfSession, sessionIds } from './revocations.ts';
import { snapshotBesideValidations } from './snapshot.ts';

const ENTRIES = 1_000_000;

/** A follower delivers at most so many at once. */
const DELIVERED = 500;

const ROUNDS = 5;

const IDLE_TURNS = 100_000;

/** Where the event loop stands still for longer, requests wait too long. */
const LONGEST_PAUSE_MS = 10;

const MOST_BYTES_PER_ENTRY = 250;

const GENERATIONS: Generations = [1, 1, 1, 1];

/** The set that LOCAL validations are answered from, with a million ended sessions. */
export async function revocationSet(): Promise<readonly Result[]> {
  const bytes = await memoryPerEntry();
  return [
    plain('memory per entry', bytes, 'bytes', MOST_BYTES_PER_ENTRY),
    plain('memory of a million entries', (bytes * ENTRIES) / 2 ** 20, 'MiB'),
    ...(await speed()),
    ...(await pauses()),
    ...(await snapshotBesideValidations(ENTRIES)),
  ];
}

async function memoryPerEntry(): Promise<number> {
  const before = liveBytes();
  const set = setOf(sessionIds(ENTRIES));
  const bytes = (liveBytes() - before) / ENTRIES;
  if (set.size !== ENTRIES) throw new Error('some entries are missing');
  return bytes;
}

/** Beside a plain Map of the same size. */
async function speed(): Promise<Result[]> {
  const [ended, live] = [sessionIds(ENTRIES), sessionIds(ENTRIES)];
  const revocations = ended.map((sessionId) => endOfSession(sessionId));
  const tokens = [...ended, ...live].map(tokenOf);
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
    check: () => timedMs(() => tokens.forEach((token) => set.check(token))),
    mapGet: () => timedMs(() => tokens.forEach(({ sessionId }) => map.get(sessionId))),
  });
  const perEntry = (samples: readonly number[], count: number) => (median(samples) * 1e6) / count;
  return [
    cost('apply', perEntry(ns.apply, ENTRIES), 'ns', perEntry(ns.mapSet, ENTRIES)),
    cost('check', perEntry(ns.check, 2 * ENTRIES), 'ns', perEntry(ns.mapGet, 2 * ENTRIES)),
  ];
}

/** Of the quietest round: whatever else the machine does makes a pause longer. */
async function pauses(): Promise<Result[]> {
  const ids = sessionIds(ENTRIES);
  const ms = await inTurn(ROUNDS, {
    idle: () => longestPauseMs(() => turns(IDLE_TURNS)),
    growing: () => longestPauseMs(() => fillInTurns(new RevocationSet(), ids)),
    keeping: () => {
      const set = setOf(ids);
      return longestPauseMs(() => set.discard(Date.now()));
    },
    forgetting: () => {
      const set = setOf(ids);
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
  const names = { kid: 'k', tenantId: '', subject: 'user', clientId: 'default' };
  return { ...names, sessionId, generations: GENERATIONS, version: 1 };
}

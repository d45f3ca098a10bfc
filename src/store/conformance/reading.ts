import assert from 'node:assert/strict';
import { LOG_START, type LogPosition, type RevocationLog } from '../../revocation/log.ts';
import type { SessionStore } from '../../domain/store.ts';
import { type Cases, type ConformanceHarness, describeCases } from './bench.ts';
import { begin, DAY, MINUTE, ofKind, revokeCommand } from './commands.ts';
import { assertChained, DISCARD_MARGIN_MS, positionOf, sweepAll } from './observe.ts';

export function describeReading(harness: ConformanceHarness): void {
  describeCases('reading the log behind a position', harness, READING);
  describeCases('reading the log by another instance', harness, SHARED, 'shared');
}

/** Positions of one partition: the sessions are of one user. */
async function revokeSome(store: SessionStore, count: number): Promise<readonly LogPosition[]> {
  const heads: LogPosition[] = [];
  for (let index = 0; index < count; index += 1) {
    const { head } = ofKind(await store.revoke(revokeCommand(await begin(store))), 'done');
    assert(head !== null);
    heads.push(head);
  }
  return heads;
}

/** Before the first entry of the partition that the positions are of. */
function startOf([first]: readonly LogPosition[]): LogPosition {
  assert(first !== undefined);
  return { ...LOG_START, partition: first.partition };
}

async function assertContinues(
  log: RevocationLog,
  from: LogPosition,
  expected: readonly LogPosition[],
  count = 100,
): Promise<void> {
  const { kind, entries } = await log.after(from, count);
  assert.deepEqual({ kind, positions: entries.map(positionOf) }, { kind: 'continues', positions: expected });
  assertChained(entries);
  if (entries[0] !== undefined) assert.equal(entries[0].previousTag, from.tag);
}

async function kindAfter(log: RevocationLog, position: LogPosition): Promise<string> {
  return (await log.after(position, 1)).kind;
}

const OTHER_TAG = 'ffffffffffffffff';

const READING: Cases = {
  'goes on from the start and from every entry, with as many as were asked for at most': async ({ open }) => {
    const store = await open();
    const heads = await revokeSome(store, 5);
    const all = [startOf(heads), ...heads];
    for (const [index, from] of all.entries()) {
      await assertContinues(store, from, heads.slice(index));
      await assertContinues(store, from, heads.slice(index, index + 2), 2);
    }
  },

  'gives nothing behind the start of a log that is empty': async ({ open }) => {
    const store = await open();
    for (let partition = 0; partition < store.partitions; partition += 1) {
      await assertContinues(store, { ...LOG_START, partition }, []);
    }
  },

  'says of another tag, or a position beyond the head, that the tail was lost': async ({ open }) => {
    const store = await open();
    assert.equal(await kindAfter(store, { partition: 0, position: 1, tag: OTHER_TAG }), 'truncated');
    const heads = await revokeSome(store, 3);
    const [, second, head] = heads;
    assert(second !== undefined && head !== undefined);
    for (const of of heads) assert.equal(await kindAfter(store, { ...of, tag: OTHER_TAG }), 'truncated');
    assert.equal(await kindAfter(store, { ...second, tag: head.tag }), 'truncated');
    for (const ahead of [1, 2, 1000]) {
      assert.equal(await kindAfter(store, { ...head, position: head.position + ahead }), 'truncated');
    }
  },

  'says of what was trimmed away that it is compacted, and goes on from the floor': async ({ open, clock }) => {
    const store = await open();
    const old = await revokeSome(store, 4);
    clock.ms += 10 * MINUTE + DISCARD_MARGIN_MS + MINUTE;
    const kept = await revokeSome(store, 2);
    assert.equal((await sweepAll(store)).logEntries, 4);
    for (const from of [startOf(old), ...old.slice(0, 3)]) {
      const { kind, entries } = await store.after(from, 100);
      assert.deepEqual({ kind, positions: entries.map(positionOf) }, { kind: 'compacted', positions: kept });
    }
    const floor = old[3] as LogPosition;
    await assertContinues(store, floor, kept);
    assert.equal(await kindAfter(store, { ...floor, tag: OTHER_TAG }), 'truncated');
    await assertContinues(store, kept[0] as LogPosition, kept.slice(1));
  },

  'goes on from the head after days without a revocation': async ({ open, clock }) => {
    const store = await open();
    const heads = await revokeSome(store, 3);
    const head = heads[2] as LogPosition;
    clock.ms += 3 * DAY;
    await sweepAll(store);
    await assertContinues(store, head, []);
    await assertContinues(store, heads[1] as LogPosition, [head]);
    assert.equal(await kindAfter(store, heads[0] as LogPosition), 'compacted');
    await assertContinues(store, head, await revokeSome(store, 1));
  },
};

const SHARED: Cases = {
  'is the same whoever is asked': async ({ openAll }) => {
    const [first, second] = await openAll();
    assert(second !== undefined);
    const heads = await revokeSome(first, 3);
    await assertContinues(second, startOf(heads), heads);
    await assertContinues(second, heads[1] as LogPosition, heads.slice(2));
  },
};

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LOG_START, type LogEntry, type LogPosition } from '../../src/revocation/log.ts';
import { type LogPositions, RevocationRing } from '../../src/revocation/ring.ts';

const PARTITIONS = 3;

/** Logs of a few partitions, each entry with a tag of its own. */
class Logs {
  readonly #heads = new Map<number, LogPosition>();
  readonly all: LogEntry[] = [];

  append(partition: number): LogEntry {
    const { position, tag } = this.#heads.get(partition) ?? LOG_START;
    const entry: LogEntry = {
      partition,
      position: position + 1,
      tag: (this.all.length + 1).toString(16).padStart(16, '0'),
      previousTag: tag,
      revocation: { scope: { kind: 'key', kid: '' }, discardTimeMs: null, reason: 'admin', revokeTimeMs: 0 },
    };
    this.#heads.set(partition, entry);
    this.all.push(entry);
    return entry;
  }

  /** In every partition as many entries as given, or as there are. */
  positions(counts: readonly number[]): LogPositions {
    return Array.from({ length: PARTITIONS }, (_, partition) => {
      const entries = this.all.filter((entry) => entry.partition === partition);
      const { position, tag } = entries[Math.min(counts[partition] ?? 0, entries.length) - 1] ?? LOG_START;
      return { partition, position, tag };
    });
  }
}

function ringOf(batches: readonly (readonly number[])[], capacity: number): { ring: RevocationRing; logs: Logs } {
  const logs = new Logs();
  const ring = new RevocationRing(PARTITIONS, () => {}, capacity);
  for (const batch of batches) {
    ring.add(batch.map((partition) => logs.append(partition)));
    ring.flush();
  }
  return { ring, logs };
}

/** What a subscriber with these positions is sent from there on. */
function behind(ring: RevocationRing, sequence: number, positions: LogPositions): readonly string[] {
  const tags: string[] = [];
  for (let next = sequence; next < ring.next; next += 1) {
    const { entries } = ring.batch(next) ?? assert.fail('a batch is gone');
    for (const { partition, position, tag } of entries) {
      if (position > (positions[partition]?.position ?? 0)) tags.push(tag);
    }
  }
  return tags;
}

const BATCHES = fc.array(fc.array(fc.nat(PARTITIONS - 1), { minLength: 1, maxLength: 5 }), { maxLength: 20 });
const COUNTS = fc.array(fc.nat(20), { minLength: PARTITIONS, maxLength: PARTITIONS });

describe('RevocationRing', () => {
  it('gives from any positions exactly what is behind them, or says that it lacks some of it', () => {
    fc.assert(
      fc.property(BATCHES, COUNTS, fc.integer({ min: 1, max: 60 }), (batches, counts, capacity) => {
        const { ring, logs } = ringOf(batches, capacity);
        const positions = logs.positions(counts);
        const place = ring.locate(positions);
        const lacking = logs.all.filter(({ partition, position }) => position > (positions[partition]?.position ?? 0));
        if (place.kind === 'here') {
          assert.deepEqual(
            behind(ring, place.sequence, positions),
            lacking.map(({ tag }) => tag),
          );
          return;
        }
        assert.equal(place.kind, 'behind');
        const kept = new Set<string>();
        for (let next = ring.next - 1; ring.batch(next) !== undefined; next -= 1) {
          for (const { tag } of ring.batch(next)?.entries ?? []) kept.add(tag);
        }
        assert(lacking.some(({ partition, tag }) => partition === place.partition && !kept.has(tag)));
      }),
      { numRuns: 500 },
    );
  });

  it('knows a tail that was lost by its tag, wherever it is', () => {
    fc.assert(
      fc.property(BATCHES, COUNTS, fc.nat(PARTITIONS - 1), (batches, counts, partition) => {
        const { ring, logs } = ringOf(batches, 1000);
        const positions = logs
          .positions(counts)
          .map((at) => (at.partition === partition ? { ...at, tag: 'f'.repeat(16) } : at));
        assert.equal(ring.locate(positions).kind, 'truncated');
      }),
    );
  });

  it('says that a position beyond its head has not come', () => {
    const { ring, logs } = ringOf([[0, 1], [2]], 1000);
    const heads = logs.positions([9, 9, 9]);
    const ahead = heads.map((at) => (at.partition === 1 ? { ...at, position: 2, tag: 'f'.repeat(16) } : at));
    assert.deepEqual(ring.locate(ahead), { kind: 'ahead' });
    assert.deepEqual(ring.locate(heads), { kind: 'here', sequence: ring.next });
  });

  it('counts its breaks, and goes on from where the log does', () => {
    const { ring, logs } = ringOf([[0, 0, 0], [1]], 1000);
    const heads = ring.heads;
    ring.break({ partition: 0, position: 1, tag: 'a'.repeat(16) }, 'truncated');
    assert.deepEqual([ring.breaks, ring.lastBreak], [1, 'truncated']);
    assert.equal(ring.locate(heads).kind, 'ahead');
    const entry = { ...logs.append(0), position: 2, previousTag: 'a'.repeat(16) };
    ring.add([entry]);
    ring.flush();
    assert.deepEqual(ring.heads[0], { partition: 0, position: 2, tag: entry.tag });
    assert.equal(ring.locate(ring.heads).kind, 'here');
    ring.add([{ ...logs.append(0), position: 3 }]);
    ring.flush();
    assert.equal(ring.locate(heads).kind, 'truncated');
  });

  it('passes the first entry on in the next turn, and those that come close behind together', async () => {
    const sizes: number[] = [];
    const logs = new Logs();
    const ring: RevocationRing = new RevocationRing(
      PARTITIONS,
      () => {
        for (let next = sizes.length; next < ring.next; next += 1) sizes.push(ring.batch(next)?.entries.length ?? 0);
      },
      5000,
    );
    ring.add([logs.append(0)]);
    assert.deepEqual(sizes, []);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sizes, [1]);
    for (let count = 0; count < 1300; count += 1) ring.add([logs.append(1)]);
    assert(sizes.slice(1).every((size) => size <= 512));
    while (sizes.reduce((sum, size) => sum + size, 0) < 1301) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(sizes.length < 100, `${sizes.length} batches`);
  });
});

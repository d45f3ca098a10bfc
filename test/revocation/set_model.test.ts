import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Revocation, RevocationReason } from '../../src/revocation/revocation.ts';
import { RevocationSet } from '../../src/revocation/set.ts';
import { TenantNumbers } from '../../src/revocation/tenant_numbers.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');

interface Ending {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly minVersion: number;
  readonly discardTimeMs: number;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}

type Step = { readonly apply: Ending } | { readonly discardMs: number };

/** What a RevocationSet is to be for sessions, as plainly as it can be said. */
class Model {
  readonly endings = new Map<string, Ending>();

  apply(ending: Ending): void {
    const known = this.endings.get(ending.sessionId) ?? ending;
    const rank = ({ minVersion }: Ending) => (minVersion === 0 ? Number.POSITIVE_INFINITY : minVersion);
    const winner = rank(ending) > rank(known) ? ending : known;
    const discardTimeMs = Math.max(known.discardTimeMs, ending.discardTimeMs);
    this.endings.set(ending.sessionId, { ...winner, discardTimeMs });
  }

  discard(nowMs: number): void {
    for (const [id, { discardTimeMs }] of this.endings) if (discardTimeMs < nowMs) this.endings.delete(id);
  }

  check(sessionId: string, version: number): ReturnType<RevocationSet['check']> {
    const ending = this.endings.get(sessionId);
    if (ending === undefined) return 'good';
    if (ending.minVersion === 0) return 'revoked';
    return version < ending.minVersion ? 'superseded' : 'good';
  }
}

/** Both, told the same. */
class Pair {
  readonly model = new Model();
  readonly set = new RevocationSet();

  async take(step: Step): Promise<void> {
    if ('discardMs' in step) {
      this.model.discard(step.discardMs);
      await this.set.discard(step.discardMs);
      return;
    }
    this.model.apply(step.apply);
    this.set.apply(revocationOf(step.apply));
  }

  agree(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) {
      for (const version of [1, 2, 65_535, 65_536, Number.MAX_SAFE_INTEGER]) {
        assert.equal(checked(this.set, sessionId, version), this.model.check(sessionId, version), sessionId);
      }
    }
    assert.equal(this.set.size, this.model.endings.size);
    const held = [...this.set.revocations()].map(endingOf);
    assert.equal(held.length, this.model.endings.size);
    assert.deepEqual(new Map(held.map((ending) => [ending.sessionId, ending])), this.model.endings);
  }
}

function revocationOf({ sessionId, tenantId, minVersion, ...rest }: Ending): Revocation {
  return { scope: { kind: 'session', sessionId, tenantId, minVersion }, ...rest };
}

function endingOf({ scope, discardTimeMs, reason, revokeTimeMs }: Revocation): Ending {
  assert(scope.kind === 'session' && discardTimeMs !== null);
  const { sessionId, tenantId, minVersion } = scope;
  return { sessionId, tenantId, minVersion, discardTimeMs, reason, revokeTimeMs };
}

function checked(set: RevocationSet, sessionId: string, version: number): ReturnType<RevocationSet['check']> {
  const token = { kid: 'k1', tenantId: 't1', subject: 'u1', clientId: 'c1', generations: [1, 1, 1, 1] } as const;
  return set.check({ ...token, sessionId, version });
}

const UUID = '019ca000-0000-7000-8000-00000000000a';

/** Near to one another, and what is near to a UUID and is none. */
const SESSION_IDS = [
  ...Array.from({ length: 24 }, (_, index) => `019ca000-0000-7000-8000-${String(index).padStart(12, '0')}`),
  ...Array.from({ length: 8 }, (_, index) => `${index}19ca000-0000-7000-8000-000000000000`),
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  UUID,
  UUID.toUpperCase(),
  UUID.slice(0, -1),
  `${UUID}0`,
  `{${UUID}}`,
  UUID.replaceAll('-', '0'),
  UUID.replace('a', 'g'),
  UUID.replace('a', '\u0161'),
  UUID.replace('9', '\uff19'),
  '',
  's1',
];

const TIMES_MS = [0, 1, NOW_MS, NOW_MS + 1, NOW_MS + 2 ** 32 - 2, NOW_MS + 2 ** 32 - 1, NOW_MS + 2 ** 32];
const ODD_TIMES_MS = [-1, 0.5, NOW_MS + 0.5, 2 ** 44 - 1, 2 ** 44, Number.MAX_SAFE_INTEGER];

const timeMs = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TIMES_MS) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_TIMES_MS) },
);

const ending: fc.Arbitrary<Ending> = fc.record({
  sessionId: fc.constantFrom(...SESSION_IDS),
  tenantId: fc.constantFrom('', 't1', 't2', 't3'),
  minVersion: fc.constantFrom(0, 1, 2, 65_535, 65_536, Number.MAX_SAFE_INTEGER),
  discardTimeMs: fc.oneof(timeMs, fc.constant(Number.POSITIVE_INFINITY)),
  reason: fc.constantFrom<RevocationReason>('unspecified', 'logout', 'rotated', 'device_replaced'),
  revokeTimeMs: timeMs,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ apply: ending }) },
  { weight: 1, arbitrary: fc.record({ discardMs: timeMs }) },
);

const steps = fc.array(step, { maxLength: 120, size: 'max' });

describe('RevocationSet beside a plain Map', () => {
  it('says the same after whatever was applied and discarded', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const pair = new Pair();
        for (const each of list) await pair.take(each);
        pair.agree(SESSION_IDS);
      }),
      { numRuns: 300 },
    );
  });

  it('is read as it is, and whole, while others apply and discard', async () => {
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, meanwhile) => {
        const pair = new Pair();
        for (const each of before) await pair.take(each);
        const lasting = new Set(pair.model.endings.keys());
        const waiting = [...meanwhile];
        for (const revocation of pair.set.revocations()) {
          const told = endingOf(revocation);
          assert.deepEqual(told, pair.model.endings.get(told.sessionId));
          lasting.delete(told.sessionId);
          for (const each of waiting.splice(0, 2)) {
            await pair.take(each);
            for (const sessionId of lasting) if (!pair.model.endings.has(sessionId)) lasting.delete(sessionId);
          }
        }
        assert.deepEqual([...lasting], []);
      }),
      { numRuns: 300 },
    );
  });

  it('says the same of many, as they come and go', async () => {
    const pair = new Pair();
    const gone: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const [startMs, count] = [NOW_MS + round * 1000, round % 2 === 0 ? 8_000 : 500];
      for (let index = 0; index < count; index += 1) {
        const sessionId = index % 10 === 0 ? (gone.pop() ?? randomUUID()) : randomUUID();
        const tenantId = `t${round}-${index % 300}`;
        const discardTimeMs = startMs + (index % 3) * 1000;
        const [minVersion, reason, revokeTimeMs] = [index % 4, 'logout', startMs - 5000 + index] as const;
        await pair.take({ apply: { sessionId, tenantId, minVersion, discardTimeMs, reason, revokeTimeMs } });
      }
      gone.push(...pair.model.endings.keys());
      await pair.take({ discardMs: startMs + 1 });
    }
    pair.agree(gone);
    await pair.take({ discardMs: Number.POSITIVE_INFINITY });
    pair.agree(gone);
  }).timeout(120_000);
});

describe('the memory of a RevocationSet', () => {
  it('is at most 64 bytes a session, and is given back, with the names of tenants', () => {
    const script = fileURLToPath(new URL('./set_memory.js', import.meta.url));
    const output = execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' });
    const { perEntry, afterTenants, afterEntries } = JSON.parse(output) as Record<string, number>;
    assert((perEntry ?? Number.NaN) <= 64, output);
    assert((afterTenants ?? Number.NaN) < 2_000_000, output);
    assert((afterEntries ?? Number.NaN) < 2_000_000, output);
  }).timeout(120_000);
});

describe('TenantNumbers', () => {
  it('uses numbers again, though never two at once', () => {
    const tenants = new TenantNumbers();
    for (let index = 0; index < 1000; index += 1) {
      const [first, second, again] = [tenants.take(`t${index}`), tenants.take(`u${index}`), tenants.take(`t${index}`)];
      assert.equal(again, first);
      assert(Math.max(first, second) < 2 && first !== second);
      tenants.release(first);
      assert.deepEqual([tenants.tenantId(first), tenants.tenantId(second)], [`t${index}`, `u${index}`]);
      tenants.release(second);
      tenants.release(first);
    }
  });
});

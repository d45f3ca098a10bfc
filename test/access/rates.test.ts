import assert from 'node:assert/strict';
import type { KnownCaller } from '../../src/access/callers.ts';
import { CallerRates } from '../../src/access/rates.ts';
import { SessionError } from '../../src/error.ts';
import { until } from '../servers/process.ts';

const caller = (changes: Partial<KnownCaller> = {}): KnownCaller => ({
  name: 'login',
  tenantIds: null,
  scopes: new Set(),
  callsPerSecond: null,
  concurrentCalls: null,
  ...changes,
});

/** The refusal of what was tried; null where there was none. */
function refusal(attempt: () => unknown): SessionError | null {
  try {
    attempt();
    return null;
  } catch (error) {
    assert(error instanceof SessionError && error.code === 'RATE_LIMITED', String(error));
    return error;
  }
}

describe('the rate of a caller', () => {
  /** One that is refilled so slowly that no test lives to see it: a call in a quarter of an hour or so. */
  const SLOW = 0.001;
  const rates = (callsPerSecond: number) => new CallerRates({ callsPerSecond, concurrentCalls: 0 });

  it('lets the largest batch, or as much, come at once, and then no more', () => {
    const slow = rates(SLOW);
    for (let call = 0; call < 256; call += 1)
      assert.equal(
        refusal(() => slow.charge(caller(), 1)),
        null,
      );
    assert.notEqual(
      refusal(() => slow.charge(caller(), 1)),
      null,
    );
    const batches = rates(SLOW);
    assert.equal(
      refusal(() => batches.charge(caller(), 256)),
      null,
    );
    assert.notEqual(
      refusal(() => batches.charge(caller(), 1)),
      null,
    );
  });

  it('lets a second’s calls come at once, where these are more', () => {
    const fast = rates(100_000);
    assert.equal(
      refusal(() => fast.charge(caller(), 100_000)),
      null,
    );
    const error = refusal(() => {
      // The bucket is filled while this goes on: by a hundred each millisecond.
      for (;;) fast.charge(caller(), 1000);
    });
    assert.match(error?.message ?? '', /100000 calls a second/);
  });

  it('takes nothing for what it refuses', () => {
    const slow = rates(SLOW);
    slow.charge(caller(), 200);
    for (let attempt = 0; attempt < 10; attempt += 1)
      assert.notEqual(
        refusal(() => slow.charge(caller(), 57)),
        null,
      );
    assert.equal(
      refusal(() => slow.charge(caller(), 56)),
      null,
    );
  });

  it('says when to try again, and lets it come then', async () => {
    const quick = rates(100);
    quick.charge(caller(), 256);
    const error = refusal(() => quick.charge(caller(), 20));
    const waitMs = error?.retryAfterMs ?? Number.NaN;
    // 20 calls of 100 a second; the less, the longer the test took to get here.
    assert(waitMs > 0 && waitMs <= 200, String(waitMs));
    await new Promise((resolve) => setTimeout(resolve, waitMs + 1));
    assert.equal(
      refusal(() => quick.charge(caller(), 20)),
      null,
    );
  });

  it('is filled again', async () => {
    const quick = rates(1000);
    quick.charge(caller(), 1000);
    await until('it is full', async () => refusal(() => quick.charge(caller(), 1000)) === null);
  });

  it('is each caller’s own, and that of its own entry where that has one', () => {
    const slow = rates(SLOW);
    slow.charge(caller(), 256);
    assert.notEqual(
      refusal(() => slow.charge(caller(), 1)),
      null,
    );
    assert.equal(
      refusal(() => slow.charge(caller({ name: 'web' }), 1)),
      null,
    );
    const unlimited = caller({ name: 'free', callsPerSecond: 0 });
    assert.equal(
      refusal(() => slow.charge(unlimited, 1_000_000)),
      null,
    );
    const none = rates(0);
    assert.equal(
      refusal(() => none.charge(caller(), 1_000_000)),
      null,
    );
    none.charge(caller({ name: 'own', callsPerSecond: 1 }), 256);
    assert.match(
      refusal(() => none.charge(caller({ name: 'own', callsPerSecond: 1 }), 256))?.message ?? '',
      / 1 calls/,
    );
  });

  it('begins anew where the operator changes it, and else not', () => {
    const slow = rates(0);
    const before = caller({ callsPerSecond: SLOW });
    slow.charge(before, 256);
    assert.notEqual(
      refusal(() => slow.charge({ ...before }, 1)),
      null,
      'another entry of the same rate',
    );
    assert.equal(
      refusal(() => slow.charge(caller({ callsPerSecond: SLOW * 2 }), 256)),
      null,
    );
    assert.equal(
      refusal(() => slow.charge(caller({ callsPerSecond: 0 }), 100_000)),
      null,
    );
  });
});

describe('the calls that a caller has in progress', () => {
  it('are as many as it may have, and room is made by each that ends', () => {
    const rates = new CallerRates({ callsPerSecond: 0, concurrentCalls: 3 });
    const leave = [1, 2, 3].map(() => rates.enter(caller()));
    const error = refusal(() => rates.enter(caller()));
    assert.match(error?.message ?? '', /3 calls in progress/);
    assert((error?.retryAfterMs ?? 0) > 0);
    assert.equal(
      refusal(() => rates.enter(caller({ name: 'web' }))),
      null,
    );
    leave[0]?.();
    assert.equal(
      refusal(() => rates.enter(caller())),
      null,
    );
    assert.notEqual(
      refusal(() => rates.enter(caller())),
      null,
    );
  });

  it('are still counted when the limits change', () => {
    const rates = new CallerRates({ callsPerSecond: 0, concurrentCalls: 0 });
    const leave = [1, 2, 3].map(() => rates.enter(caller()));
    const changed = caller({ callsPerSecond: 5, concurrentCalls: 3 });
    assert.notEqual(
      refusal(() => rates.enter(changed)),
      null,
    );
    leave[0]?.();
    assert.equal(
      refusal(() => rates.enter(changed)),
      null,
    );
    assert.notEqual(
      refusal(() => rates.enter(caller({ concurrentCalls: 2 }))),
      null,
    );
    assert.equal(
      refusal(() => rates.enter(caller({ concurrentCalls: 0 }))),
      null,
    );
  });
});

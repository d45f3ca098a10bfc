import assert from 'node:assert/strict';
import { StreamDelay, ViewAge } from '../../src/client/view_age.ts';

const MINUTE_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

describe('ViewAge', () => {
  const { now } = Date;
  afterEach(() => {
    Date.now = now;
  });

  it('counts the time that the machine was suspended, for the view and for what was on its way', () => {
    const [age, delay] = [new ViewAge([]), new StreamDelay()];
    assert.equal(age.ms, NEVER);
    age.prove(delay.of(now()));
    assert(age.ms < MINUTE_MS);
    // The wall clock alone goes on meanwhile.
    Date.now = () => now() + 10 * MINUTE_MS;
    assert(age.ms >= 10 * MINUTE_MS);
    const delayMs = delay.of(now());
    assert(delayMs > 9 * MINUTE_MS, `${delayMs}`);
    age.prove(delayMs);
    assert(age.ms > 9 * MINUTE_MS);
    age.prove(delay.of(Date.now()));
    assert(age.ms < MINUTE_MS);
  });

  describe('tenant by tenant', () => {
    let elapsedMs: number;
    let age: ViewAge;
    const ages = () => ['a', 'b', 'c'].map((tenantId) => age.of(tenantId));

    beforeEach(() => {
      elapsedMs = 0;
      age = new ViewAge([], (ageMs) => {
        const sinceMs = elapsedMs;
        return () => ageMs + elapsedMs - sinceMs;
      });
    });

    it('knows nothing of those that a stream tells of first, and of the others what it knew', () => {
      age.open(['a', 'b']);
      age.prove(10);
      assert.deepEqual([age.ms, ...ages()], [10, 10, 10, NEVER]);
      elapsedMs = 5;
      age.open(['b', 'c']);
      assert.deepEqual([age.ms, ...ages()], [NEVER, NEVER, 15, NEVER]);
      assert.deepEqual(
        ['a', 'b', 'c'].map((tenantId) => age.covers(tenantId)),
        [false, true, true],
      );
      // Of a server that lags behind.
      age.prove(70);
      assert.deepEqual([age.ms, ...ages()], [70, NEVER, 15, 70]);
      elapsedMs = 8;
      age.prove(40);
      assert.deepEqual([age.ms, ...ages()], [40, NEVER, 18, 40]);
      age.prove(50);
      assert.deepEqual([age.ms, ...ages()], [40, NEVER, 18, 40]);
      age.prove(0);
      assert.deepEqual([age.ms, ...ages()], [0, NEVER, 0, 0]);
    });

    it('goes on knowing where a stream tells of no more than the one before', () => {
      age.open([]);
      age.prove(10);
      age.open(['c', 'a']);
      assert.deepEqual([age.ms, ...ages()], [10, 10, NEVER, 10]);
      age.open(['a', 'c']);
      age.open(['a']);
      assert.deepEqual([age.ms, ...ages()], [10, 10, NEVER, NEVER]);
    });

    it('takes what was left out meanwhile for new', () => {
      age.open([]);
      age.prove(10);
      age.open(['a']);
      age.open([]);
      assert.deepEqual([age.ms, ...ages()], [NEVER, 10, NEVER, NEVER]);
      age.prove(20);
      assert.deepEqual([age.ms, ...ages()], [20, 10, 20, 20]);
    });

    it('tells the tenant without a name from all', () => {
      age.open(['']);
      age.prove(10);
      assert.deepEqual([age.ms, age.of(''), ...ages()], [10, 10, NEVER, NEVER, NEVER]);
    });
  });
});

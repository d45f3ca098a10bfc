import assert from 'node:assert/strict';
import { ViewAge } from '../../src/client/view_age.ts';

const MINUTE_MS = 60_000;

describe('ViewAge', () => {
  const { now } = Date;
  afterEach(() => {
    Date.now = now;
  });

  it('counts the time that the machine was suspended, for the view and for what was on its way', () => {
    const age = new ViewAge();
    assert.equal(age.ms, Number.POSITIVE_INFINITY);
    age.prove({ stalenessMs: 0, asOfMs: now() });
    assert(age.ms < MINUTE_MS);
    // The wall clock alone goes on meanwhile.
    Date.now = () => now() + 10 * MINUTE_MS;
    assert(age.ms >= 10 * MINUTE_MS);
    const delayMs = age.prove({ stalenessMs: 0, asOfMs: now() });
    assert(delayMs > 9 * MINUTE_MS, `${delayMs}`);
    assert(age.ms > 9 * MINUTE_MS);
    age.prove({ stalenessMs: 0, asOfMs: Date.now() });
    assert(age.ms < MINUTE_MS);
  });
});

import assert from 'node:assert/strict';
import { type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import { MINUTE, times } from './commands.ts';

export function describeLease(harness: ConformanceHarness): void {
  describeCases('a lease', harness, LEASE);
  describeCases('a lease, between instances', harness, SHARED, 'shared');
}

const LEASE: Cases = {
  'is had by the first who asks, and kept by asking again': async ({ open, clock }) => {
    const store = await open();
    for (let round = 0; round < 3; round += 1) {
      assert.equal(await store.holdLease('sweep', 2 * MINUTE), true);
      clock.ms += MINUTE;
    }
  },

  'is one of several, each by its name': async ({ openAll }) => {
    const stores = await openAll();
    const held = await Promise.all(
      times(6, (index) => inTurn(stores, index).holdLease(`work ${Math.floor(index / 2)}`, MINUTE)),
    );
    for (const work of [0, 1, 2]) assert(held[2 * work] === true || held[2 * work + 1] === true);
  },
};

const SHARED: Cases = {
  'is had by one at a time, and lost by one that no longer asks': async ({ openAll, clock }) => {
    const [first, second] = await openAll();
    assert(second !== undefined);
    assert.equal(await first.holdLease('sweep', 2 * MINUTE), true);
    clock.ms += MINUTE;
    assert.equal(await second.holdLease('sweep', 2 * MINUTE), false);
    assert.equal(await first.holdLease('sweep', 2 * MINUTE), true);
    clock.ms += 2 * MINUTE - 1000;
    assert.equal(await second.holdLease('sweep', 2 * MINUTE), false);
    clock.ms += 2000;
    assert.equal(await second.holdLease('sweep', 2 * MINUTE), true);
    assert.equal(await first.holdLease('sweep', 2 * MINUTE), false);
  },

  'is had by one of those who race for it': async ({ openAll }) => {
    const stores = await openAll();
    for (let round = 0; round < 10; round += 1) {
      const held = await Promise.all(stores.map((store) => store.holdLease(`work ${round}`, MINUTE)));
      assert.equal(held.filter(Boolean).length, 1);
    }
  },
};

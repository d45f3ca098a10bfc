import assert from 'node:assert/strict';
import { Dice } from '../process/dice.ts';
import { VerifierWalk } from './verifier_walk.ts';

const WALKS = 100_000;

describe('a verifier, walked at random', function () {
  this.timeout(600_000);

  it('accepts nothing whose end was brought, and refuses no live one for good', async () => {
    const firstSeed = Math.floor(Math.random() * 2 ** 31);
    let judged = 0;
    for (let index = 0; index < WALKS; index += 1) {
      const seed = firstSeed + index;
      const walk = new VerifierWalk(new Dice(seed));
      judged += await walk.take(24);
      assert.deepEqual(walk.faults, [], `seed ${seed}`);
    }
    assert(judged > WALKS);
  });
});

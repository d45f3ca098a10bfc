import { describeStoreConformance } from '../../src/store/conformance.ts';
import { describeOn, serverUrl } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';
import { redisHarness } from './redis/harness.ts';

describeOn('redis', () => {
  // One partition is what a small store may have; a rotation is one step there.
  for (const partitions of [16, 1]) {
    const harness = redisHarness(() => serverUrl('redis'), partitions);
    describeStoreConformance(`Redis, ${partitions} partitions`, harness);
    describeLiveness(`Redis, ${partitions} partitions`, harness, 30);
  }
});

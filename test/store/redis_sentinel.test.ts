import { describeStoreConformance } from '../../src/store/conformance.ts';
import { describeOn, serverUrl } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';
import { redisHarness } from './redis/harness.ts';

describeOn('redis-sentinel', () => {
  const harness = redisHarness(() => serverUrl('redis-sentinel'), 16);
  describeStoreConformance('Redis with Sentinel', harness);
  describeLiveness('Redis with Sentinel', harness, 10);
});

import { describeStoreConformance } from '../../src/store/conformance.ts';
import { describeOn, serverUrl } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';
import { redisHarness } from './redis/harness.ts';

describeOn('redis-cluster', () => {
  const harness = redisHarness(() => serverUrl('redis-cluster'), 16);
  describeStoreConformance('Redis Cluster', harness);
  describeLiveness('Redis Cluster', harness, 10);
});

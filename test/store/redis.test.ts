import { randomBytes } from 'node:crypto';
import { describeStoreConformance } from '../../src/store/conformance.ts';
import { describeLiveness } from './liveness.ts';
import { redisHarness, SERVERS } from './redis/harness.ts';

for (const [name, url] of SERVERS) {
  for (const partitions of [1, 16]) {
    const harness = redisHarness(url, { partitions, keyPrefix: () => `t${randomBytes(6).toString('hex')}:` });
    describeStoreConformance(`${name}, ${partitions} partitions`, harness);
    describeLiveness(`${name}, ${partitions} partitions`, harness, 30);
  }
}

import type { ConformanceHarness } from './conformance/bench.ts';
import { describeCreate } from './conformance/create.ts';
import { describeDiscard } from './conformance/discard.ts';
import { describeEpochs } from './conformance/epochs.ts';
import { describeExceptions } from './conformance/exceptions.ts';
import { describeKeys } from './conformance/keys.ts';
import { describeLease } from './conformance/lease.ts';
import { describeLimits } from './conformance/limits.ts';
import { describeList } from './conformance/list.ts';
import { describeLog } from './conformance/log.ts';
import { describeRaces } from './conformance/races.ts';
import { describeRead } from './conformance/read.ts';
import { describeReading } from './conformance/reading.ts';
import { describeRefresh } from './conformance/refresh.ts';
import { describeReplay } from './conformance/replay.ts';
import { describeRequests } from './conformance/requests.ts';
import { describeRevoke } from './conformance/revoke.ts';
import { describeRotate } from './conformance/rotate.ts';
import { describeRotateRepeat } from './conformance/rotate_repeat.ts';
import { describeSelectors } from './conformance/selectors.ts';
import { describeSweep } from './conformance/sweep.ts';
import { describeTenants } from './conformance/tenants.ts';
import { describeUpdate } from './conformance/update.ts';

export { type ConformanceHarness, DEFAULT_RULES, type StoreData, type StoreInstance } from './conformance/bench.ts';

/**
 * Declares mocha suites that say what the methods of SessionStore, KeyStore, RevocationLog and Lease mean; every store
 * passes them. They reach the store through these contracts and the offset of its clock alone. To be called
 * under mocha, whose `describe` and `it` it takes from the global scope.
 *
 * @example
 * describeStoreConformance('my store', {
 *   persistent: true,
 *   shared: true,
 *   fresh: async () => {
 *     const database = await makeDatabase();
 *     return { open: (rules, clock) => openMyStore(database, rules, clock), remove: () => database.drop() };
 *   },
 * });
 */
export function describeStoreConformance(name: string, harness: ConformanceHarness): void {
  describe(`${name} conforms:`, () => {
    describeCreate(harness);
    describeRequests(harness);
    describeLimits(harness);
    describeRefresh(harness);
    describeReplay(harness);
    describeRead(harness);
    describeTenants(harness);
    describeList(harness);
    describeUpdate(harness);
    describeRotate(harness);
    describeRotateRepeat(harness);
    describeRevoke(harness);
    describeEpochs(harness);
    describeExceptions(harness);
    describeSelectors(harness);
    describeLog(harness);
    describeReading(harness);
    describeDiscard(harness);
    describeKeys(harness);
    describeSweep(harness);
    describeLease(harness);
    describeRaces(harness);
  });
}

import { describeStoreConformance, type ConformanceHarness } from '../../src/store/conformance.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';
import { describeOn } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';

const MEMORY: ConformanceHarness = {
  // It lives in the process, and is lost with the instance that holds it.
  persistent: false,
  // For the same reason no other instance can open it.
  shared: false,
  fresh: async () => ({
    open: async (rules, clock) => openMemoryStore(rules, clock),
    remove: async () => {},
  }),
};

describeOn('memory', () => {
  describeStoreConformance('memory', MEMORY);
  describeLiveness('memory', MEMORY, 500);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStoreConformance, type ConformanceHarness } from '../../src/store/conformance.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { describeOn } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';

const SQLITE: ConformanceHarness = {
  persistent: true,
  shared: true,
  fresh: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'session-authority-'));
    return {
      open: (rules, clock) => openSqliteStore(join(folder, 'sessions.db'), rules, clock),
      remove: () => rm(folder, { recursive: true }),
    };
  },
};

describeOn('sqlite', () => {
  describeStoreConformance('SQLite', SQLITE);
  describeLiveness('SQLite', SQLITE, 50);
});

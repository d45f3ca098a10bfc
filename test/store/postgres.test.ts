import { describeStoreConformance, type ConformanceHarness } from '../../src/store/conformance.ts';
import type { TestDatabase } from '../servers/database.ts';
import { describeOn } from '../servers/stores.ts';
import { describeLiveness } from './liveness.ts';
import { migratedDatabase, openStore } from './postgres/database.ts';

describeOn('postgres', () => {
  let database: TestDatabase;

  before(async () => {
    database = await migratedDatabase();
  });

  after(() => database.drop());

  for (const preparedStatements of [true, false]) {
    const harness: ConformanceHarness = {
      persistent: true,
      shared: true,
      fresh: async () => {
        await database.empty();
        return {
          open: (rules, clock) => openStore(database.url, { rules, clock, preparedStatements }),
          remove: async () => {},
        };
      },
    };
    const name = preparedStatements ? 'Postgres' : 'Postgres without prepared statements';
    describeStoreConformance(name, harness);
    describeLiveness(name, harness, 15);
  }
});

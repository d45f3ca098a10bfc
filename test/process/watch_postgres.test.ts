import { generateMasterKey } from '../../src/token/master_key.ts';
import type { TestDatabase } from '../servers/database.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { describeOn } from '../servers/stores.ts';
import { synchronousPair } from '../store/postgres/database.ts';
import { endure } from './endure.ts';
import { Fleet } from './fleet.ts';

const MASTER_KEY = generateMasterKey().toString('base64');

describeOn('postgres', () => {
  describe('subscribers of a Postgres with a synchronous standby', function () {
    this.timeout(180_000);
    let primary: PostgresServer;
    let standby: PostgresServer;
    let database: TestDatabase;
    let fleet: Fleet;

    before(async () => {
      const pair = await synchronousPair();
      ({ primary, standby, database } = pair);
      fleet = await Fleet.start({ STORE_URL: pair.url, MASTER_KEY }, 2);
    });

    after(async () => {
      await fleet.end();
      await database.close();
      await standby.remove();
      await primary.remove();
    });

    it('miss nothing where it crashes and recovers', async () => {
      await endure(fleet, () => primary.restart('immediate'));
    });

    it('miss nothing where it is killed and the standby promoted', async () => {
      await endure(fleet, async () => {
        await primary.kill();
        await standby.promote();
        await standby.awaitStandbys('');
      });
    });
  });
});

import { generateMasterKey } from '../../src/token/master_key.ts';
import type { TestDatabase } from '../servers/database.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { until } from '../servers/process.ts';
import { describeOn } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';
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
      primary = await PostgresServer.create();
      database = await migratedDatabase(primary.url);
      standby = await primary.standby();
      await primary.awaitStandbys(standby.name);
      await until('commits wait for the standby', () => primary.isSynchronous(standby.name));
      const { username, password } = new URL(database.url);
      const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
      const url = `postgres://${username}:${password}@${hosts}/${database.name}`;
      fleet = await Fleet.start({ STORE_URL: url, MASTER_KEY }, 2);
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

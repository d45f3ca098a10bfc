import assert from 'node:assert/strict';
import { begin, stateOf } from '../../../src/store/conformance/commands.ts';
import { PostgresServer } from '../../servers/postgres.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { migratedDatabase, openStore } from './database.ts';

describeOn('postgres', () => {
  describe('TLS', function () {
    this.timeout(120_000);
    let server: PostgresServer;
    let database: TestDatabase;
    let authority: string;

    before(async () => {
      server = await PostgresServer.create();
      authority = await server.offerTls();
      database = await migratedDatabase(server.url);
    });

    after(async () => {
      await database.close();
      await server.remove();
    });

    const url = (host: string, parameters: Readonly<Record<string, string>>) => {
      const location = new URL(database.url);
      location.hostname = host;
      for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value);
      return location.href;
    };

    it('is used, and verified, in every mode that encrypts', async () => {
      for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
        const parameters = { sslmode, sslrootcert: authority, application_name: sslmode };
        const store = await openStore(url('localhost', parameters));
        assert.equal(await stateOf(store, await begin(store)), 'active');
        const rows = await server.query(
          `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1`,
          [sslmode],
        );
        assert.deepEqual(rows, [{ ssl: true }]);
        await store.close();
      }
    });

    it('refuses a server of an unknown authority, or of another name', async () => {
      for (const sslmode of ['require', 'verify-full']) {
        await assert.rejects(
          openStore(url('localhost', { sslmode })),
          /not signed by a known authority; name that one with sslrootcert$/,
        );
        await assert.rejects(
          openStore(url('127.0.0.1', { sslmode, sslrootcert: authority })),
          /its certificate is for another host name$/,
        );
      }
    });
  });
});

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { RpcError } from '../grpc/client.ts';
import { assertVerdict, open, verdict } from '../grpc/expect.ts';
import { type Env, startService, TestProcess } from '../harness.ts';
import { freshDatabase, type TestDatabase } from '../servers/database.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { until, unusedPort } from '../servers/process.ts';
import { describeOn } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';

const SETTINGS: Env = {
  GRPC_ADDRESS: '127.0.0.1:0',
  HTTP_ADDRESS: '127.0.0.1:0',
  MASTER_KEY: generateMasterKey().toString('base64'),
};

describeOn('postgres', () => {
  describe('a start on Postgres', () => {
    let database: TestDatabase;

    beforeEach(async () => {
      database = await freshDatabase();
    });

    afterEach(() => database.drop());

    /** Ends with 1 and one line, which holds no password. */
    async function assertRefusesToStart(url: string, line: RegExp, env: Env = {}): Promise<void> {
      const process = new TestProcess(['serve'], { ...SETTINGS, ...env, STORE_URL: url });
      const { code } = await process.exit;
      assert.match(process.stderr.trimEnd(), line);
      assert.deepEqual([code, process.stderr.trimEnd().split('\n').length], [1, 1], process.stderr);
      assert(!process.stderr.includes(new URL(url.replace(/,[^/]*/, '')).password));
    }

    const changed = (change: (url: URL) => void) => {
      const url = new URL(database.url);
      change(url);
      return url.href;
    };

    it('says which password, host, port or database is wrong', async () => {
      const cases: readonly (readonly [string, RegExp])[] = [
        [changed((url) => (url.password = 'mistaken-9')), /^STORE_URL: can not use .*: the password is wrong$/],
        [
          changed((url) => (url.hostname = 'nowhere.invalid')),
          /nowhere\.invalid:\d+ as \w+: (no host has that name|.*resolved now)/,
        ],
        [
          changed((url) => (url.pathname = 'nothing')),
          /^STORE_URL: can not use the database nothing .*: there is no such database/,
        ],
        [changed((url) => url.searchParams.set('sslmode', 'verify-full')), /the server offers no TLS/],
        [
          changed((url) => {
            url.searchParams.set('sslmode', 'verify-full');
            url.searchParams.set('sslrootcert', '/nonexistent/ca.pem');
          }),
          /^STORE_URL: the file that sslrootcert names can not be read: \/nonexistent\/ca\.pem$/,
        ],
      ];
      for (const [url, line] of cases) await assertRefusesToStart(url, line);
      const port = String(await unusedPort());
      await assertRefusesToStart(
        changed((url) => (url.port = port)),
        /: nothing listens there; is the server running\?$/,
      );
    });

    it('says that the schema is missing, behind, ahead, or another program’s', async () => {
      await assertRefusesToStart(
        database.url,
        /^the database .* has no schema: run `make migrate` .*MIGRATE_ON_START=true$/,
      );
      await database.query('CREATE TABLE nest_auth_sessions (id serial PRIMARY KEY, "refreshTokenHash" text)');
      for (const MIGRATE_ON_START of ['false', 'true']) {
        await assertRefusesToStart(
          database.url,
          /^the table nest_auth_sessions in the database .* was not made by this program: /,
          {
            MIGRATE_ON_START,
          },
        );
      }
      await database.query('DROP TABLE nest_auth_sessions');
      const migrate = async (command: string) => {
        const process = new TestProcess(['migrate', command], { STORE_URL: database.url });
        assert.deepEqual(await process.exit, { code: 0, signal: null }, process.stdout + process.stderr);
      };
      await migrate('up');
      await migrate('down');
      await assertRefusesToStart(database.url, /^the database .* lacks \d{14}_\w+: run `make migrate`/);
      await migrate('up');
      await database.query(`INSERT INTO nest_auth_migrations (name, batch) VALUES ('29990101000000_later', 9)`);
      await assertRefusesToStart(
        database.url,
        /is ahead of this program, which does not know 29990101000000_later: run the version/,
      );
    });

    it('says that the user has not the rights that are needed', async () => {
      const { password } = new URL(database.url);
      const role = `guest_${database.name.slice(-12)}`;
      await database.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
      const url = changed((location) => (location.username = role));
      await assertRefusesToStart(url, /: the user has not the rights that are needed$/, { MIGRATE_ON_START: 'true' });
      await database.query(`DROP ROLE ${role}`);
    });

    it('says that its transactions would not see what others have done', async () => {
      await database.query(`ALTER DATABASE ${database.name} SET default_transaction_isolation = 'repeatable read'`);
      await assertRefusesToStart(
        database.url,
        /are not read committed; reset default_transaction_isolation of the role and/,
      );
    });

    it('lets one of several that start at once migrate, and the others wait for it', async () => {
      const env = { ...SETTINGS, STORE_URL: database.url, MIGRATE_ON_START: 'true' };
      const services = await Promise.all([startService(env), startService(env), startService(env)]);
      const [first, second] = services;
      const { tokens } = await open(first.client, { userId: 'ann' });
      await second.client.call('RevokeSessions', { userId: 'ann' });
      // Where it was not ended itself, LOCAL hears of it a moment later.
      await until('the first has heard of it', async () => (await verdict(first.client, tokens)) === 'REVOKED');
      await assertVerdict(first.client, tokens.accessToken, 'REVOKED');
      for (const service of services) assert.deepEqual(await service.end(), { code: 0, signal: null });
    });
  });

  describe('a service on a Postgres of its own', function () {
    this.timeout(120_000);
    let server: PostgresServer;
    let database: TestDatabase;

    before(async () => {
      server = await PostgresServer.create();
      database = await migratedDatabase(server.url);
    });

    after(async () => {
      await database.close();
      await server.remove();
    });

    it('refuses to start on a standby', async () => {
      const standby = await server.standby();
      const process = new TestProcess(['serve'], {
        ...SETTINGS,
        STORE_URL: database.url.replace(`:${server.port}/`, `:${standby.port}/`),
      });
      assert.equal((await process.exit).code, 1);
      assert.match(process.stderr, /^STORE_URL: can not use .*: the server takes no writes; name the primary\n$/);
      await standby.remove();
    });

    it('ends when it is told to, though the store hangs', async () => {
      const service = await startService({ ...SETTINGS, STORE_URL: database.url });
      await Promise.all(Array.from({ length: 8 }, () => fetch(`http://127.0.0.1:${service.httpPort}/readyz`)));
      server.freeze();
      assert.deepEqual(await service.end(), { code: 0, signal: null });
      server.thaw();
    });

    it('lives through restarts, and answers UNAVAILABLE while the store is away', async () => {
      const service = await startService({ ...SETTINGS, STORE_URL: database.url });
      const { tokens } = await open(service.client, { userId: 'ann' });
      const validate = () =>
        service.client.call('ValidateSession', { accessToken: tokens.accessToken, consistency: 'CONSISTENCY_STRONG' });
      await validate();
      const ready = async () => (await fetch(`http://127.0.0.1:${service.httpPort}/readyz`)).status;
      assert.equal(await ready(), 200);
      await server.stop();
      await assert.rejects(validate(), (error) => error instanceof RpcError && error.status === 'UNAVAILABLE');
      assert.equal(await ready(), 503);
      await server.start();
      await until('the service answers again', async () => (await validate()).active);
      assert.equal(await ready(), 200);
      for (let round = 0; round < 3; round += 1) {
        await server.restart('immediate');
        await pause(50);
      }
      await until('the service answers again', async () => (await validate()).active);
      assert.deepEqual(await service.end(), { code: 0, signal: null });
    });
  });
});

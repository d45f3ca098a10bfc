import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { begin, ofKind, raiseCommand, revokeCommand, userScope } from '../../../src/store/conformance/commands.ts';
import { assertChained, follow } from '../../../src/store/conformance/observe.ts';
import { LogHints } from '../../../src/store/postgres/hints.ts';
import { preparePostgres } from '../../../src/store/postgres/migrate.ts';
import { PostgresPool } from '../../../src/store/postgres/pool.ts';
import { PostgresStore } from '../../../src/store/postgres/store.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { unusedPort, until } from '../../servers/process.ts';
import { describeOn } from '../../servers/stores.ts';
import { locationOf, migratedDatabase, openStore, partsOf } from './database.ts';

describeOn('postgres', () => {
  describe('hints', () => {
    let database: TestDatabase;
    let teller: PostgresStore;
    let hearer: PostgresStore;

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    beforeEach(async () => {
      teller = await openStore(database.url);
      // It never looks at the log of itself.
      const { source, ...parts } = await partsOf(`${database.url}?application_name=hearer`);
      const fencedHeads = () => Promise.reject(new Error('it does not look'));
      hearer = new PostgresStore({ ...parts, source: { ...source, headTag: async () => null, fencedHeads } });
    });

    afterEach(async () => {
      await hearer.close();
      await teller.close();
    });

    const listener = `FROM pg_stat_activity WHERE application_name = 'hearer' AND query LIKE 'LISTEN %'`;
    const listenerPid = async () => {
      return (await database.query<{ pid: number }>(`SELECT pid ${listener} AND state = 'idle'`))[0]?.pid;
    };
    const revokeOne = async () => ofKind(await teller.revoke(revokeCommand(await begin(teller))), 'done').head;

    it('tell an instance that does not look of every revocation', async () => {
      const entries = follow(hearer);
      await until('it listens', async () => (await listenerPid()) !== undefined);
      for (let count = 1; count <= 5; count += 1) {
        const head = await revokeOne();
        await until('it has heard', async () => entries.at(-1)?.tag === head?.tag);
      }
      const { head } = ofKind(await teller.raise(raiseCommand(userScope('ann'))), 'done');
      await until('it has heard of the raise', async () => entries.at(-1)?.tag === head.tag);
      assertChained(entries);
    });

    it('are heard again, and what was missed is read, where the connection was cut', async () => {
      const entries = follow(hearer);
      for (let cut = 1; cut <= 3; cut += 1) {
        await until('it listens', async () => (await listenerPid()) !== undefined);
        const pid = await listenerPid();
        await database.query(`SELECT pg_terminate_backend(pid) ${listener}`);
        const missed = await revokeOne();
        await until('it has read it', async () => entries.at(-1)?.tag === missed?.tag);
        await until('it listens anew', async () => ![undefined, pid].includes(await listenerPid()));
        const heard = await revokeOne();
        await until('it has heard', async () => entries.at(-1)?.tag === heard?.tag);
      }
      assertChained(entries);
    });

    it('are told once for all that comes while one is under way', async () => {
      const parts = await partsOf(database.url);
      const heard: (string | undefined)[] = [];
      const client = await listening(database.url, teller, ({ payload }) => heard.push(payload));
      const hints = new LogHints(parts.pool, parts.storeId, 'teller');
      for (let count = 0; count < 1000; count += 1) hints.tell();
      await until('all was told', async () => heard.length >= 2);
      await client.query(`NOTIFY ${channelOf(teller)}, 'end'`);
      await until('the end was told', async () => heard.includes('end'));
      assert.deepEqual(heard, ['teller', 'teller', 'end']);
      await Promise.all([hints.close(), parts.pool.close(), client.end()]);
    });

    it('are told to the instances of the same store alone, whatever its schema', async () => {
      const schema = await database.freshSchema();
      await preparePostgres(locationOf(schema.url), true);
      const other = await openStore(schema.url);
      const heard: string[] = [];
      const client = await listening(database.url, teller, ({ channel }) => heard.push(channel));
      await client.query(`LISTEN ${channelOf(other)}`);
      for (const store of [other, teller]) {
        await store.revoke(revokeCommand(await begin(store)));
        await until('it has told', async () => heard.includes(`nest_auth_${store.storeId}`));
      }
      assert.deepEqual(heard, [`nest_auth_${other.storeId}`, `nest_auth_${teller.storeId}`]);
      await other.close();
      await client.end();
      await schema.drop();
    });

    it('leave no connection behind', async () => {
      const store = await openStore(`${database.url}?application_name=leaving`);
      const connections = `SELECT query FROM pg_stat_activity WHERE application_name = 'leaving'`;
      follow(store);
      await until('it listens', async () => {
        const rows = await database.query<{ query: string }>(connections);
        return rows.some(({ query }) => query.startsWith('LISTEN '));
      });
      await store.close();
      await until('its connections are gone', async () => (await database.query(connections)).length === 0);
    });
  });

  describe('hints from a server', () => {
    it('that is away keep nobody from closing', async () => {
      const { hints, pool } = hintsFrom(await unusedPort());
      hints.listen(() => {});
      hints.tell();
      await Promise.all([hints.close(), pool.close()]);
    });

    it('that takes connections and says nothing keep nobody from closing, nor a connection open', async () => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => sockets.push(socket.on('error', () => {})));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { hints, pool } = hintsFrom((server.address() as AddressInfo).port);
      hints.listen(() => {});
      await until('it has connected', async () => sockets.length === 1);
      await Promise.all([hints.close(), pool.close()]);
      sockets[0]?.resume();
      await until('it has left', async () => sockets[0]?.closed === true);
      assert.equal(sockets.length, 1);
      server.close();
    });
  });
});

function hintsFrom(port: number): { hints: LogHints; pool: PostgresPool } {
  const options = { poolSize: 2, preparedStatements: true };
  const pool = new PostgresPool(locationOf(`postgres://app:secret@127.0.0.1:${port}/sessions`), options);
  return { hints: new LogHints(pool, 'store', 'instance'), pool };
}

/** A connection that hears what is told to the store's instances. */
async function listening(
  url: string,
  store: PostgresStore,
  hear: (message: pg.Notification) => void,
): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  client.on('notification', hear);
  await client.query(`LISTEN ${channelOf(store)}`);
  return client;
}

function channelOf({ storeId }: PostgresStore): string {
  return pg.escapeIdentifier(`nest_auth_${storeId}`);
}

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshDatabase, type TestDatabase } from './database.ts';
import { PostgresServer, queryOnce } from './postgres.ts';
import { until } from './process.ts';
import { describeOn } from './stores.ts';

describeOn('postgres', () => {
  describe('a server of its own', () => {
    let server: PostgresServer;
    before(async () => {
      server = await PostgresServer.create();
      await server.query('create table kept (value int)');
    });
    after(() => server?.remove());

    const values = async () =>
      (await server.query<{ value: number }>('select value from kept')).map(({ value }) => value);

    it('asks for a password', async () => {
      const wrong = new URL(server.url);
      wrong.password = 'wrong';
      await assert.rejects(queryOnce(wrong.href, 'select 1'), { code: '28P01' });
    });

    it('starts again on its port with what was committed, however it ended', async () => {
      const { port } = server;
      const ends = [
        () => server.stop('fast'),
        () => server.stop('immediate'),
        () => server.kill(),
        async () => {
          server.freeze();
          await server.kill();
        },
      ];
      for (const [index, end] of ends.entries()) {
        await server.query('insert into kept values ($1)', [index]);
        await end();
        await assert.rejects(server.query('select 1'), { code: 'ECONNREFUSED' });
        await server.start();
        assert.equal(server.port, port);
      }
      assert.deepEqual(await values(), [0, 1, 2, 3]);
      assert.match(await readFile(server.logFile, 'utf8'), /database system was not properly shut down/);
    });

    it('answers nothing while it is frozen, and later does', async () => {
      server.freeze();
      const answer = server.query('select 1');
      // Nothing tells that an answer will not come: a short time may hide a fault, but reports none that is not there.
      const first = await Promise.race([answer, sleep(300, 'no answer')]);
      assert.equal(first, 'no answer');
      server.thaw();
      await answer;
    });
  });

  describe('a standby', () => {
    it('has what its primary acknowledged, and takes over', async () => {
      const primary = await PostgresServer.create();
      try {
        await primary.query('create table kept (value int)');
        const standby = await primary.standby('standby_1');
        try {
          await primary.awaitStandbys('standby_1');
          await until('the standby is synchronous', () => primary.isSynchronous('standby_1'));
          await primary.query('insert into kept values (1)');
          await assert.rejects(standby.query('insert into kept values (2)'), { code: '25006' });
          await primary.kill();
          await standby.promote();
          await standby.query('insert into kept values (3)');
          assert.deepEqual(await standby.query('select value from kept'), [{ value: 1 }, { value: 3 }]);
        } finally {
          await standby.remove();
        }
      } finally {
        await primary.remove();
      }
    });
  });

  describe('a fresh database', () => {
    const made: TestDatabase[] = [];
    after(() => Promise.all(made.map((database) => database.drop())));
    const fresh = async (template?: string) => {
      const database = await freshDatabase(template === undefined ? {} : { template });
      made.push(database);
      return database;
    };

    it('is a copy of its template, and nobody else has it', async () => {
      const template = await fresh();
      await template.query('create table copied as select 1 as value');
      await template.close();
      const [one, other] = [await fresh(template.name), await fresh(template.name)];
      await one.query('delete from copied');
      assert.deepEqual(await other.query('select value from copied'), [{ value: 1 }]);
    });

    it('is dropped from under those who are connected', async () => {
      const database = await fresh();
      await database.query('select 1');
      await database.drop();
      await assert.rejects(queryOnce(database.url, 'select 1'), { code: '3D000' });
    });

    it('has schemas that do not see each other', async () => {
      const database = await fresh();
      const [one, other] = [await database.freshSchema(), await database.freshSchema()];
      await queryOnce(one.url, 'create table mine (value int)');
      await assert.rejects(queryOnce(other.url, 'select * from mine'), { code: '42P01' });
      await one.drop();
      await assert.rejects(queryOnce(one.url, 'select * from mine'), { code: '42P01' });
    });

    it('is emptied to a new store', async () => {
      const database = await fresh();
      await database.query('create table nest_auth_meta (name text, value text)');
      await database.query(`insert into nest_auth_meta values ('store_id', 'a'), ('birth_time', '1'), ('other', '2')`);
      await database.query('create table nest_auth_keys as select 1 as value');
      await database.query('create table nest_auth_migrations as select 1 as value');
      await database.empty();
      const meta = await database.query<{ name: string; value: string }>('select * from nest_auth_meta order by name');
      assert.deepEqual(
        meta.map(({ name }) => name),
        ['birth_time', 'store_id'],
      );
      assert.match(meta[0]?.value ?? '', /^\d{13}$/);
      assert.match(meta[1]?.value ?? '', /^[0-9a-f-]{36}$/);
      assert.deepEqual(await database.query('select * from nest_auth_keys'), []);
      assert.equal((await database.query('select * from nest_auth_migrations')).length, 1);
    });
  });
});

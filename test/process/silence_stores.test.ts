import assert from 'node:assert/strict';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { RpcError } from '../grpc/client.ts';
import { until } from '../servers/process.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { RedisStandalone } from '../servers/redis.ts';
import { describeOn } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';
import type { TestDatabase } from '../servers/database.ts';
import { createRequest, openHidden, SilentService, useStore } from './silent_service.ts';

/** So many calls of useStore must be refused at least, for the fault to have been met. */
const SOME = 1;
const MOST = 10;

describeOn('postgres', () => {
  describe('silence of errors of Postgres', function () {
    this.timeout(180_000);
    const silent = new SilentService();
    let server: PostgresServer;
    let database: TestDatabase;
    before(async () => {
      server = await PostgresServer.create();
      database = await migratedDatabase(server.url);
      const url = new URL(database.url);
      await database.query(
        `CREATE ROLE serving SUPERUSER LOGIN PASSWORD '${(url.password = silent.canaries.make('password'))}'`,
      );
      url.username = 'serving';
      await silent.start({ STORE_URL: url.href });
    });
    after(async () => {
      await database.close();
      await server.remove();
      silent.folder.remove();
    });

    /** What the calls meet while the statement holds; all of it is taken back. */
    async function under(statements: readonly string[], refused: number, back: readonly string[]): Promise<void> {
      const hidden = await openHidden(silent);
      for (const statement of statements) await database.query(statement.replaceAll('USER', hidden.userId));
      const count = await useStore(silent, hidden);
      for (const statement of back) await database.query(statement);
      assert(count >= refused, `${statements.join('; ')}: ${count} were refused`);
      await until('the service answers again', async () => {
        const answer = await silent.call('CreateSession', createRequest(silent));
        return !(answer instanceof RpcError);
      });
    }

    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'serving'`;

    it('of constraints, whose details are rows', async () => {
      await under(['ALTER TABLE nest_auth_sessions ADD CONSTRAINT none CHECK (false) NOT VALID'], SOME, [
        'ALTER TABLE nest_auth_sessions DROP CONSTRAINT none',
      ]);
      await under(
        [
          'CREATE TABLE hidden (user_id text UNIQUE)',
          `CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO hidden VALUES (NEW.user_id), (NEW.user_id); RETURN NEW; END $$`,
          'CREATE TRIGGER twice BEFORE INSERT OR UPDATE ON nest_auth_sessions FOR EACH ROW EXECUTE FUNCTION twice()',
        ],
        SOME,
        ['DROP TRIGGER twice ON nest_auth_sessions', 'DROP FUNCTION twice', 'DROP TABLE hidden'],
      );
    });

    it('of a function that says whole rows in all that an error may say', async () => {
      await under(
        [
          `CREATE FUNCTION telling() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'row %', E'\\n    at ' || NEW USING DETAIL = NEW::text, HINT = NEW::text,
             CONSTRAINT = 'c', TABLE = 't', ERRCODE = '23514'; END $$`,
          'CREATE TRIGGER telling BEFORE INSERT OR UPDATE ON nest_auth_sessions FOR EACH ROW EXECUTE FUNCTION telling()',
        ],
        SOME,
        ['DROP TRIGGER telling ON nest_auth_sessions', 'DROP FUNCTION telling'],
      );
    });

    it('of a table that is gone, and of values that are not what they were', async () => {
      await under(['ALTER TABLE nest_auth_sessions RENAME TO elsewhere'], MOST, [
        'ALTER TABLE elsewhere RENAME TO nest_auth_sessions',
      ]);
      await under(
        [
          `UPDATE nest_auth_sessions SET data = 'not JSON ' || user_id, claims = 'not JSON ' || user_id
           WHERE user_id = 'USER'`,
        ],
        SOME,
        [],
      );
    });

    it('of connections that are ended in the middle of a statement', async () => {
      const hidden = await openHidden(silent);
      const holder = new Client({ connectionString: database.url });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE nest_auth_sessions IN ACCESS EXCLUSIVE MODE');
      const used = useStore(silent, hidden);
      await until('statements wait', async () => {
        const [row] = await database.query<{ waiting: string }>(
          `SELECT count(*) AS waiting FROM pg_stat_activity WHERE usename = 'serving' AND wait_event_type = 'Lock'`,
        );
        return Number(row?.waiting) > 3;
      });
      await database.query(terminate);
      await holder.query('ROLLBACK');
      await holder.end();
      assert((await used) >= SOME);
    });

    it('of a password that was changed', async () => {
      const hidden = await openHidden(silent);
      await database.query(`ALTER ROLE serving PASSWORD 'another'`);
      await database.query(terminate);
      assert((await useStore(silent, hidden)) >= MOST);
    });

    it('of a server that was killed, and none of all this is in the log', async () => {
      await server.kill();
      await silent.call('CreateSession', createRequest(silent));
      const log = await silent.end();
      assert(log.split('"call failed"').length > 20);
      assert.match(log, /SQLSTATE 23505/);
      assert.match(log, /SQLSTATE 42P01/);
    });
  });
});

describeOn('redis', () => {
  describe('silence of errors of Redis', function () {
    this.timeout(180_000);
    const silent = new SilentService();
    const password = silent.canaries.make('password');
    let server: RedisStandalone;
    const command = (name: string, ...args: readonly string[]) => server.node.command(name, ...args);
    before(async () => {
      server = await RedisStandalone.create(password);
      await silent.start({ STORE_URL: server.url });
    });
    after(async () => {
      await server.remove();
      silent.folder.remove();
    });

    async function answersAgain(): Promise<void> {
      await until('the service answers again', async () => {
        const answer = await silent.call('CreateSession', createRequest(silent));
        return !(answer instanceof RpcError);
      });
    }

    it('of keys that hold what they should not', async () => {
      const word = silent.canaries.make('value');
      for (const value of [word, `\u0094${word}`, `{"x": ${word}`]) {
        const hidden = await openHidden(silent);
        const keys = ((await command('KEYS', '*')) as string[]).filter((key) => /}[sue]:/.test(key));
        for (const key of keys) await command('SET', key, value);
        assert((await useStore(silent, hidden)) >= SOME);
        for (const key of keys) await command('DEL', key);
        await answersAgain();
      }
    });

    it('of a server without room', async () => {
      const hidden = await openHidden(silent);
      await command('CONFIG', 'SET', 'maxmemory', '1');
      assert((await useStore(silent, hidden)) >= SOME);
      await command('CONFIG', 'SET', 'maxmemory', '0');
      await answersAgain();
    });

    it('of a user who may not do what it could', async () => {
      const hidden = await openHidden(silent);
      for (const [rights, back] of [
        ['-evalsha', '+@all'],
        ['resetkeys', 'allkeys'],
      ] as const) {
        await command('ACL', 'SETUSER', 'default', rights);
        assert((await useStore(silent, hidden)) >= MOST);
        await command('ACL', 'SETUSER', 'default', back);
      }
      await answersAgain();
    });

    it('of a replica, which takes no writes', async () => {
      const hidden = await openHidden(silent);
      await command('REPLICAOF', '127.0.0.1', '1');
      assert((await useStore(silent, hidden)) >= SOME);
      await command('REPLICAOF', 'NO', 'ONE');
      await answersAgain();
    });

    it('of a password that was changed, and of a server that was killed; and none of all this is in the log', async () => {
      const hidden = await openHidden(silent);
      await command('CONFIG', 'SET', 'requirepass', 'another');
      const other = server.url.replace(password, 'another');
      const redis = new Redis(other);
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      assert((await useStore(silent, hidden)) >= MOST);
      redis.disconnect();
      await server.node.kill();
      await silent.call('CreateSession', createRequest(silent));
      const log = await silent.end();
      assert(log.split('"call failed"').length > 20);
      assert.match(log, /OOM/);
    });
  });
});

describeOn('sqlite', () => {
  describe('silence of errors of SQLite', function () {
    this.timeout(120_000);
    const silent = new SilentService();
    const path = join(silent.folder.path, 'sessions.db');
    const STORE_URL = `sqlite:${path}`;
    after(() => silent.folder.remove());

    it('of a disk that is full', async () => {
      // In blocks of half a KiB or one, as the shell has it.
      await silent.start({ STORE_URL }, 'ulimit -f 3000');
      const hidden = await openHidden(silent);
      let isFull = false;
      for (let sessions = 0; sessions < 2000 && !isFull; sessions += 1) {
        isFull = (await silent.call('CreateSession', createRequest(silent))) instanceof RpcError;
      }
      assert(isFull);
      await useStore(silent, hidden);
      const log = await silent.end();
      assert.match(log, /"code":"ERR_SQLITE_ERROR"/);
    });

    it('of a file that is damaged in the middle', async () => {
      const word = silent.canaries.make('damage');
      await silent.start({ STORE_URL });
      const hidden = await openHidden(silent);
      for (let sessions = 0; sessions < 100; sessions += 1) await openHidden(silent);
      await silent.end();
      const file = openSync(path, 'r+');
      const { size } = statSync(path);
      for (let at = Math.floor(size / 4096 / 2) * 4096; at < size; at += 4096) {
        writeSync(file, Buffer.from(word.repeat(200)), 0, 4000, at);
      }
      closeSync(file);
      try {
        await silent.start({ STORE_URL });
      } catch (error) {
        silent.assertSilent((error as Error).message, 'the refusal to start');
        return;
      }
      assert((await useStore(silent, hidden)) >= SOME);
      await silent.end();
    });

    it('of a table that another program removed', async () => {
      const other = `sqlite:${join(silent.folder.path, 'other.db')}`;
      await silent.start({ STORE_URL: other });
      const hidden = await openHidden(silent);
      const database = new DatabaseSync(other.slice('sqlite:'.length));
      database.exec('ALTER TABLE nest_auth_sessions RENAME TO elsewhere');
      assert((await useStore(silent, hidden)) >= MOST);
      database.exec('ALTER TABLE elsewhere RENAME TO nest_auth_sessions');
      database.exec(
        `CREATE TRIGGER telling BEFORE UPDATE ON nest_auth_sessions BEGIN SELECT RAISE(ABORT, 'told'); END`,
      );
      assert((await useStore(silent, hidden)) >= SOME);
      database.close();
      const log = await silent.end();
      assert(log.split('"call failed"').length > 10);
    });
  });
});

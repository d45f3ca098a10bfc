import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, openDatabase } from '../../../src/store/sqlite/database.ts';
import { migrateSqlite } from '../../../src/store/sqlite/migrate.ts';
import { startProcess } from './process.ts';

const APPLIED = [
  '20261120195500_create_sessions',
  '20261120230000_serve_postgres',
  '20261121014500_heal_postgres',
  '20261121050000_match_tenants',
  '20261121080000_batch_steps',
];

describe('migrateSqlite', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
    path = join(folder, 'sessions.db');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes the tables once', async () => {
    assert.deepEqual(await migrateSqlite(path), APPLIED);
    assert.deepEqual(await migrateSqlite(path), []);
  });

  it('lets two processes race on a new file', async () => {
    const script = `
      await pause();
      const applied = await migrateSqlite(path);
      const database = await openDatabase(path);
      say(JSON.stringify([applied.length, database.prepare('SELECT * FROM nest_auth_meta ORDER BY name').all()]));
      database.close();`;
    for (let round = 0; round < 10; round += 1) {
      const file = join(folder, `new-${round}`, 'sessions.db');
      const racers = [startProcess(script, file), startProcess(script, file)];
      await Promise.all(racers.map((racer) => racer.paused()));
      for (const racer of racers) racer.resume();
      const said = await Promise.all(racers.map(async (racer) => JSON.parse(await racer.said()) as [number, unknown]));
      assert.equal(
        said.reduce((sum, [applied]) => sum + applied, 0),
        APPLIED.length,
      );
      assert.deepEqual(said[0]?.[1], said[1]?.[1]);
    }
  });

  it('lets connections of one process wait for each other', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const applied = await migrateSqlite(path);
        (await openDatabase(path)).close();
        return applied;
      }),
    );
    assert.deepEqual(all.flat(), APPLIED);
  });

  it('goes on where a process was killed while it migrated', async () => {
    const killed = startProcess(
      `await openSqliteKnex(path).transaction(async (transaction) => {
        await transaction.schema.createTable('nest_auth_sessions', (table) => table.text('half'));
        await pause();
      });`,
      path,
    );
    await killed.paused();
    const waiting = migrateSqlite(path);
    await killed.kill();
    assert.deepEqual(await waiting, APPLIED);
  });

  it('refuses a database with a table of the same name and changes nothing', async () => {
    const foreign = await connect(path);
    foreign.exec('CREATE TABLE nest_auth_sessions ("sessionId" TEXT PRIMARY KEY, "userId" TEXT)');
    foreign.exec("INSERT INTO nest_auth_sessions VALUES ('1', 'ann')");
    foreign.close();
    const before = readFileSync(path);
    await assert.rejects(migrateSqlite(path), {
      message:
        `the table nest_auth_sessions in the database ${path} was not made by this program: ` +
        'rename it, or name another database or schema in STORE_URL; nothing was changed',
    });
    assert.deepEqual(readFileSync(path), before);
    assert.deepEqual(readdirSync(folder), ['sessions.db']);
    const after = await connect(path);
    const tables = after.prepare('SELECT name FROM sqlite_master WHERE type = ?').all('table');
    after.close();
    assert.deepEqual(
      tables.map((table) => ({ ...table })),
      [{ name: 'nest_auth_sessions' }],
    );
  });

  it('explains a fault of the file', async () => {
    await assert.rejects(migrateSqlite(folder), /^Error: can not use the database .*: it can not be opened/);
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { migrateDown, migrateUp, migrationStatus } from '../../src/store/migrate.ts';
import { openSqliteKnex } from '../../src/store/sqlite/migrate.ts';

const NAMES = [
  '20261120195500_create_sessions',
  '20261120230000_serve_postgres',
  '20261121014500_heal_postgres',
  '20261121050000_match_tenants',
  '20261121080000_batch_steps',
];
const APPLIED = { applied: NAMES, pending: [], ahead: [] };
const PENDING = { applied: [], pending: NAMES, ahead: [] };

describe('migrations', () => {
  let folder: string;
  let path: string;
  let knex: Knex;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migrations-'));
    path = join(folder, 'sessions.db');
    knex = openSqliteKnex(path);
  });

  afterEach(async () => {
    await knex.destroy();
    rmSync(folder, { recursive: true });
  });

  const schema = () => knex('sqlite_master').select('type', 'name', 'sql').orderBy('name');
  const storeId = async () =>
    (await knex('nest_auth_meta').where({ name: 'store_id' }).first<{ value: string }>()).value;

  it('go up, down and up again', async () => {
    assert.deepEqual(await migrateUp(knex), NAMES);
    assert.deepEqual(await migrationStatus(knex), APPLIED);
    const [made, firstId] = [await schema(), await storeId()];

    for (const name of NAMES.toReversed()) assert.deepEqual(await migrateDown(knex), [name]);
    assert.deepEqual(await migrationStatus(knex), PENDING);
    const left = await knex('sqlite_master').where('name', 'like', 'nest_auth%').orderBy('name').pluck('name');
    assert.deepEqual(left, ['nest_auth_migrations', 'nest_auth_migrations_lock']);
    assert.deepEqual(await migrateDown(knex), []);

    assert.deepEqual(await migrateUp(knex), NAMES);
    assert.deepEqual(await migrateUp(knex), []);
    assert.deepEqual(await schema(), made);
    assert.notEqual(await storeId(), firstId);
  });

  it('are only read by the status', async () => {
    assert.deepEqual(await migrationStatus(knex), PENDING);
    assert.equal(readFileSync(path).length, 0);
  });

  it('leave nothing behind where one fails', async () => {
    await knex.schema.createTable('nest_auth_keys', (table) => table.text('other'));
    const before = readFileSync(path);
    await assert.rejects(migrateUp(knex), /nest_auth_keys.* already exists/);
    assert.deepEqual(readFileSync(path), before);
    await knex.schema.dropTable('nest_auth_keys');
    assert.deepEqual(await migrateUp(knex), NAMES);
  });

  it('refuse a schema that is ahead of the program', async () => {
    await migrateUp(knex);
    await knex('nest_auth_migrations').insert({ name: '29990101000000_later', batch: 2 });
    assert.deepEqual(await migrationStatus(knex), { ...APPLIED, ahead: ['29990101000000_later'] });
    for (const migrate of [migrateUp, migrateDown]) {
      await assert.rejects(migrate(knex), {
        message:
          `the schema of the database ${path} is ahead of this program, which does not know 29990101000000_later: ` +
          'run the version that made it, or revert it with that version first',
      });
    }
  });
});

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { migrateDown, migrateUp } from '../../../src/store/migrate.ts';
import { withPostgresKnex } from '../../../src/store/postgres/migrate.ts';
import { STATEMENTS } from '../../../src/store/postgres/statements.ts';
import type { TestDatabase } from '../../servers/database.ts';
import { describeOn } from '../../servers/stores.ts';
import { locationOf, migratedDatabase } from './database.ts';

/** The functions that the statements call with the rules: the steps. */
const STEPS = Object.values(STATEMENTS).flatMap(({ text }) => {
  return /^SELECT (?:.* FROM )?(nest_auth_\w+)\(\$1::nest_auth_rules/.exec(text)?.[1] ?? [];
});

const SETTINGS = ['enable_seqscan=off', 'jit=off', 'lock_timeout=1500ms', 'plan_cache_mode=force_generic_plan'];

interface DatabaseFunction {
  /** With the types of its parameters. */
  readonly name: string;
  readonly proconfig: readonly string[] | null;
  readonly prosrc: string;
}

/** Functions are those that the first migration made, with the same settings as their successors. */
async function assertAsPublished(
  functions: readonly DatabaseFunction[],
  successors: readonly DatabaseFunction[],
): Promise<void> {
  const published = await sqlOf('20261120230000_serve_postgres');
  const baseName = ({ name }: DatabaseFunction) => name.replace(/\(.*/, '');
  assert.deepEqual(functions.map(baseName), successors.map(baseName));
  for (const [index, { name, prosrc, proconfig }] of functions.entries()) {
    assert.doesNotMatch(name, /_(is_named|found|read|refresh|update|rotate)\(.*text\[\]/);
    if (!/_(heal|append_again)/.test(name)) assert(published.includes(`$$${prosrc}$$`), name);
    assert.deepEqual(proconfig, successors[index]?.proconfig, name);
  }
}

/** Functions are those of the migrations before the newest, with the settings that steps had then. */
async function assertAsBefore(functions: readonly DatabaseFunction[]): Promise<void> {
  const published = (
    await Promise.all(['20261120230000_serve_postgres', '20261121050000_match_tenants'].map(sqlOf))
  ).join('\n');
  for (const { name, prosrc, proconfig } of functions) {
    assert.doesNotMatch(name, /_each|_locked|_try_|_verdicts/);
    if (!/_(heal|append_again)/.test(name)) assert(published.includes(`$$${prosrc}$$`), name);
    const isStep = /^nest_auth_(create|refresh|read|update|rotate|revoke|raise|sweep)\(/.test(name);
    if (isStep) assert.deepEqual(proconfig?.toSorted(), SETTINGS, name);
  }
}

async function sqlOf(migration: string): Promise<string> {
  const folder = new URL(`migrations/${migration}/`, import.meta.resolve('#root/package.json'));
  const files = (await readdir(folder)).map((file) => readFile(new URL(file, folder), 'utf8'));
  return (await Promise.all(files)).join('\n');
}

describeOn('postgres', () => {
  describe('functions of the database', () => {
    let database: TestDatabase;

    before(async () => {
      database = await migratedDatabase();
    });

    after(() => database.drop());

    for (const name of STEPS) {
      it(`${name} obeys settings of its own`, async () => {
        const [row] = await database.query<{ settings: string[] }>(
          'SELECT proconfig AS settings FROM pg_proc WHERE oid = $1::regproc',
          [name],
        );
        for (const setting of SETTINGS) assert(row?.settings.includes(setting), setting);
      });
    }

    it('go and come back with their migrations', async () => {
      const all = () => {
        return database.query<DatabaseFunction>(`SELECT oid::regprocedure::text AS name, proconfig, prosrc FROM pg_proc
          WHERE proname LIKE 'nest_auth_%' ORDER BY 1`);
      };
      const made = await all();
      assert(made.length > STEPS.length);
      await withPostgresKnex(locationOf(database.url), async (knex) => {
        assert.deepEqual(await migrateDown(knex), ['20261121080000_batch_steps']);
        const before = await all();
        await assertAsBefore(before);
        assert.deepEqual(await migrateDown(knex), ['20261121050000_match_tenants']);
        await assertAsPublished(await all(), before);
        assert.deepEqual(await migrateDown(knex), ['20261121014500_heal_postgres']);
        assert.equal((await database.query(`SELECT FROM pg_proc WHERE proname LIKE 'nest_auth_heal%'`)).length, 0);
        while ((await migrateDown(knex)).length > 0);
        assert.deepEqual(await all(), []);
        await migrateUp(knex);
      });
      assert.deepEqual(await all(), made);
    });
  });
});

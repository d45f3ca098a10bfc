import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/store/sqlite/database.ts';
import { migrateSqlite } from '../../src/store/sqlite/migrate.ts';

/** Per table its columns in order; `?` marks what may be null. */
const TABLES: Readonly<Record<string, string>> = {
  nest_auth_sessions:
    'session_id tenant_id user_id client_id token_mode create_time last_active_time idle_timeout_ms ' +
    'absolute_timeout_ms absolute_expire_time auth_time acr amr device_id device_name user_agent ip_address actor? ' +
    'audiences claims data version min_version user_generation client_generation tenant_generation ' +
    'global_generation refresh_nonce refresh_generation refresh_key_id refresh_spent_times refresh_request_id ' +
    'refresh_request_hash revoke_time? revocation_reason? purge_time',
  nest_auth_epochs: 'scope tenant_id subject min_generation? deny_create_until? raise_time? reason? keep_until',
  nest_auth_requests: 'request_key request_hash session_id refresh_generation result expire_time',
  nest_auth_revocations:
    'position tag previous_tag scope tenant_id subject minimum except_session_id discard_time? reason revoke_time',
  nest_auth_keys: 'key_use sequence key_id algorithm public_jwk sealed active_time',
  nest_auth_lifetimes: 'kind lifetime_ms in_force_until',
  nest_auth_meta: 'name value',
  nest_auth_leases: 'name holder expire_time',
};

describe('create_sessions', () => {
  let folder: string;
  let database: Database;
  let startMs: number;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'migrations-'));
    startMs = Date.now();
    await migrateSqlite(join(folder, 'sessions.db'));
    database = await openDatabase(join(folder, 'sessions.db'));
  });

  after(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  for (const [table, columns] of Object.entries(TABLES)) {
    it(`makes ${table}`, () => {
      const rows: { name: string; notnull: number }[] = database.prepare(`PRAGMA table_info(${table})`).all();
      assert.equal(rows.map((row) => row.name + (row.notnull === 1 ? '' : '?')).join(' '), columns);
    });
  }

  it('indexes sessions by nothing that use changes', () => {
    const query = `SELECT il.name, group_concat(ii.name) AS columns, il.partial
      FROM pragma_index_list('nest_auth_sessions') il, pragma_index_info(il.name) ii GROUP BY il.name ORDER BY il.name`;
    const indexes: { name: string; columns: string; partial: number }[] = database.prepare(query).all();
    assert.deepEqual(
      indexes.map((index) => [index.name, index.columns, index.partial]),
      [
        ['nest_auth_sessions_by_client', 'tenant_id,client_id', 0],
        ['nest_auth_sessions_by_purge_time', 'purge_time', 0],
        ['nest_auth_sessions_by_user', 'tenant_id,user_id,create_time,session_id', 0],
        ['nest_auth_sessions_unrevoked', 'tenant_id,user_id,user_generation', 1],
        ['sqlite_autoindex_nest_auth_sessions_1', 'session_id', 0],
      ],
    );
  });

  it('numbers log entries by the row itself', () => {
    const plan: { detail: string }[] = database
      .prepare('EXPLAIN QUERY PLAN SELECT * FROM nest_auth_revocations WHERE position > 1 ORDER BY position')
      .all();
    assert.match(plan[0]?.detail ?? '', /USING INTEGER PRIMARY KEY/);
  });

  it('knows two token modes', () => {
    const columns = TABLES['nest_auth_sessions']?.replaceAll('?', '').split(' ') ?? [];
    const insert = database.prepare(`INSERT INTO nest_auth_sessions VALUES (${columns.map(() => '?').join()})`);
    const row = (mode: string) => columns.map((name) => (name === 'token_mode' ? mode : name));
    assert.throws(() => insert.run(...row('other')), /CHECK constraint failed/);
    assert.equal(insert.run(...row('pair')).changes, 1);
  });

  it('names the store and its birth', () => {
    const rows: { name: string; value: string }[] = database.prepare('SELECT * FROM nest_auth_meta').all();
    const meta = Object.fromEntries(rows.map((row) => [row.name, row.value]));
    assert.deepEqual(Object.keys(meta).sort(), ['birth_time', 'store_id']);
    assert.match(meta['store_id'] ?? '', /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.ok(Number(meta['birth_time']) >= startMs && Number(meta['birth_time']) <= Date.now());
  });
});

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMigrate } from '../../src/cli/migrate.ts';

const NAMES = [
  '20261120195500_create_sessions',
  '20261120230000_serve_postgres',
  '20261121014500_heal_postgres',
  '20261121050000_match_tenants',
  '20261121080000_batch_steps',
];

describe('migrate command', () => {
  let folder: string;
  let url: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migrations-'));
    url = `sqlite:${join(folder, 'data', 'sessions.db')}`;
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function run(args: string, storeUrl = url): Promise<{ code: number; lines: string[] }> {
    const lines: string[] = [];
    const code = await runMigrate(args.split(' '), storeUrl, (line) => lines.push(line));
    return { code, lines };
  }

  it('applies, shows and reverts', async () => {
    const all = (state: string) => ({ code: 0, lines: NAMES.map((name) => `${state} ${name}`) });
    assert.deepEqual(await run('up'), all('applied'));
    assert.deepEqual(await run('up'), { code: 0, lines: ['nothing to apply'] });
    assert.deepEqual(await run('status'), all('applied'));
    for (const name of NAMES.toReversed()) {
      assert.deepEqual(await run('down'), { code: 0, lines: [`reverted ${name}`] });
    }
    assert.deepEqual(await run('down'), { code: 0, lines: ['nothing to revert'] });
    assert.deepEqual(await run('status'), all('pending'));
  });

  it('makes no database to look at', async () => {
    for (const command of ['status', 'down']) {
      const { code, lines } = await run(command);
      assert.equal(code, 1);
      assert.match(lines.join(), /^there is no database .*: `migrate up` makes it$/);
    }
    assert.equal(existsSync(join(folder, 'data')), false);
  });

  it('knows which stores have no schema', async () => {
    for (const [url, kind] of [
      ['memory:', 'memory'],
      ['redis://cache', 'redis'],
      ['redis-cluster://a,b', 'redis-cluster'],
    ] as const) {
      const lines = [`a ${kind} store has no schema: nothing to migrate`];
      assert.deepEqual(await run('up', url), { code: 0, lines });
    }
  });

  it('names what it supports, and prints no URL', async () => {
    for (const storeUrl of [
      'redis://user:secret@localhost/x',
      'postgres://user:secret@localhost/',
      'sqlite:',
      'secret',
    ]) {
      const { code, lines } = await run('up', storeUrl);
      assert.equal(code, 2);
      assert.match(lines.join(), /^STORE_URL: .*; allowed: /);
      assert.doesNotMatch(lines.join(), /secret/);
    }
  });

  it('shows its usage', async () => {
    for (const args of ['', 'sideways', 'toString', 'up now']) {
      assert.deepEqual(await run(args), { code: 2, lines: ['usage: migrate up | down | status'] });
    }
  });

  it('fails with one line', async () => {
    const { code, lines } = await run('up', `sqlite:${folder}`);
    assert.equal(code, 1);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /it can not be opened/);
  });
});

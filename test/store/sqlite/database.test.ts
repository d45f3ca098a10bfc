import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Database, openDatabase } from '../../../src/store/sqlite/database.ts';
import { startProcess } from './process.ts';

describe('openDatabase', () => {
  let folder: string;
  let database: Database | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
  });

  afterEach(() => {
    if (database?.isOpen === true) database.close();
    rmSync(folder, { recursive: true });
  });

  const mode = (path: string) => statSync(path).mode & 0o777;

  it('makes folders and files that nobody else may read', async () => {
    const path = join(folder, 'a', 'b', 'sessions.db');
    database = await openDatabase(path);
    database.exec('CREATE TABLE t (a)');
    assert.equal(mode(join(folder, 'a')), 0o700);
    assert.equal(mode(join(folder, 'a', 'b')), 0o700);
    for (const suffix of ['', '-wal', '-shm']) assert.equal(mode(path + suffix), 0o600, suffix);
  });

  it('acknowledges no commit before it is on disk', async () => {
    const opened = await openDatabase(join(folder, 'sessions.db'));
    database = opened;
    const pragma = (name: string) => Object.values(opened.prepare(`PRAGMA ${name}`).get())[0];
    assert.equal(pragma('journal_mode'), 'wal');
    assert.equal(pragma('synchronous'), 2);
    assert.equal(pragma('foreign_keys'), 1);
    assert.equal(pragma('busy_timeout'), 0);
  });

  it('keeps the locks of the other connections of this process', async () => {
    const path = join(folder, 'sessions.db');
    database = await connect(path);
    database.exec('BEGIN IMMEDIATE');
    (await connect(path)).close();
    const script = `
      const database = await connect(path);
      try { database.exec('BEGIN IMMEDIATE'); say('no lock'); } catch (error) { say(String(error.errcode)); }`;
    assert.equal(await startProcess(script, path).said(), '5');
  });

  it('opens without a warning', async () => {
    const script = 'const database = await openDatabase(path); database.close(); say("quiet");';
    assert.equal(await startProcess(script, join(folder, 'sessions.db')).said(), 'quiet');
  });

  for (const [kind, content] of [
    ['long', 'This is a text.\n'.repeat(100)],
    ['short', 'text'],
  ] as const) {
    it(`refuses a ${kind} file that is not a database, and leaves it alone`, async () => {
      const path = join(folder, 'notes.txt');
      writeFileSync(path, content);
      await assert.rejects(openDatabase(path), {
        message: `can not use the database ${path}: it is not an SQLite database: move it away, or name another file in STORE_URL`,
      });
      assert.equal(readFileSync(path, 'utf8'), content);
    });
  }

  it('says that a part of the path is a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(openDatabase(join(folder, 'file', 'sessions.db')), {
      message:
        `can not make the folder ${join(folder, 'file')} (EEXIST): a part of that path is a file: move it away,` +
        ' or name another path in STORE_URL',
    });
  });

  it('says that a folder is no database', async () => {
    mkdirSync(join(folder, 'sessions.db'));
    await assert.rejects(openDatabase(join(folder, 'sessions.db')), /sessions\.db: it can not be opened: check that/);
  });
});

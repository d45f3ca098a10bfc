import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { createCommand, ofKind, refTo, revokeCommand } from '../../src/store/conformance/commands.ts';
import type { EmbeddedStore } from '../../src/store/embedded/store.ts';
import { type Database, openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

describe('A SQLite file that another process has locked', () => {
  let folder = '';
  let store: EmbeddedStore;
  let other: Database;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    store = await openSqliteStore(join(folder, 'sessions.db'), DEFAULT_RULES, { ms: 0 });
    other = await openDatabase(join(folder, 'sessions.db'));
  });
  afterEach(() => {
    store.close();
    other.close();
    rmSync(folder, { recursive: true });
  });

  it('is waited for without keeping anybody else waiting: reads go on, and writes come when it is free', async () => {
    const { session } = ofKind(await store.create(createCommand()), 'created').record;
    other.exec('BEGIN IMMEDIATE');
    const writes = Array.from({ length: 6 }, () => store.create(createCommand()));
    const first = await Promise.race([...writes, store.read({ ...refTo(session), touch: false })]);
    assert.equal(first.kind, 'found');
    other.exec('COMMIT');
    for (const outcome of await Promise.all(writes)) assert.equal(outcome.kind, 'created');
  });

  it('gives UNAVAILABLE where it stays locked beyond the deadline, and nothing was done', async () => {
    const { session } = ofKind(await store.create(createCommand()), 'created').record;
    other.exec('BEGIN IMMEDIATE');
    const attempts = [store.revoke(revokeCommand(session)), store.create(createCommand())];
    for (const attempt of await Promise.allSettled<unknown>(attempts)) {
      assert(attempt.status === 'rejected');
      assert(attempt.reason instanceof SessionError && attempt.reason.code === 'STORE_UNAVAILABLE');
    }
    other.exec('COMMIT');
    assert.equal(ofKind(await store.read({ ...refTo(session), touch: false }), 'found').record.status.state, 'active');
  });
});

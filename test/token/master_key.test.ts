import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  deriveKey,
  ensureMasterKeyFile,
  generateMasterKey,
  parseMasterKey,
  readMasterKeyFile,
  seal,
  unseal,
} from '../../src/token/master_key.ts';

describe('a sealed secret', () => {
  const key = generateMasterKey();
  const secret = Buffer.from('a private key');
  const sealed = seal(key, 'context', secret);

  it('opens under its key and context', () => {
    assert.deepEqual(unseal(key, 'context', sealed), secret);
    assert(!sealed.includes(secret));
  });

  it('stays shut under another key or context, or where a bit changed', () => {
    assert.equal(unseal(generateMasterKey(), 'context', sealed), undefined);
    assert.equal(unseal(key, 'other', sealed), undefined);
    assert.equal(unseal(key, 'context', sealed.subarray(1)), undefined);
    assert.equal(unseal(key, 'context', Buffer.alloc(3)), undefined);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      assert.equal(unseal(key, 'context', changed), undefined);
    }
  });
});

describe('a master key', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'master-key-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is base64 of exactly 32 bytes', () => {
    const key = generateMasterKey();
    assert.deepEqual(parseMasterKey(key.toString('base64')), key);
    for (const text of [
      '',
      ` ${key.toString('base64')}`,
      'secret',
      key.toString('hex'),
      key.subarray(1).toString('base64'),
      `${key.toString('base64')}AAAA`,
    ]) {
      assert.equal(parseMasterKey(text), undefined);
    }
  });

  it('gives another key for each purpose', () => {
    const key = generateMasterKey();
    assert.notDeepEqual(deriveKey(key, 'a'), deriveKey(key, 'b'));
    assert.deepEqual(deriveKey(key, 'a'), deriveKey(key, 'a'));
  });

  it('is kept in a file that only its owner reads, made once', () => {
    const path = join(folder, 'sessions.db.master-key');
    const key = ensureMasterKeyFile(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(ensureMasterKeyFile(path), key);
    assert.deepEqual(readMasterKeyFile(path), key);
    assert.deepEqual(readdirSync(folder), ['sessions.db.master-key']);
  });

  it('that can not be read names the file and not what is in it', () => {
    const path = join(folder, 'key');
    writeFileSync(path, 'not a key');
    const names = (error: Error) => error.message.includes(path) && !error.message.includes('not a key;');
    assert.throws(() => readMasterKeyFile(path), names);
    assert.throws(() => ensureMasterKeyFile(path), names);
    assert.throws(() => readMasterKeyFile(join(folder, 'none')), /ENOENT/);
  });
});

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../src/domain/audit.ts';
import { Audit, Pseudonyms } from '../../src/telemetry/audit.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { open } from '../grpc/expect.ts';
import { startService, temporaryFolder, TestProcess } from '../harness.ts';
import { until } from '../servers/process.ts';

const KEY = generateMasterKey();

function recordsOf(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, 'utf8');
  assert(text === '' || text.endsWith('\n'));
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('pseudonyms', () => {
  it('are the same under the same master key, and others under another', () => {
    const [one, same, other] = [KEY, Buffer.from(KEY), generateMasterKey()].map((key) => new Pseudonyms(key)) as [
      Pseudonyms,
      Pseudonyms,
      Pseudonyms,
    ];
    assert.equal(one.user('acme', 'ann'), same.user('acme', 'ann'));
    assert.equal(one.session('ann'), same.session('ann'));
    assert.notEqual(one.user('acme', 'ann'), other.user('acme', 'ann'));
    assert.notEqual(one.session('ann'), other.session('ann'));
  });

  it('stay what they were in earlier versions', () => {
    const pseudonyms = new Pseudonyms(Buffer.alloc(32, 1));
    assert.deepEqual(
      [pseudonyms.user('acme', 'ann'), pseudonyms.session('0190a5c0-0000-7000-8000-000000000001')],
      ['fnPIfYbYnN0HqESVW7Yx1Q', 'eh7XjF80Pyd3HFd6RAG6EQ'],
    );
  });

  it('tell users of two tenants apart, and a user from a session', () => {
    const names = new Pseudonyms(KEY);
    const pairs = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['', 'abc'],
      ['abc', ''],
      ['a"', 'bc'],
      ['a', '","bc'],
    ] as const;
    const all = [...pairs.map(([tenant, user]) => names.user(tenant, user)), names.session('abc'), names.session('a')];
    assert.equal(new Set(all).size, all.length);
    for (const name of all) assert.match(name, /^[\w-]{22}$/);
  });
});

describe('the audit of one process', () => {
  const folder = temporaryFolder();
  after(folder.remove);
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => lines.push(line) });
  let path = '';
  let audit: Audit;
  let files = 0;
  beforeEach(() => {
    path = join(folder.path, `${(files += 1)}.log`);
    audit = Audit.open(path, KEY, log);
  });

  const denied = (changes: Partial<AuditRecord> = {}): AuditRecord => ({
    action: 'denied',
    caller: 'login',
    tenantId: 'acme',
    rpc: 'CreateSession',
    reason: 'CALLER_NOT_ALLOWED',
    ...changes,
  });

  it('counts denials that are alike, and keeps others apart', () => {
    for (let attempt = 0; attempt < 5; attempt += 1) audit.record(denied({ userId: `user ${attempt}` }));
    audit.record(denied({ rpc: 'GetSession' }));
    audit.record(denied({ caller: 'web' }));
    audit.record(denied({ reason: 'RATE_LIMITED' }));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      audit.record({ action: 'session_revoked', caller: 'login', tenantId: 'acme', sessionId: 'same' });
    }
    // What is left to say is said at the end.
    audit.close();
    const told = recordsOf(path).map(({ action, caller, rpc, reason, count }) => [action, caller, rpc, reason, count]);
    assert.deepEqual(told, [
      ['denied', 'login', 'CreateSession', 'CALLER_NOT_ALLOWED', undefined],
      ['denied', 'login', 'GetSession', 'CALLER_NOT_ALLOWED', undefined],
      ['denied', 'web', 'CreateSession', 'CALLER_NOT_ALLOWED', undefined],
      ['denied', 'login', 'CreateSession', 'RATE_LIMITED', undefined],
      ['session_revoked', 'login', undefined, undefined, undefined],
      ['session_revoked', 'login', undefined, undefined, undefined],
      ['denied', 'login', 'CreateSession', 'CALLER_NOT_ALLOWED', 4],
    ]);
  });

  it('says how many there were within a second, and begins anew', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) audit.record(denied());
    await until('they are counted', async () => recordsOf(path).some(({ count }) => count === 2));
    audit.record(denied());
    audit.close();
    assert.deepEqual(
      recordsOf(path).map(({ count }) => count),
      [undefined, 2, undefined],
    );
  });

  it('holds no token that a caller put where it may write', () => {
    const secret = 'AAAABBBBCCCCDDDD';
    const actor = { userId: 'support', tenantId: 'staff', reason: `see sar_${secret} and eyJ${secret}.eyJ${secret}.x` };
    audit.record({ action: 'session_revoked', caller: 'login', tenantId: `sak_${secret}`, actor });
    audit.close();
    const text = readFileSync(path, 'utf8');
    assert(!text.includes(secret), text);
    assert.match(text, /"reason":"see \[redacted\] and \[redacted\]"/);
  });

  it('is one line a record, whatever the caller put into it', () => {
    audit.record(denied({ tenantId: 'a\n{"log":"audit"}\r\u2028', requestId: '\u0000"' }));
    audit.close();
    assert.equal(recordsOf(path)[0]?.['tenant_id'], 'a\n{"log":"audit"}\r\u2028');
  });
});

describe('the audit file of a service', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(folder.remove);
  const env = (name: string) => ({
    STORE_URL: 'memory:',
    MASTER_KEY: KEY.toString('base64'),
    AUDIT_FILE: join(folder.path, name),
  });

  it('is its owner’s alone, and appended to by the next process', async () => {
    const settings = env('kept.log');
    const pseudonyms: unknown[] = [];
    for (const count of [1, 2]) {
      const service = await startService(settings);
      await open(service.client, { userId: 'ann' });
      await service.end();
      const records = recordsOf(settings.AUDIT_FILE);
      assert.equal(records.length, count);
      pseudonyms.push(records.at(-1)?.['user']);
      assert(!service.stdout.includes('"audit"'));
    }
    assert.equal(statSync(settings.AUDIT_FILE).mode & 0o777, 0o600);
    assert.equal(pseudonyms[0], pseudonyms[1]);
  });

  it('keeps the rights that it was given', async () => {
    const settings = env('shared.log');
    writeFileSync(settings.AUDIT_FILE, '');
    chmodSync(settings.AUDIT_FILE, 0o640);
    await (await startService(settings)).end();
    assert.equal(statSync(settings.AUDIT_FILE).mode & 0o777, 0o640);
  });

  it('is opened again on SIGHUP, after it was renamed', async () => {
    const settings = env('rotated.log');
    const former = `${settings.AUDIT_FILE}.1`;
    const service = await startService(settings);
    await open(service.client);
    renameSync(settings.AUDIT_FILE, former);
    await open(service.client);
    assert.equal(recordsOf(former).length, 2);
    service.signal('SIGHUP');
    await until('it is there again', async () => existsSync(settings.AUDIT_FILE));
    await open(service.client);
    assert.deepEqual([recordsOf(former).length, recordsOf(settings.AUDIT_FILE).length], [2, 1]);
    assert.equal(statSync(settings.AUDIT_FILE).mode & 0o777, 0o600);
    assert.deepEqual(await service.end(), { code: 0, signal: null });
  });

  it('stays the renamed one where it can not be opened again', async () => {
    const away = temporaryFolder();
    const settings = { ...env(''), AUDIT_FILE: join(away.path, 'audit.log') };
    const service = await startService(settings);
    const kept = join(folder.path, 'moved.log');
    renameSync(settings.AUDIT_FILE, kept);
    away.remove();
    service.signal('SIGHUP');
    await service.line('the audit file was not opened again; the one that was renamed stays in use');
    await open(service.client);
    assert.equal(recordsOf(kept).length, 1);
    assert.deepEqual(await service.end(), { code: 0, signal: null });
  });

  it('ends the start with one line where it can not be opened', async () => {
    for (const path of [folder.path, '/nowhere/audit.log']) {
      const settings = { GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0', ...env(''), AUDIT_FILE: path };
      const process = new TestProcess(['serve'], settings);
      assert.deepEqual(await process.exit, { code: 1, signal: null });
      assert.match(process.stderr, /^AUDIT_FILE: can not write .*; name a file that the service may append to\n$/);
    }
  });

  // Not every system has a file that is always full.
  if (existsSync('/dev/full')) {
    it('may be full: calls go on being answered, and the log is told once', async () => {
      const service = await startService({ ...env(''), AUDIT_FILE: '/dev/full' });
      for (let attempt = 0; attempt < 400; attempt += 1) await open(service.client, { userId: 'ann' });
      assert.deepEqual(await service.end(), { code: 0, signal: null });
      assert.equal(service.stdout.split('audit records can not be written').length, 2);
      assert.match(service.stdout, /ENOSPC/);
      assert.equal(service.stderr, '');
    });
  }

  it('may reach a limit of the system: what it does not take goes on in the next file', async () => {
    const settings = env('limited.log');
    // In blocks of half a KiB or one, as the shell has it.
    const service = await startService(settings, [], 'ulimit -f 8');
    const opened = 60;
    for (let attempt = 0; attempt < opened; attempt += 1) await open(service.client, { userId: 'ann' });
    await service.line('audit records can not be written');
    const former = `${settings.AUDIT_FILE}.1`;
    renameSync(settings.AUDIT_FILE, former);
    service.signal('SIGHUP');
    await until('it is there again', async () => existsSync(settings.AUDIT_FILE));
    // Several files may be needed for all; the last line of a full one is cut off, and whole in the next.
    const whole = readFileSync(former, 'utf8').split('\n').slice(0, -1);
    await open(service.client, { userId: 'ann' });
    const next = readFileSync(settings.AUDIT_FILE, 'utf8').split('\n').slice(0, -1);
    assert.deepEqual(await service.end(), { code: 0, signal: null });
    assert(whole.length > 10 && next.length > 10);
    for (const line of [...whole, ...next]) assert.equal((JSON.parse(line) as { log: string }).log, 'audit');
    assert.equal(new Set([...whole, ...next]).size, whole.length + next.length);
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SessionClient } from '../grpc/client.ts';
import { refusalOf } from '../grpc/expect.ts';
import { startService, temporaryFolder, TestProcess } from '../harness.ts';
import { authorization } from '../process/silent_service.ts';

async function callers(...args: readonly string[]) {
  const process = new TestProcess(['callers', ...args], {});
  const { code } = await process.exit;
  return { code, stdout: process.stdout, stderr: process.stderr };
}

/** The token and the entry that were printed. */
async function newCaller(...args: readonly string[]): Promise<{ token: string; entry: Record<string, unknown> }> {
  const { code, stdout, stderr } = await callers('new', ...args);
  assert.deepEqual([code, stderr], [0, '']);
  const [token = ''] = /sak_[\w-]{43}$/m.exec(stdout) ?? [];
  const entry = JSON.parse(stdout.slice(stdout.indexOf('\n{'))) as Record<string, unknown>;
  return { token, entry };
}

describe('callers new', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(folder.remove);

  it('prints a token and an entry that a service knows it by', async () => {
    const login = await newCaller('login', '--scopes', 'sessions.create,sessions.read', '--tenants', 'acme,other');
    const gateway = await newCaller('gateway', '--scopes', 'sessions.validate', '--scopes', 'sessions.create');
    assert.deepEqual(login.entry, {
      name: 'login',
      tenants: ['acme', 'other'],
      scopes: ['sessions.create', 'sessions.read'],
      tokens_sha256: login.entry['tokens_sha256'],
    });
    assert.deepEqual(gateway.entry, {
      ...gateway.entry,
      tenants: 'all',
      scopes: ['sessions.validate', 'sessions.create'],
    });
    assert(!JSON.stringify([login.entry, gateway.entry]).includes('sak_'));
    assert.notEqual(login.token, gateway.token);
    const CALLERS_FILE = join(folder.path, 'callers.json');
    writeFileSync(CALLERS_FILE, JSON.stringify({ callers: [login.entry, gateway.entry] }));
    const service = await startService({ STORE_URL: 'memory:', CALLERS_FILE });
    const clients = [login, gateway].map(
      ({ token }) => new SessionClient(service.grpcPort, authorization(`Bearer ${token}`)),
    ) as [SessionClient, SessionClient];
    const reasonOf = async (call: Promise<unknown>) => (await refusalOf(call)).reason;
    await clients[0].call('CreateSession', { tenantId: 'acme', userId: 'ann' });
    await clients[1].call('CreateSession', { tenantId: 'elsewhere', userId: 'ann' });
    assert.equal(await reasonOf(clients[0].call('CreateSession', { tenantId: 'elsewhere' })), 'CALLER_NOT_ALLOWED');
    assert.equal(await reasonOf(clients[1].call('ListSessions', { userId: 'ann' })), 'CALLER_NOT_ALLOWED');
    assert.equal(await reasonOf(service.client.call('CreateSession', {})), 'CALLER_UNKNOWN');
    for (const client of clients) client.close();
    await service.end();
  });

  it('ends with 2 and a line that says what is wrong, and makes no token', async () => {
    const scopes = ['--scopes', 'sessions.read'];
    for (const [args, line] of [
      [['login', '--scopes', 'sessions.steal'], /^scopes\[0\]: must be one of sessions\.create, .*admin\n$/],
      [['login', '--scopes', 'sessions.read,'], /^scopes\[1\]: must be one of /],
      [['login'], /^scopes: must name a scope\n$/],
      [['log in', ...scopes], /^name: must be 1 to 64 letters, digits, dots, dashes or underscores\n$/],
      [['', ...scopes], /^name: must be/],
      [['x'.repeat(65), ...scopes], /^name: must be/],
      [
        ['login', ...scopes, '--tenants', 't'.repeat(129)],
        /^tenants\[0\]: must be "all", or a list of .* of at most 128 bytes\n$/,
      ],
    ] as const) {
      const { code, stdout, stderr } = await callers('new', ...args);
      assert.match(stderr, line);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    }
  });

  it('ends with 2 and the usage where the arguments are not understood', async () => {
    for (const args of [[], ['new'], ['old', 'login'], ['new', 'a', 'b'], ['new', 'a', '--scope', 'admin']]) {
      const { code, stdout, stderr } = await callers(...args);
      assert.match(stderr, /^usage: /, args.join(' '));
      assert.deepEqual([code, stdout], [2, '']);
    }
  });
});

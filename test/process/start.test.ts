import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CONFIG_VARIABLES } from '../../src/config.ts';
import { assertVerdict, open } from '../grpc/expect.ts';
import { SessionClient } from '../grpc/client.ts';
import { type Env, freePort, startService, temporaryFolder, TestProcess, TestService } from '../harness.ts';

const KEY = Buffer.alloc(32, 0xa1).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 0xb2).toString('base64');

describe('the command line', () => {
  const folder = temporaryFolder();
  after(folder.remove);

  /** How the program ends, what it prints, and what it prints to stderr. */
  const run = async (args: readonly string[], env: Env = {}) => {
    const process = new TestProcess(args, env);
    const { code } = await process.exit;
    return { code, stdout: process.stdout, stderr: process.stderr };
  };
  const serve = (env: Env) => run(['serve'], { GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0', ...env });
  /** One line for the operator: no stack, nothing else. */
  const assertFault = (ended: { code: number | null; stdout: string; stderr: string }, line: RegExp) => {
    assert.match(ended.stderr, line);
    assert.deepEqual([ended.code, ended.stderr.trimEnd().split('\n').length], [1, 1], ended.stderr);
    assert(!ended.stdout.includes('serving'));
  };

  it('shows its help with every variable, and its version', async () => {
    const help = await run(['--help']);
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /^usage: session-authority /);
    for (const { name } of CONFIG_VARIABLES) assert.match(help.stdout, new RegExp(`^ +${name} `, 'm'));
    const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8')) as {
      version: string;
    };
    assert.deepEqual(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('ends with 2 and its usage where it is not understood', async () => {
    for (const args of [[], ['start'], ['serve', 'now'], ['--port', '1'], ['migrate', 'sideways']]) {
      const { code, stdout, stderr } = await run(args, { STORE_URL: 'memory:' });
      assert.equal(code, 2, args.join(' '));
      assert.match(stdout + stderr, /^usage: /);
    }
  });

  it('listens for nobody but its own machine, unless it can tell who calls and show who it is', async () => {
    const open = { STORE_URL: 'memory:', GRPC_ADDRESS: '0.0.0.0:0', HTTP_ADDRESS: '[::]:0' };
    const { code, stdout, stderr } = await serve(open);
    assert.deepEqual([code, stdout], [2, '']);
    const lines = stderr.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.slice(0, line.indexOf(':'))),
      ['GRPC_ADDRESS', 'HTTP_ADDRESS'],
    );
    for (const line of lines) assert.match(line, /TLS_CERT_FILE, TLS_KEY_FILE, CALLERS_FILE, .*INSECURE=true/);
    const forced = await startService({ ...open, INSECURE: 'true' });
    await forced.line('anyone who reaches GRPC_ADDRESS may do anything: set CALLERS_FILE');
    await forced.end();
    const local = await startService({ STORE_URL: 'memory:' });
    await local.line('anyone who reaches GRPC_ADDRESS may do anything: set CALLERS_FILE');
    await local.end();
  });

  it('tells every fault of the environment at once, and none of its values', async () => {
    const { code, stdout, stderr } = await serve({
      STORE_URL: 'mysql://c4n4ry',
      MASTER_KEY: 'c4n4ry',
      GRPC_ADDRESS: 'c4n4ry',
      ACCESS_TOKEN_TTL: '10c4n4ry',
      SESSION_LIMIT_POLICY: 'c4n4ry',
      MAX_SESSIONS_PER_USER: '-1',
    });
    assert.deepEqual([code, stdout], [2, '']);
    const lines = stderr.trimEnd().split('\n');
    const names = [
      'STORE_URL',
      'MASTER_KEY',
      'GRPC_ADDRESS',
      'ACCESS_TOKEN_TTL',
      'MAX_SESSIONS_PER_USER',
      'SESSION_LIMIT_POLICY',
    ];
    assert.deepEqual(
      lines.map((line) => line.split(':')[0]),
      names,
    );
    assert(!stderr.includes('c4n4ry'));
  });

  it('refuses to start under another master key, and changes nothing', async () => {
    const STORE_URL = `sqlite:${join(folder.path, 'keys.db')}`;
    const first = await startService({ STORE_URL, MASTER_KEY: KEY });
    const { tokens } = await open(first.client);
    await first.end();
    assertFault(await serve({ STORE_URL, MASTER_KEY: OTHER_KEY }), /master key does not open the keys in this store/);
    assertFault(await serve({ STORE_URL }), /master key does not open the keys in this store/);
    const again = await startService({ STORE_URL, MASTER_KEY: KEY });
    await assertVerdict(again.client, tokens.accessToken, 'ACTIVE');
    await again.end();
  });

  it('makes its own master key, for its own eyes, and takes it from a file', async () => {
    const path = join(folder.path, 'own', 'sessions.db');
    const first = await startService({ STORE_URL: `sqlite:${path}` });
    const { tokens } = await open(first.client);
    await first.end();
    const keyFile = `${path}.master-key`;
    for (const file of [keyFile, path]) assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await startService({ STORE_URL: `sqlite:${path}`, MASTER_KEY_FILE: keyFile });
    await assertVerdict(again.client, tokens.accessToken, 'ACTIVE');
    await again.end();
    const missing = join(folder.path, 'missing.key');
    assertFault(await serve({ STORE_URL: `sqlite:${path}`, MASTER_KEY_FILE: missing }), /missing\.key/);
    const garbage = join(folder.path, 'garbage.key');
    writeFileSync(garbage, 'c4n4ry');
    const ended = await serve({ STORE_URL: `sqlite:${path}`, MASTER_KEY_FILE: garbage });
    assertFault(ended, /garbage\.key/);
    assert(!ended.stderr.includes('c4n4ry'));
  });

  it('says in one line that a port is taken', async () => {
    const taken: Server = await new Promise((resolve) => {
      const server = createServer();
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const STORE_URL = `sqlite:${join(folder.path, 'ports.db')}`;
    try {
      for (const name of ['GRPC_ADDRESS', 'HTTP_ADDRESS']) {
        assertFault(await serve({ STORE_URL, [name]: address }), new RegExp(`^${name}: .*${address}`));
      }
    } finally {
      taken.close();
    }
    const service = await startService({ STORE_URL });
    await service.end();
  });

  it('says in one line what is wrong with the database', async () => {
    const [text, directory, readOnly] = ['text.db', 'directory.db', 'read-only'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string];
    writeFileSync(text, 'not a database, but a text that is long enough to be one '.repeat(20));
    mkdirSync(directory);
    for (const path of [text, directory, join(text, 'x.db')])
      assertFault(await serve({ STORE_URL: `sqlite:${path}` }), /database|folder/);
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o500);
    // Root may write everywhere.
    if (process.getuid?.() !== 0)
      assertFault(await serve({ STORE_URL: `sqlite:${join(readOnly, 'x.db')}` }), /database|folder/);
  });

  it('logs JSON lines, and only from its level on', async () => {
    const loud = await new TestService({ STORE_URL: 'memory:', LOG_LEVEL: 'info' }).serving();
    const opened = await open(loud.client, { userId: 'ann' });
    await loud.client.call('RevokeSession', { session: { sessionId: opened.session.sessionId } });
    await loud.end();
    const lines = loud.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; level: string; time: string; action?: string });
    assert.deepEqual(
      lines.filter(({ level }) => level === 'info').map(({ msg }) => msg),
      ['serving', 'stopping', 'stopped'],
    );
    assert.deepEqual(
      lines.flatMap(({ action }) => action ?? []),
      ['session_created', 'session_revoked'],
    );
    for (const { time } of lines) assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
    const port = await freePort();
    const silent = new TestService({ STORE_URL: 'memory:', LOG_LEVEL: 'silent', GRPC_ADDRESS: `127.0.0.1:${port}` });
    const client = new SessionClient(port);
    await client.ready();
    await open(client);
    client.close();
    silent.signal('SIGTERM');
    assert.deepEqual([(await silent.exit).code, silent.stderr], [0, '']);
    const [record, ...more] = silent.stdout.trimEnd().split('\n');
    assert.deepEqual(
      [(JSON.parse(record ?? '') as { log: string }).log, more],
      ['audit', []],
      'the audit has no level',
    );
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CONFIG_VARIABLES, readConfig } from '../src/config.ts';
import { LIMITS, MAX_MESSAGE_BYTES } from '../src/domain/limits.ts';
import { type SessionServer, startServer } from '../src/server.ts';
import { createLog } from '../src/telemetry/log.ts';
import { loadSessionService } from '../src/wire/loader.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const run = promisify(execFile);

/** The limits as the README words them. */
const LIMIT_ROWS: readonly (readonly [what: string, limit: string])[] = [
  ['a message, in either direction', `${MAX_MESSAGE_BYTES} bytes`],
  ['`tenant_id`', `${LIMITS.tenantId}`],
  ['`user_id`', `${LIMITS.userId}`],
  ['`client_id`', `${LIMITS.clientId}`],
  ['`device.device_id`, `device.name`', `${LIMITS.deviceId}, ${LIMITS.deviceName}`],
  ['`device.user_agent`, `device.ip_address`', `${LIMITS.userAgent}, ${LIMITS.ipAddress}`],
  ['`acr`', `${LIMITS.acr}`],
  ['`amr`', `${LIMITS.amrItems} of ${LIMITS.amrItem}`],
  ['`audiences`', `${LIMITS.audienceItems} of ${LIMITS.audience}`],
  ['`actor.reason`', `${LIMITS.actorReason}`],
  ['`claims`', `${LIMITS.claims} bytes of JSON, ${LIMITS.structDepth} levels`],
  ['`data`', `${LIMITS.data} bytes of JSON, ${LIMITS.structDepth} levels`],
  ['numbers in `claims` and `data`', 'no NaN, no integer beyond 2^53'],
  ['`request_id`, `session_id`', 'a UUID'],
  ['`states` of a list', `${LIMITS.states}`],
  ['`page_size`', `${LIMITS.pageSize}; ${LIMITS.defaultPageSize} where zero`],
  ['`page_token`', `${LIMITS.pageToken}`],
  ['`etag`', `${LIMITS.etag}`],
  ['`consistency_token`', `${LIMITS.consistencyToken} bytes`],
  [
    '`tenant_ids`, `cursor`, `subscriber_id` of a watch',
    `${LIMITS.watchTenants} of ${LIMITS.tenantId}, ${LIMITS.watchCursor} bytes, ${LIMITS.subscriberId}`,
  ],
  ['`requests` of a batch', `${LIMITS.batchItems}`],
];

/** The samples of one language, in their order. */
function samples(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1] ?? '');
}

/** The cells of the table that begins with this header. */
function table(header: string): string[][] {
  const [, rows = ''] = README.split(`${header}\n`);
  const lines = rows.split('\n').slice(1);
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) => line.slice(2, -2).split(' | '));
}

describe('README', () => {
  let server: SessionServer;
  let folder = '';
  const local = (sample: string) => sample.replaceAll('127.0.0.1:50051', `127.0.0.1:${server.grpcPort}`);

  before(async () => {
    const address = '127.0.0.1:0';
    const env = { STORE_URL: 'memory:', GRPC_ADDRESS: address, HTTP_ADDRESS: address, AUDIT_FILE: '/dev/null' };
    server = await startServer(readConfig(env), createLog('silent'));
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
    for (const name of ['node_modules', 'dist', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name));
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('has no other samples than those run here', () => {
    const languages = [...README.matchAll(/^```(\w+)$/gm)].map((match) => match[1]);
    assert.deepEqual(languages, ['sh', 'sh', 'js', 'sh', 'sh']);
  });

  it('starts the service with its first command', async () => {
    const [start = ''] = samples('sh');
    const env = { ...process.env, STORE_URL: 'memory:', GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0' };
    // What is built is being run: it must not be built anew beneath the other tests.
    const shell = spawn('bash', ['-c', `exec ${start.trim()} --old-file=dist/.built`], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    try {
      const lines: string[] = [];
      for await (const line of createInterface(shell.stdout)) {
        lines.push(line);
        if (line.includes('"serving"')) return;
      }
      assert.fail(`it ended without serving: ${lines.join('\n')}`);
    } finally {
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGTERM');
    }
  });

  it('makes the calls of the shell sample', async () => {
    const [, calls = ''] = samples('sh');
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', local(calls)], { cwd: folder });
    assert.match(stdout, /"role": ?"admin"/);
    assert.match(stdout, /"revoked": ?true/);
    assert.match(stdout, /INACTIVE_REASON_REVOKED"[^]*$/);
  });

  it('makes the calls of the Node sample', async () => {
    const [sample = ''] = samples('js');
    writeFileSync(join(folder, 'client.mjs'), local(sample));
    const { stdout } = await run(process.execPath, ['client.mjs'], { cwd: folder });
    assert.equal(stdout, 'alice local\nrevoked\n');
  });

  it('makes a caller with its command', async () => {
    const [, , command = ''] = samples('sh');
    const { stdout } = await run('bash', ['-c', command], { cwd: folder });
    const [, token = ''] = /^ {2}(sak_[\w-]{43})$/m.exec(stdout) ?? [];
    const entry = JSON.parse(stdout.slice(stdout.indexOf('\n{'))) as Record<string, unknown>;
    assert.deepEqual(entry, {
      name: 'gateway',
      tenants: ['acme'],
      scopes: ['sessions.validate', 'revocations.watch'],
      tokens_sha256: [createHash('sha256').update(token).digest('hex')],
    });
  });

  it('lists every make target through make help', async () => {
    const [, , , help = ''] = samples('sh');
    const { stdout } = await run('bash', ['-c', help], { cwd: ROOT });
    for (const target of ['run', 'test', 'check', 'audit', 'migrate', 'migrate-down', 'migrate-status', 'migration']) {
      assert.match(stdout, new RegExp(`make ${target} `));
    }
  });

  it('names every RPC', () => {
    const rpcs = table('| RPC | what it does |').map(([rpc]) => rpc);
    assert.deepEqual(new Set(rpcs), new Set(Object.keys(loadSessionService())));
  });

  it('names every command', async () => {
    const { stdout } = await run(process.execPath, ['dist/src/main.js', '--help'], { cwd: ROOT });
    const [, shown = ''] = /^commands:\n([^]*?)\n\n/m.exec(stdout) ?? [];
    const names = [...shown.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name);
    const rows = table('| `session-authority …` | what it does |');
    assert.deepEqual(
      rows.map(([command]) => /^`([a-z-]+)/.exec(command ?? '')?.[1]),
      names,
    );
  });

  it('names every variable with its default', () => {
    const rows = CONFIG_VARIABLES.map(({ name, defaultText, meaning }) => [
      name,
      defaultText && `\`${defaultText}\``,
      meaning,
    ]);
    assert.deepEqual(table('| variable | default | meaning |'), rows);
  });

  it('states every limit', () => {
    assert.deepEqual(table('| what | limit |'), LIMIT_ROWS);
  });
});

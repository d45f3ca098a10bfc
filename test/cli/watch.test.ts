import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { hashServiceToken, newServiceToken } from '../../src/access/credential.ts';
import type { Revocation } from '../../src/wire/gen/sessionauthority/v1/Revocation.ts';
import type { WatchRevocationsResponse } from '../../src/wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { msToDuration, msToTimestamp } from '../../src/wire/time.ts';
import { ScriptedService, until } from '../client/scripted_service.ts';
import { type SessionClient } from '../grpc/client.ts';
import { range } from '../grpc/expect.ts';
import {
  type Env,
  freePort,
  startService,
  startTestServer,
  temporaryFolder,
  TestProcess,
  type TestServer,
} from '../harness.ts';
import { createAuthority } from '../servers/certificates.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const TIME = Date.UTC(2026, 2, 1, 12);
const OPENED = {
  start: 'START_SNAPSHOT',
  heartbeat: msToDuration(10_000),
  maxAccessTokenTtl: msToDuration(86_400_000),
};
const SNAPSHOT = { opened: OPENED } as WatchRevocationsResponse;
const RESUMED = { opened: { ...OPENED, start: 'START_RESUMED' } } as WatchRevocationsResponse;
const AT = {
  revokeTime: msToTimestamp(TIME),
  discardAfterTime: msToTimestamp(TIME + 3_600_000),
  reason: 'REVOCATION_REASON_ADMIN',
} as const;

const SCOPES: readonly Revocation[] = [
  { session: { tenantId: '', sessionId: 's1' } },
  { session: { tenantId: 'acme', sessionId: 's2', minVersion: 3 } },
  { user: { tenantId: 'acme', userId: 'alice', minGeneration: 7 } },
  { user: { tenantId: 'acme', userId: 'al of tenant x\u202e', minGeneration: 7, exceptSessionId: 's3' } },
  { client: { tenantId: 'acme', clientId: 'web', minGeneration: 7 } },
  { tenant: { tenantId: 'acme', minGeneration: 7 } },
  { tenant: { tenantId: '', minGeneration: 7 } },
  { key: { kid: 'k1' }, discardAfterTime: null },
  { global: { minGeneration: 7 } },
];

const LINES = [
  'session s1: admin',
  'access tokens below version 3 of session s2 of tenant acme: admin',
  'user alice of tenant acme: admin',
  'user "al of tenant x\\u{202e}" of tenant acme except session s3: admin',
  'client web of tenant acme: admin',
  'tenant acme: admin',
  'every session without a tenant: admin',
  'signing key k1: admin',
  'every session: admin',
].map((text) => `2026-03-01T12:00:00.000Z ${text}`);

function batch(cursor: string, ...revocations: readonly Revocation[]): WatchRevocationsResponse {
  const all = revocations.map((revocation) => ({ ...AT, ...revocation }));
  return { batch: { revocations: all, cursor: Buffer.from(cursor) } };
}

function chunk(cursor: string, ...revocations: readonly Revocation[]): WatchRevocationsResponse {
  return { snapshotChunk: { ...batch(cursor, ...revocations).batch, complete: true } };
}

function checkpoint(stalenessMs: number): WatchRevocationsResponse {
  const asOfTime = msToTimestamp(Date.now());
  return { checkpoint: { cursor: Buffer.from('c'), staleness: msToDuration(stalenessMs), asOfTime } };
}

function revoke(client: SessionClient, userId: string): Promise<unknown> {
  return client.call('RevokeSessions', { tenantId: 'acme', userId });
}

describe('watch', () => {
  let service: ScriptedService;
  let processes: TestProcess[];

  beforeEach(async () => {
    service = await ScriptedService.start();
    processes = [];
  });

  afterEach(async () => {
    for (const process of processes) process.signal('SIGKILL');
    await service.stop();
  });

  const run = (args: readonly string[], env: Env = {}) => {
    const process = new TestProcess(['watch', ...args], env);
    processes.push(process);
    return process;
  };
  const watch = (...args: string[]) => run([...args, `127.0.0.1:${service.port}`]);
  const lines = ({ stdout }: TestProcess) => stdout.split('\n').slice(0, -1);
  const line = (process: TestProcess, pattern: RegExp) =>
    until(() => lines(process).some((text) => pattern.test(text)));

  it('shows what ends, and how many revocations were in force before', async () => {
    const process = watch();
    (await service.next()).send(SNAPSHOT, chunk('c1', ...SCOPES), batch('c2', ...SCOPES));
    await line(process, /every session: admin/);
    const [first = '', ...rest] = lines(process);
    assert.match(first, /^\d{4}-\d\d-\d\dT[\d:.]+Z snapshot: 9 revocations in force$/);
    assert.deepEqual(rest, LINES);
    process.signal('SIGINT');
    assert.deepEqual([await process.exit, process.stderr], [{ code: 0, signal: null }, '']);
  });

  it('shows those one by one where asked to, of the tenants asked for, at the address of the environment', async () => {
    const process = run(['--snapshot', '--tenant', 'acme', '--tenant=other'], {
      GRPC_ADDRESS: `127.0.0.1:${service.port}`,
    });
    const stream = await service.next();
    const { tenantIds, cursor, subscriberId } = stream.request;
    assert.deepEqual([tenantIds, cursor.length], [['acme', 'other'], 0]);
    assert.match(subscriberId, /watch/);
    stream.send(SNAPSHOT, chunk('c1', ...SCOPES));
    await line(process, /snapshot/);
    const [whose = '', ...rest] = lines(process);
    assert.match(whose, /Z revocations of these tenants alone: acme, other$/);
    assert.deepEqual(rest.slice(0, -1), LINES);
    process.signal('SIGTERM');
    assert.deepEqual(await process.exit, { code: 0, signal: null });
  });

  it('says whose revocations come where these are not all', async () => {
    const process = watch();
    const tenantIds = ['', 'a b', ...range(10).map((index) => `t${index}`)];
    (await service.next()).send({ opened: { ...SNAPSHOT.opened, tenantIds } }, chunk('c1'));
    await line(process, /snapshot/);
    const named = '"", "a b", t0, t1, t2, t3, t4, t5, t6, t7 and 2 more';
    assert(lines(process)[0]?.endsWith(` revocations of these tenants alone: ${named}`));
  });

  it('says when it loses the service, and when it is there again', async () => {
    const process = watch();
    const first = await service.next();
    first.send(SNAPSHOT, chunk('c1', ...SCOPES), { closing: { retryAfter: msToDuration(10) } });
    first.end();
    const second = await service.next();
    assert.equal(second.request.cursor.toString(), 'c1');
    second.refuse(status.UNAVAILABLE, 'STORE_UNAVAILABLE');
    (await service.next()).send(RESUMED, { reset: { cause: 'CAUSE_LAGGED' } }, chunk('c2', SCOPES[0] as Revocation));
    await line(process, /1 revocations/);
    const texts = lines(process).map((text) => text.replace(/^\S+Z /, ''));
    assert.equal(texts.length, 5);
    assert.equal(texts[0], 'snapshot: 9 revocations in force');
    assert.match(texts[1] ?? '', /^disconnected: the service ends its streams; next attempt in \d\.\d s$/);
    assert.deepEqual(texts.slice(2), [
      'resumed',
      'the service sends all revocations again: lagged',
      'snapshot: 1 revocations in force',
    ]);
  });

  it('says when what it shows may be late, when that is over, and what it does not understand', async () => {
    const process = watch();
    const stream = await service.next();
    stream.send(SNAPSHOT, chunk('c1'), checkpoint(90_000));
    await line(process, /stale: revocations of the last 90\.\d s may be missing$/);
    stream.send(checkpoint(20), batch('c2', {}));
    await line(process, /a kind that this version does not know/);
    assert.equal(lines(process).filter((text) => text.endsWith(' fresh again')).length, 1);
  });

  it('writes every event as an object on a line', async () => {
    const process = watch('--json');
    const first = await service.next();
    assert.deepEqual(first.metadata.get('authorization'), []);
    first.send(SNAPSHOT, chunk('c1', SCOPES[0] as Revocation), batch('c2', SCOPES[3] as Revocation));
    first.send(batch('c3', SCOPES[7] as Revocation), batch('c4', {}), checkpoint(90_000), checkpoint(0));
    await line(process, /fresh/);
    first.refuse(status.UNAVAILABLE);
    const second = await service.next();
    second.send(RESUMED, { reset: { cause: 'CAUSE_TRUNCATED' } });
    await line(process, /truncated/);
    second.refuse(status.INVALID_ARGUMENT, 'INVALID_FIELD');
    assert.equal((await process.exit).code, 1);
    const events = lines(process).map((text) => JSON.parse(text) as Record<string, unknown>);
    const opened = { heartbeat_ms: 10_000, max_access_token_ttl_ms: 86_400_000, tenant_ids: [] };
    const revocation = { snapshot: false, reason: 'admin', revoke_time: '2026-03-01T12:00:00.000Z' };
    const discard_after_time = '2026-03-01T13:00:00.000Z';
    const all = events.map(({ time, ...event }) => {
      assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      return event;
    });
    // On a machine that is held up it grows stale once more.
    const shown = all.filter(({ event }, index) => event !== 'stale' || index === 6);
    const at = (index: number, name: string) => shown[index]?.[name];
    assert.deepEqual(shown, [
      { event: 'opened', start: 'snapshot', ...opened },
      { event: 'snapshot_complete', count: 1 },
      {
        event: 'revocation',
        scope: 'user',
        tenant_id: 'acme',
        user_id: 'al of tenant x\u202e',
        min_generation: 7,
        except_session_id: 's3',
        ...revocation,
        discard_after_time,
      },
      { event: 'revocation', scope: 'key', kid: 'k1', ...revocation, discard_after_time: null },
      { event: 'unknown_scope' },
      { event: 'checkpoint', staleness_ms: 90_000, age_ms: at(5, 'age_ms'), as_of_time: at(5, 'as_of_time') },
      { event: 'stale', age_ms: at(6, 'age_ms') },
      { event: 'checkpoint', staleness_ms: 0, age_ms: at(7, 'age_ms'), as_of_time: at(7, 'as_of_time') },
      { event: 'fresh', age_ms: at(8, 'age_ms') },
      {
        event: 'disconnected',
        reason: 'broken',
        text: 'UNAVAILABLE: as the script says',
        retry_ms: at(9, 'retry_ms'),
      },
      { event: 'opened', start: 'resumed', ...opened },
      { event: 'reset', cause: 'truncated' },
      { event: 'refused', reason: 'INVALID_FIELD', text: 'INVALID_ARGUMENT: as the script says' },
    ]);
  });

  it('fails with one line where it is refused for good', async () => {
    for (const code of [status.UNIMPLEMENTED, status.PERMISSION_DENIED, status.UNAUTHENTICATED]) {
      const process = watch();
      (await service.next()).refuse(code);
      assert.equal((await process.exit).code, 1);
      const text = `the service refuses to be watched: ${status[code]}: as the script says\n`;
      assert.deepEqual([process.stdout, process.stderr], ['', text]);
    }
  });

  it('waits for a service that is not there yet', async () => {
    const process = run([`localhost:${await freePort()}`]);
    await line(process, /disconnected: UNAVAILABLE: /);
    process.signal('SIGTERM');
    assert.equal((await process.exit).code, 0);
    assert.equal(lines(process).length, 1);
  });

  it('shows what a service revokes, before and after its restart', async () => {
    const folder = temporaryFolder();
    const port = await freePort();
    const env = { STORE_URL: `sqlite:${join(folder.path, 'sessions.db')}`, GRPC_ADDRESS: `127.0.0.1:${port}` };
    const first = await startService(env);
    await revoke(first.client, 'before');
    const process = run(['--tenant', 'acme', '--snapshot', `127.0.0.1:${port}`]);
    await line(process, / user before of tenant acme: admin$/);
    await line(process, / snapshot: 1 revocations in force$/);
    await revoke(first.client, 'while');
    await line(process, / user while of tenant acme: admin$/);
    assert.equal((await first.end()).code, 0);
    await line(process, / disconnected: the service ends its streams; /);
    const second = await startService(env);
    await revoke(second.client, 'after');
    await line(process, / user after of tenant acme: admin$/);
    process.signal('SIGTERM');
    assert.deepEqual([(await process.exit).code, process.stderr], [0, '']);
    const texts = lines(process).map((text) => text.replace(/^\S+Z /, ''));
    assert.equal(texts.filter((text) => text === 'resumed').length, 1);
    assert.equal(texts.filter((text) => text.includes('while')).length, 1);
    await second.end();
    folder.remove();
  });

  describe('who it is', () => {
    const folder = temporaryFolder();
    const token = newServiceToken();
    const names = ['DNS:watch.internal'];
    const callers = [
      { name: 'by-token', tokens_sha256: [hashServiceToken(token)] },
      { name: 'by-certificate', certificate_names: names },
    ].map((caller, index) => ({ ...caller, scopes: ['revocations.watch'], tenants: [`t${index}`] }));
    const tls: string[] = [];
    let server: TestServer;

    before(async () => {
      const authority = await createAuthority(folder.path, 'ours');
      const { cert, key } = await authority.issue('localhost');
      const ours = await authority.issue('watch.internal');
      writeFileSync(join(folder.path, 'callers.json'), JSON.stringify({ callers }));
      server = await startTestServer('memory', {
        CALLERS_FILE: join(folder.path, 'callers.json'),
        TLS_CERT_FILE: cert,
        TLS_KEY_FILE: key,
        TLS_CLIENT_CA_FILE: authority.cert,
      });
      tls.push('--ca', authority.cert, '--cert', ours.cert, '--key', ours.key);
    });
    after(async () => {
      await server.stop();
      folder.remove();
    });

    it('proves by a token of the environment, or a certificate', async () => {
      for (const [args, env, tenantId] of [
        [tls.slice(0, 2), { SERVICE_TOKEN: token }, 't0'],
        [tls, {}, 't1'],
        [tls, { SERVICE_TOKEN: token }, 't0'],
      ] as const) {
        const process = run([...args, `localhost:${server.grpcPort}`], env);
        await line(process, / snapshot: 0 revocations in force$/);
        assert.match(process.stdout, new RegExp(`^\\S+ revocations of these tenants alone: ${tenantId}\n`));
      }
    });

    it('says why it is let in by nobody', async () => {
      for (const env of [{}, { SERVICE_TOKEN: newServiceToken() }]) {
        const process = run([...tls.slice(0, 2), `localhost:${server.grpcPort}`], env);
        assert.equal((await process.exit).code, 1);
        assert.match(
          process.stderr,
          /^the service refuses to be watched: UNAUTHENTICATED: the caller is not known: .*\n$/,
        );
      }
      // The certificate is not of that name.
      const process = run([...tls, `127.0.0.1:${server.grpcPort}`]);
      await line(process, /disconnected: UNAVAILABLE: /);
    });

    it('tells nobody but the service', async () => {
      const open = run(['sessions.internal:1'], { SERVICE_TOKEN: token });
      const broken = run(['127.0.0.1:1'], { SERVICE_TOKEN: `${token}\n` });
      for (const process of [open, broken]) {
        assert.equal((await process.exit).code, 2);
        assert.match(process.stderr, /^SERVICE_TOKEN: .*\n$/);
        assert(!`${process.stderr}${process.stdout}`.includes(token));
      }
      assert.match(open.stderr, /without TLS to dns:\/\/\/sessions.internal:1/);
    });

    it('ends with 1 where a file can not be used', async () => {
      const [, ca = '', , cert = '', , key = ''] = tls;
      const missing = join(folder.path, 'missing');
      for (const [args, text] of [
        [['--ca', missing], `--ca: can not read ${missing} (ENOENT)`],
        [['--ca', key], `--ca: no certificate is in ${key}; give one in PEM`],
        [['--ca', ca, '--cert', cert, '--key', missing], `--key: can not read ${missing} (ENOENT)`],
        [
          ['--ca', ca, '--cert', ca, '--key', key],
          '--cert, --key: are not a certificate and its key; give both in PEM',
        ],
      ] as const) {
        const process = run([...args, 'localhost:1']);
        assert.equal((await process.exit).code, 1);
        assert.deepEqual([process.stdout, process.stderr], ['', `${text}\n`]);
      }
    });
  });

  it('ends with 0 where nobody reads on', async () => {
    const address = `127.0.0.1:${service.port}`;
    const pipe = `"$0" "$1" watch ${address} | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const shell = promisify(execFile)('bash', ['-c', pipe, process.execPath, MAIN]);
    const stream = await service.next();
    stream.send(SNAPSHOT, chunk('c1'));
    await until(() => {
      stream.send(batch('c2', ...SCOPES));
      return service.connections === 0;
    });
    assert.match((await shell).stdout, /snapshot: 0 revocations in force\n0\n$/);
  });

  it('ends with 2 and its usage where it is not understood', async () => {
    for (const args of [
      ['--port'],
      ['a:1', 'b:2'],
      ['nowhere'],
      ['--tenant'],
      ['--json=yes'],
      ['--token', 'x'],
      ['--ca'],
      ['--ca', 'x', '--cert', 'x'],
      ['--ca', 'x', '--key', 'x'],
      ['--cert', 'x', '--key', 'x'],
    ]) {
      const process = run(args);
      assert.equal((await process.exit).code, 2, args.join(' '));
      assert.equal(process.stdout, '');
      assert.match(
        process.stderr,
        /^usage: session-authority [^]*\n  watch \[--json\] \[--snapshot\] \[--tenant ID\]... \[--ca FILE \[--cert FILE --key FILE\]\] \[ADDRESS\]\n/,
      );
    }
    const process = run([], { GRPC_ADDRESS: 'nowhere' });
    assert.equal((await process.exit).code, 2);
    assert.match(process.stderr, /^GRPC_ADDRESS: is not an address; allowed: .*\n$/);
  });
});

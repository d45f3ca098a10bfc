import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer, temporaryFolder, type TestServer } from '../harness.ts';
import { runProgram } from '../servers/process.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  exports: Record<string, unknown>;
};

/** What a program imports, and one thing that each gives. */
const ENTRIES = {
  './client': 'SessionVerifier',
  './client/cookies': 'SessionCookie',
  './client/express': 'authenticate',
  './client/fastify': 'authenticate',
  './client/grpc': 'authenticate',
};

const PROGRAM = `
${Object.entries(ENTRIES)
  .map(([entry, name], index) => `import { ${name} as entry${index} } from 'session-authority${entry.slice(1)}';`)
  .join('\n')}
import { CallError, SessionAuthorityClient, SessionError, type CallOptions, type Session } from 'session-authority/client';

const authority = new SessionAuthorityClient({ target: process.argv[2] ?? '' });
const options: CallOptions = { deadlineMs: 30_000 };
const { session, tokens } = await authority.createSession({ userId: 'alice', claims: { role: 'admin' } }, options);
const read: Session = await authority.getSession({ session: { accessToken: tokens.accessToken } }, options);
if (read.sessionId !== session.sessionId) throw new Error('another session');
const refused: unknown = await authority.refreshSession({ refreshToken: 'x' }, options).catch((error: unknown) => error);
if (!(refused instanceof SessionError) || refused instanceof CallError) throw new Error('another error');
if ([entry0, entry1, entry2, entry3, entry4].some((entry) => typeof entry !== 'function')) throw new Error('no entry');
console.log(refused.code);
authority.close();
`;

/** How a project of today, and one whose bundler resolves, is set up. */
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const;

describe('the package, packed and installed', () => {
  const folder = temporaryFolder();
  const project = folder.path;
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
    const env = {
      PATH: process.env['PATH'] ?? '',
      npm_config_offline: 'true',
      npm_config_cache: join(project, 'cache'),
    };
    await runProgram('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: ROOT, env });
    const installed = join(project, 'node_modules/session-authority');
    mkdirSync(installed, { recursive: true });
    const archive = join(project, `session-authority-${MANIFEST.version}.tgz`);
    await runProgram('tar', ['-xzf', archive, '--strip-components=1', '-C', installed]);
    for (const name of [...Object.keys(MANIFEST.dependencies), '@types/node']) {
      mkdirSync(join(project, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'program.ts'), PROGRAM);
  });
  after(async () => {
    await server.stop();
    folder.remove();
  });

  const compile = async (resolution: keyof typeof RESOLUTIONS) => {
    const compilerOptions = {
      ...RESOLUTIONS[resolution],
      target: 'es2023',
      lib: ['es2023'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      outDir: resolution,
    };
    const file = join(project, `${resolution}.json`);
    writeFileSync(file, JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    return runProgram(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', file], { cwd: project });
  };

  for (const resolution of Object.keys(RESOLUTIONS) as (keyof typeof RESOLUTIONS)[]) {
    it(`types a program that resolves modules as ${resolution} does, and runs in it`, async () => {
      assert.equal(await compile(resolution), '');
      const args = [join(project, resolution, 'program.js'), `127.0.0.1:${server.grpcPort}`];
      assert.equal(await runProgram(process.execPath, args, { cwd: project }), 'REFRESH_TOKEN_INVALID\n');
    });
  }

  it('exports nothing else of the client', async () => {
    const entries = Object.keys(MANIFEST.exports).filter((name) => name.startsWith('./client'));
    assert.deepEqual(entries, Object.keys(ENTRIES));
    assert(existsSync(join(project, 'node_modules/session-authority/dist/src/client/calls.js')));
    const deep = `import 'session-authority/dist/src/client/calls.js';`;
    const run = runProgram(process.execPath, ['--input-type=module', '-e', deep], { cwd: project });
    await assert.rejects(run, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SessionAuthorityClient } from '../src/client/index.ts';
import { SAFETY } from '../src/client/repeats.ts';
import { startTestServer, temporaryFolder, type TestServer } from './harness.ts';
import { runProgram } from './servers/process.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/node-client.md'), 'utf8');

/** The sections of the second level, by their titles. */
const SECTIONS = new Map(
  TEXT.split(/^## /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);
const CALLING = SECTIONS.get('Calling the service') ?? '';

/** The rows of the table with this header. */
function table(header: string): string[][] {
  const [, rows = ''] = CALLING.split(`${header}\n`);
  const lines = rows.split('\n').slice(1);
  return lines.slice(0, lines.indexOf('')).map((line) => line.slice(2, -2).split(' | '));
}

function namesOf(text = ''): string[] {
  return text.split(', ').map((name) => name.replaceAll('`', ''));
}

describe('docs/node-client.md, on calling the service', () => {
  const folder = temporaryFolder();
  const samples = [...CALLING.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, language, text = '']) => [language, text]);
  let server: TestServer;
  before(() => {
    mkdirSync(join(folder.path, 'node_modules'));
    symlinkSync(ROOT, join(folder.path, 'node_modules/session-authority'));
  });
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.stop());
  after(() => folder.remove());

  it('has no other samples than those run here', () => {
    assert.deepEqual(
      samples.map(([language]) => language),
      ['js', 'js', 'js'],
    );
  });

  for (const [index, shown] of [
    /^true \{ role: 'admin' \}\n[0-9a-f-]{36} Alice’s phone \S+Z\nrevoked\nrevoked\n$/,
    /^log in again\n$/,
    /^session logout\n$/,
  ].entries()) {
    it(`has sample ${index + 1} do what it says`, async () => {
      const sample = (samples[index]?.[1] ?? '').replaceAll('127.0.0.1:50051', `127.0.0.1:${server.grpcPort}`);
      writeFileSync(join(folder.path, 'sample.mjs'), sample);
      assert.match(await runProgram(process.execPath, ['sample.mjs'], { cwd: folder.path }), shown);
    });
  }

  it('names every method with its RPCs', () => {
    const rows = table('| method | RPC |');
    const methods = Object.getOwnPropertyNames(SessionAuthorityClient.prototype);
    assert.deepEqual(
      new Set(rows.flatMap(([names]) => namesOf(names))),
      new Set(methods.filter((name) => name !== 'constructor' && name !== 'close')),
    );
    const rpcs = rows.flatMap(([, names]) => namesOf(names));
    assert.deepEqual(new Set(rpcs), new Set([...Object.keys(SAFETY), 'WatchRevocations']));
  });

  it('says which calls are repeated', () => {
    const words = { read: 'yes', request_id: 'under its request id', etag: 'with an etag' } as const;
    const said = table('| method | repeated |').map(([method = '', word = '']) => {
      const name = method.replaceAll('`', '');
      const rpc =
        name === 'validateSessions' ? 'BatchValidateSessions' : name.replace(/^./, (first) => first.toUpperCase());
      return [rpc, word.replace(', within 5 s', '')];
    });
    assert.deepEqual(
      Object.fromEntries(said),
      Object.fromEntries(Object.entries(SAFETY).map(([rpc, safety]) => [rpc, words[safety]])),
    );
  });
});

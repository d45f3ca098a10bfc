import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer, temporaryFolder } from './harness.ts';
import { runProgram } from './servers/process.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/node-client.md'), 'utf8');
const VERIFYING = TEXT.split(/^## /m).find((section) => section.startsWith('Verifying\n')) ?? '';

describe('docs/node-client.md, on verifying', () => {
  const samples = [...VERIFYING.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, , text = '']) => text);

  it('has one sample, which does what it says', async () => {
    const folder = temporaryFolder();
    const server = await startTestServer();
    try {
      mkdirSync(join(folder.path, 'node_modules'));
      symlinkSync(ROOT, join(folder.path, 'node_modules/session-authority'));
      assert.equal(samples.length, 1);
      const sample = (samples[0] ?? '').replaceAll('127.0.0.1:50051', `127.0.0.1:${server.grpcPort}`);
      writeFileSync(join(folder.path, 'sample.mjs'), sample);
      const shown = await runProgram(process.execPath, ['sample.mjs'], { cwd: folder.path });
      assert.equal(shown, "alice { role: 'admin' } local\ntrue revoked\n");
    } finally {
      await server.stop();
      folder.remove();
    }
  });
});

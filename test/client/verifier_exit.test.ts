import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startTestServer, type TestServer } from '../harness.ts';

const PROGRAM = fileURLToPath(new URL('verifier_exit_program.js', import.meta.url));
const LIMIT_MS = 60_000;

describe('a program with a verifier that is closed', function () {
  this.timeout(2 * LIMIT_MS);
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });

  after(() => server.stop());

  for (const state of ['ready', 'just made', 'without a service', 'watching', 'with a call under way']) {
    it(`ends by itself: ${state}`, async () => {
      const args = [PROGRAM, state, String(server.grpcPort), String(await freePort())];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: LIMIT_MS });
      assert.deepEqual([stdout, stderr], ['done\n', '']);
    });
  }
});

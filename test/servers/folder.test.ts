import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { queryOnce } from './postgres.ts';
import { until } from './process.ts';
import { describeOn } from './stores.ts';

/** Lives until it is killed, or this process ends. */
const OWNER = `
import { PostgresServer } from '${new URL('postgres.js', import.meta.url).href}';
const server = await PostgresServer.create();
if (process.argv[1] === 'frozen') server.freeze();
console.log(JSON.stringify({ url: server.url, logFile: server.logFile }));
process.stdin.on('end', () => process.exit()).resume();
`;

describeOn('postgres', () => {
  describe('a server whose owner was killed', () => {
    for (const state of ['running', 'frozen']) {
      it(`ends, and its folder goes, if it was ${state}`, async () => {
        const owner = spawn(process.execPath, ['--input-type=module', '--eval', OWNER, state], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        const [line] = await once(owner.stdout, 'data');
        const { url, logFile } = JSON.parse(String(line)) as { url: string; logFile: string };
        assert.ok(existsSync(logFile));
        owner.kill('SIGKILL');
        await until('its folder is gone', async () => !existsSync(dirname(logFile)));
        await assert.rejects(queryOnce(url, 'select 1'), { code: 'ECONNREFUSED' });
      });
    }
  });
});

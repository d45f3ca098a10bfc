import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { begin, refreshCommand, revokeCommand, stateOf } from '../src/store/conformance/commands.ts';
import { DEFAULT_RULES } from '../src/store/conformance.ts';
import { openRedisStore } from '../src/store/redis/store.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { RedisStandalone } from './servers/redis.ts';
import { describeOn } from './servers/stores.ts';
import { locationOf, optionsOf } from './store/redis/harness.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/redis.md'), 'utf8');
const SAMPLES = [...TEXT.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, language, text = '']) => ({
  language,
  text: text.trim(),
}));
const run = promisify(execFile);

describeOn('redis', () => {
  describe('docs/redis.md', () => {
    let server: RedisStandalone;

    before(async () => {
      server = await RedisStandalone.create();
    });

    after(() => server.remove());

    it('has no other samples than those run here', () => {
      assert.deepEqual(
        SAMPLES.map(({ language }) => language),
        ['redis', 'sh'],
      );
    });

    it('gives the service a user that can do what it needs, and revokes all that had begun', async () => {
      const [name = '', ...args] = (SAMPLES[0]?.text ?? '').split(' ');
      assert.equal(await server.node.command(name, ...args), 'OK');
      const url = server.url.replace('redis://', 'redis://session_service:choose-one@');
      const store = await openRedisStore(locationOf(url), optionsOf('sa:'), DEFAULT_RULES, { ms: 0 });
      const [first, second] = [await begin(store), await begin(store)];
      assert.equal((await store.refresh(refreshCommand(first))).kind, 'rotated');
      await store.revoke(revokeCommand(first));
      assert.deepEqual([await stateOf(store, first), await stateOf(store, second)], ['revoked', 'active']);
      const { stdout } = await run('bash', ['-c', SAMPLES[1]?.text ?? ''], {
        cwd: ROOT,
        env: { ...process.env, STORE_URL: url, MASTER_KEY: generateMasterKey().toString('base64') },
      });
      assert.equal(stdout, 'revoked every session that had begun\n');
      assert.equal(await stateOf(store, second), 'revoked');
      store.close();
    });
  });
});

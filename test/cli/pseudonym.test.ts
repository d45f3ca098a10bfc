import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { open } from '../grpc/expect.ts';
import { type Env, startService, temporaryFolder, TestProcess } from '../harness.ts';

describe('pseudonym', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(folder.remove);

  const run = async (env: Env, ...args: readonly string[]) => {
    const process = new TestProcess(['pseudonym', ...args], env);
    const { code } = await process.exit;
    return { code, stdout: process.stdout, stderr: process.stderr };
  };

  it('prints what the audit of a service says, however that has its master key', async () => {
    const key = generateMasterKey().toString('base64');
    const [keyFile, own] = [join(folder.path, 'key'), join(folder.path, 'own.db')];
    writeFileSync(keyFile, `${key}\n`);
    const cases: Env[] = [
      { STORE_URL: 'memory:', MASTER_KEY: key },
      { STORE_URL: 'memory:', MASTER_KEY_FILE: keyFile },
      { STORE_URL: `sqlite:${own}` },
    ];
    const users = new Set<string>();
    for (const [index, env] of cases.entries()) {
      const AUDIT_FILE = join(folder.path, `${index}.log`);
      const service = await startService({ ...env, AUDIT_FILE });
      const { session } = await open(service.client, { tenantId: 'acme', userId: 'ann' });
      await open(service.client, { userId: 'ann' });
      await service.end();
      const [first, second] = readFileSync(AUDIT_FILE, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, string>);
      const printed = [
        await run(env, 'user', 'ann', '--tenant', 'acme'),
        await run(env, 'user', 'ann'),
        await run(env, 'session', session.sessionId),
      ];
      assert.deepEqual(
        printed,
        [first?.['user'], second?.['user'], first?.['session']].map((name) => ({
          code: 0,
          stdout: `${name}\n`,
          stderr: '',
        })),
      );
      users.add(first?.['user'] ?? '');
    }
    assert.equal(users.size, 2, 'the first two have the same key');
  });

  it('ends with 1 and a line where the master key can not be had', async () => {
    const { code, stdout, stderr } = await run({ STORE_URL: 'memory:' }, 'user', 'ann');
    assert.match(stderr, /^memory: its master key is made at start .*: set MASTER_KEY\n$/);
    assert.deepEqual([code, stdout], [1, '']);
    const missing = await run({ STORE_URL: `sqlite:${join(folder.path, 'none.db')}` }, 'user', 'ann');
    assert.match(missing.stderr, /none\.db\.master-key/);
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
  });

  it('ends with 2 and the usage where the arguments are not understood', async () => {
    for (const args of [[], ['user'], ['client', 'x'], ['user', 'a', 'b'], ['session', 'a', '--tenant', 'b']]) {
      const { code, stdout, stderr } = await run({ STORE_URL: 'memory:' }, ...args);
      assert.match(stderr, /^usage: /, args.join(' '));
      assert.deepEqual([code, stdout], [2, '']);
    }
  });
});

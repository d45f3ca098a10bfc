import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runRevokeAll } from '../../src/cli/revoke_all.ts';
import { readConfig } from '../../src/config.ts';
import { assertVerdict, open } from '../grpc/expect.ts';
import { startTestServer, temporaryFolder } from '../harness.ts';

describe('revoke-all', () => {
  const run = async (STORE_URL: string) => {
    const lines: string[] = [];
    const code = await runRevokeAll(readConfig({ STORE_URL }), (line) => lines.push(line));
    return { code, lines };
  };

  it('ends every session that had begun, of every tenant, beside a running service', async () => {
    const server = await startTestServer('sqlite');
    const [first, second] = [
      await open(server.client, { userId: 'ann' }),
      await open(server.client, { tenantId: 'other' }),
    ];
    const all = await run(`sqlite:${server.databasePath}`);
    assert.deepEqual(all, { code: 0, lines: ['revoked every session that had begun'] });
    for (const { tokens } of [first, second]) await assertVerdict(server.client, tokens.accessToken, 'REVOKED');
    const later = await open(server.client, { userId: 'ann' });
    await assertVerdict(server.client, later.tokens.accessToken, 'ACTIVE');
    await server.stop();
  });

  it('makes no store to revoke in', async () => {
    const folder = temporaryFolder();
    const { code, lines } = await run(`sqlite:${join(folder.path, 'none.db')}`);
    assert.equal(code, 1);
    assert.match(lines.join('\n'), /^there is no database .*: nothing to revoke$/);
    assert.equal((await run('memory:')).code, 1);
    folder.remove();
  });
});

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readConfig } from '../src/config.ts';
import { begin, refreshCommand, revokeCommand, stateOf } from '../src/store/conformance/commands.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { temporaryFolder } from './harness.ts';
import { PostgresServer, queryOnce } from './servers/postgres.ts';
import { programsOf } from './servers/programs.ts';
import { describeOn } from './servers/stores.ts';
import { openStore } from './store/postgres/database.ts';

const ROOT = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '');
const TEXT = readFileSync(join(ROOT, 'docs/postgres.md'), 'utf8');
const SAMPLES = [...TEXT.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const run = promisify(execFile);

describeOn('postgres', () => {
  describe('docs/postgres.md', function () {
    this.timeout(120_000);
    const folder = temporaryFolder();
    let server: PostgresServer;
    let owner: string;

    before(async () => {
      server = await PostgresServer.create();
      owner = `postgres://session_authority_owner:choose-one@127.0.0.1:${server.port}/sessions`;
    });

    after(async () => {
      await server.remove();
      folder.remove();
    });

    /** The samples are run in their order: each builds on those before. */
    const sample = (index: number, language: string) => {
      assert.equal(SAMPLES[index]?.language, language);
      // The test server's superuser has the name of the role.
      return SAMPLES[index].text
        .replaceAll('127.0.0.1:5432', `127.0.0.1:${server.port}`)
        .replaceAll(/session_authority\b/g, 'session_authority_owner');
    };
    const sql = async (url: string, index: number) => {
      for (const statement of sample(index, 'sql')
        .split(/;\n/)
        .filter((text) => text.trim() !== ''))
        await queryOnce(url, statement);
    };
    const shell = (text: string, env: Record<string, string> = {}) => {
      const path = `${programsOf('postgres')}:${process.env['PATH']}`;
      return run('bash', ['-euo', 'pipefail', '-c', text], { cwd: ROOT, env: { ...process.env, PATH: path, ...env } });
    };

    it('has no other samples than those run here', () => {
      assert.deepEqual(
        SAMPLES.map(({ language }) => language),
        ['sql', 'sh', 'sql', 'sql', 'sql', 'sql', 'sh', 'sh'],
      );
    });

    it('sets a database up, migrates it and serves from it', async () => {
      await sql(server.url, 0);
      const env = {
        ...process.env,
        GRPC_ADDRESS: '127.0.0.1:0',
        HTTP_ADDRESS: '127.0.0.1:0',
        // What is built is being run: it must not be built anew beneath the other tests.
        MAKEFLAGS: '--old-file=dist/.built',
      };
      const service = spawn('bash', ['-euc', sample(1, 'sh').replace('make run', 'exec make run')], {
        cwd: ROOT,
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const lines: string[] = [];
        for await (const line of createInterface(service.stdout)) {
          lines.push(line);
          if (line.includes('"serving"')) return;
        }
        assert.fail(`it ended without serving: ${lines.join('\n')}`);
      } finally {
        if (service.pid !== undefined) process.kill(-service.pid, 'SIGTERM');
      }
    });

    it('gives the service a role that can do what it needs', async () => {
      // The sample makes the role too, which only a role that may can.
      await queryOnce(server.url, 'ALTER ROLE session_authority_owner CREATEROLE');
      await sql(owner, 2);
      await sql(server.url, 3);
      const url = owner.replace('session_authority_owner:choose-one', 'session_service:another-one');
      const store = await openStore(url, { preparedStatements: false });
      const session = await begin(store);
      assert.equal((await store.refresh(refreshCommand(session))).kind, 'rotated');
      await store.revoke(revokeCommand(session));
      assert.equal(await stateOf(store, session), 'revoked');
      assert.equal((await store.sweep(10)).more, false);
      assert.equal(await store.holdLease('sweep', 1000), true);
      await store.close();
      await assert.rejects(queryOnce(url, 'UPDATE nest_auth_meta SET value = value'), /permission denied/);
    });

    it('waits for standbys, and tunes autovacuum', async () => {
      await sql(server.url, 4);
      assert.deepEqual(await queryOnce(server.url, 'SHOW synchronous_standby_names'), [
        { synchronous_standby_names: 'ANY 1 (standby_a, standby_b)' },
      ]);
      await server.awaitStandbys('');
      await sql(owner, 5);
    });

    it('restores a backup without bringing a revoked session back', async () => {
      const inFolder = (text: string) => text.replaceAll('sessions.dump', join(folder.path, 'sessions.dump'));
      const env = { STORE_URL: owner, MASTER_KEY: generateMasterKey().toString('base64') };
      const store = await openStore(owner);
      const session = await begin(store);
      await shell(inFolder(sample(6, 'sh')), env);
      await store.revoke(revokeCommand(session));
      await store.close();

      const [restore = '', ...revoke] = sample(7, 'sh').split(/^(?=node )/m);
      await shell(inFolder(restore), env);
      const restored = await openStore(owner);
      assert.equal(await stateOf(restored, session), 'active');
      await restored.close();
      const { stdout } = await shell(revoke.join(''), env);
      assert.equal(stdout, 'revoked every session that had begun\n');
      const again = await openStore(owner);
      assert.equal(await stateOf(again, session), 'revoked');
      assert.equal(await stateOf(again, await begin(again)), 'active');
      await again.close();
    });

    it('names the parameters of the URL that are read', () => {
      const [, parameters = ''] = TEXT.split('\n## The URL\n');
      for (const [, name = ''] of parameters.matchAll(/`(ssl\w+|options|application_name)`/g)) {
        const value = name === 'sslmode' ? 'verify-full' : name === 'options' ? '' : 'x';
        const others = { sslcert: '&sslkey=x', sslkey: '&sslcert=x' }[name] ?? '';
        const tls = name === 'sslmode' ? '' : 'sslmode=verify-full&';
        readConfig({
          STORE_URL: `postgres://app@db/sessions?${tls}${name}=${value}${others}`,
          MASTER_KEY: generateMasterKey().toString('base64'),
        });
      }
    });
  });
});

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { hashServiceToken, newServiceToken } from '../../src/access/credential.ts';
import { CONFIG_VARIABLES } from '../../src/config.ts';
import { inParallel } from '../grpc/expect.ts';
import { type Env, TestProcess } from '../harness.ts';
import { until } from '../servers/process.ts';
import { RedisFolder } from '../servers/redis.ts';
import { describeOn, serverUrl } from '../servers/stores.ts';
import { SilentService } from './silent_service.ts';

describe('silence of a start that fails', function () {
  this.timeout(120_000);
  const silent = new SilentService();
  const { canaries } = silent;
  after(() => silent.folder.remove());

  const file = (name: string, content: string): string => {
    const path = join(silent.folder.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };

  it('tells no value of a variable', async () => {
    const word = canaries.make('variable');
    const all = Object.fromEntries(CONFIG_VARIABLES.map(({ name }) => [name, `${word} ${word}`]));
    const said = await silent.refusesToStart({ ...all, LOG_LEVEL: word });
    for (const name of ['STORE_URL', 'MASTER_KEY', 'GRPC_ADDRESS', 'CALLER_RATE', 'LOG_LEVEL']) {
      assert.match(said, new RegExp(`^${name}: `, 'm'));
    }
  });

  it('tells nothing of a URL of a store, however it is broken', async () => {
    const word = canaries.make('password');
    const urls = [
      word,
      `mysql://user:${word}@host/db`,
      `postgres://user:${word}/x@host/db`,
      `postgres://user:${word}%zz@host/db`,
      `postgres://user:${word}@host:99999/db`,
      `postgres://user:a@${word}@host/db`,
      `postgres://user:a@host/db?password=${word}`,
      `postgres://user:a@host/db?sslmode=${word}`,
      `redis://:${word}#@host`,
      `redis://:${word}@host:0`,
      `redis://user:${word}%zz@host`,
      `rediss://user:a@host?password=${word}`,
      `redis-sentinel://:${word}@host`,
      `redis-cluster://:${word}@host/1`,
      `module:${word}`,
    ];
    await inParallel(urls, 3, async (STORE_URL) => {
      assert.match(await silent.refusesToStart({ STORE_URL }), /^STORE_URL: /);
    });
  });

  it('tells nothing of a master key, be it in the wrong place', async () => {
    const other = canaries.learn('other master key', Buffer.alloc(33, 'k').toString('base64').replace(/.$/, 'x'));
    const STORE_URL = `sqlite:${join(silent.folder.path, 'keys.db')}`;
    const cases: Env[] = [
      { STORE_URL, MASTER_KEY: other },
      { STORE_URL, MASTER_KEY: '', MASTER_KEY_FILE: file('short.key', other) },
      { STORE_URL, MASTER_KEY: '', MASTER_KEY_FILE: file('two.key', `${silent.masterKey}\n${silent.masterKey}`) },
      { STORE_URL, MASTER_KEY: '', MASTER_KEY_FILE: silent.masterKey },
      { STORE_URL, MASTER_KEY_FILE: file('beside.key', silent.masterKey) },
      { STORE_URL: silent.masterKey },
      { STORE_URL: 'postgres://user@host/db', MASTER_KEY: silent.masterKey.slice(0, -2) },
    ];
    await inParallel(cases, 3, (env) => silent.refusesToStart(env));
    await silent.start({ STORE_URL });
    await silent.end();
    const another = canaries.learn('another master key', Buffer.from(canaries.make('key').padEnd(32, 'z')));
    const said = await silent.refusesToStart({ STORE_URL, MASTER_KEY: Buffer.from(another).toString('base64') });
    assert.match(said, /master key does not open/);
  });

  it('tells nothing of a callers file, nor of a service token in the wrong place', async () => {
    const token = canaries.learnToken('service token', newServiceToken());
    const hash = canaries.learn('hash', hashServiceToken(token));
    const [name, tenant, word] = [canaries.make('name'), canaries.make('tenant'), canaries.make('word')];
    const certificate = `DNS:${canaries.make('certificate')}.internal`;
    const entry = {
      name,
      tenants: [tenant],
      scopes: ['admin'],
      tokens_sha256: [hash],
      certificate_names: [certificate],
    };
    const good = JSON.stringify({ callers: [entry] });
    const without = { ...entry, certificate_names: [] };
    const broken: unknown[] = [
      { callers: [{ ...without, tokens_sha256: [token] }] },
      { callers: [{ ...without, tokens_sha256: [hash.toUpperCase()] }] },
      { callers: [{ ...without, scopes: [word] }] },
      { callers: [{ ...without, name: `${word} ${word}` }] },
      { callers: [{ ...without, tenants: word }] },
      { callers: [{ ...without, [word]: token }] },
      { callers: [without, without] },
      { callers: [without, { ...without, name: word }] },
      { callers: [{ ...without, calls_per_second: word }] },
      { callers: [{ ...entry, certificate_names: [`"${word}"`] }] },
      { callers: [entry] },
      { [word]: [without] },
      { callers: word },
      [word],
      word,
      null,
    ];
    const texts = [
      ...broken.map((value) => JSON.stringify(value)),
      good.slice(0, -4),
      good.replace(hash, `${hash}"${token}`),
      `${token}\n`,
      `{"callers": [\n    at ${word}\n`,
      `${word.repeat(2)}\n    at ${word}`,
    ];
    await inParallel([...texts.entries()], 3, async ([index, text]) => {
      const CALLERS_FILE = file(`callers-${index}.json`, text);
      assert.match(await silent.refusesToStart({ STORE_URL: 'memory:', CALLERS_FILE }), /^CALLERS_FILE: /, text);
    });
    assert.match(await silent.refusesToStart({ STORE_URL: 'memory:', CALLERS_FILE: token }), /^CALLERS_FILE: can not/);
  });

  it('tells nothing of a callers file that is broken later', async () => {
    const good = { name: 'one', tenants: 'all', scopes: ['admin'], tokens_sha256: [hashServiceToken('x')] };
    const CALLERS_FILE = file('later.json', JSON.stringify({ callers: [good] }));
    const [word, token] = [canaries.make('word'), canaries.learnToken('service token', newServiceToken())];
    await silent.start({ STORE_URL: 'memory:', CALLERS_FILE });
    const warnings = () => silent.service.stdout.split('not taken').length - 1;
    const texts = [
      `{"${word}`,
      `${word}\n    at ${word}`,
      JSON.stringify({ callers: [{ ...good, tokens_sha256: [token] }] }),
    ];
    for (const [index, text] of texts.entries()) {
      writeFileSync(CALLERS_FILE, text);
      await until('it is said', async () => warnings() === index + 1);
    }
    await silent.end();
  });

  it('tells nothing of the environment of an audit file or an address that can not be used', async () => {
    const token = canaries.learnToken('service token', newServiceToken());
    await silent.refusesToStart({ STORE_URL: 'memory:', AUDIT_FILE: join('/nowhere', token) });
    await silent.refusesToStart({ STORE_URL: 'memory:', GRPC_ADDRESS: '203.0.113.1:1' });
  });

  it('tells nothing of a fault that nothing caught', async () => {
    const word = canaries.make('detail');
    // As an error of Postgres, with what Node would print of it.
    const fault = `Object.assign(new Error('duplicate ${word}\\n    at ${word}'),
      { code: '23505', detail: 'Key (user_id)=(${word})', command: { args: ['${word}'] } })`;
    for (const raise of [`throw ${fault}`, `Promise.reject(${fault})`, `Promise.reject('${word}')`]) {
      const script = `process.once('SIGUSR2', () => { ${raise}; });`;
      const preload = ['--import', file('fault.mjs', script)];
      const service = new TestProcess(
        ['serve'],
        { ...LOOPBACK, STORE_URL: 'memory:', MASTER_KEY: silent.masterKey },
        preload,
      );
      await service.line('serving');
      service.signal('SIGUSR2');
      assert.deepEqual(await service.exit, { code: 1, signal: null });
      assert.match(service.stdout, /"level":"fatal".*nothing caught/);
      silent.assertSilent(service.stdout + service.stderr, 'the end');
    }
  });

  describeOn('postgres', () => {
    it('tells nothing of a password or of the text of a private key', async () => {
      const url = new URL(serverUrl('postgres'));
      url.password = canaries.make('password');
      assert.match(await silent.refusesToStart({ STORE_URL: url.href }), /the password is wrong/);
      const { privateKey } = generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      });
      const body = privateKey.split('\n').slice(1, -2);
      for (const line of body) canaries.learn('private key', line);
      const cut = ['-----BEGIN PRIVATE KEY-----', ...body.slice(1), '-----END PRIVATE KEY-----', ''].join('\n');
      for (const key of [privateKey, cut, body.join('\n'), canaries.make('key')]) {
        for (const cert of [privateKey, canaries.make('certificate')]) {
          url.searchParams.set('sslmode', 'verify-full');
          url.searchParams.set('sslrootcert', file('root.pem', canaries.make('root')));
          url.searchParams.set('sslcert', file('cert.pem', cert));
          url.searchParams.set('sslkey', file('key.pem', key));
          await silent.refusesToStart({ STORE_URL: url.href });
        }
      }
    });
  });

  describeOn('redis', () => {
    it('tells nothing of a password that the server does not ask for, does not take, or does not understand', async () => {
      const [password, sentinel] = [canaries.make('password'), canaries.make('password of sentinels')];
      const env = { REDIS_SENTINEL_USERNAME: 'joe', REDIS_SENTINEL_PASSWORD: sentinel };
      const folder = await RedisFolder.build(async (built) => {
        const asking = await built.startData([], 'another');
        const deaf = await built.startData(['--rename-command', 'HELLO', '', '--rename-command', 'AUTH', '']);
        const urls = [asking, deaf].flatMap(({ port }) => [
          `redis://:${password}@127.0.0.1:${port}`,
          `redis://joe:${password}@127.0.0.1:${port}`,
          `redis-cluster://joe:${password}@127.0.0.1:${port}`,
          `redis-sentinel://joe:${password}@127.0.0.1:${port}/main`,
        ]);
        // Each waits for seconds.
        await Promise.all(urls.map((STORE_URL) => silent.refusesToStart({ ...env, STORE_URL })));
        return built;
      });
      await folder.remove();
    });

    it('tells nothing of what a broken store holds', async () => {
      const word = canaries.make('value');
      await RedisFolder.build(async (built) => {
        const node = await built.startData();
        const STORE_URL = `redis://${node.address}`;
        await silent.start({ STORE_URL });
        await silent.end();
        const keys = (await node.command('KEYS', '*')) as string[];
        for (const key of keys) {
          await node.command('DEL', key);
          await node.command('SET', key, word);
        }
        await silent.refusesToStart({ STORE_URL });
        await built.remove();
      });
    });
  });

  it('tells nothing of what a broken file holds', async () => {
    const word = canaries.make('value');
    const STORE_URL = `sqlite:${file('text.db', word.repeat(100))}`;
    await silent.refusesToStart({ STORE_URL });
    const path = join(silent.folder.path, 'broken.db');
    await silent.start({ STORE_URL: `sqlite:${path}` });
    await silent.end();
    const database = new DatabaseSync(path);
    for (const table of ['nest_auth_keys', 'nest_auth_meta']) {
      const columns = database.prepare(`PRAGMA table_info(${table})`).all() as { name: string; type: string }[];
      for (const { name } of columns) {
        try {
          database.prepare(`UPDATE ${table} SET ${name} = ?`).run(`${word}${name}`);
        } catch {
          // A constraint: what it guards is not broken this way.
        }
      }
    }
    database.close();
    chmodSync(path, 0o600);
    await silent.refusesToStart({ STORE_URL: `sqlite:${path}` });
  });
});

const LOOPBACK: Env = { GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0' };

import assert from 'node:assert/strict';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { RpcError } from '../grpc/client.ts';
import { assertVerdict, open } from '../grpc/expect.ts';
import { type Env, startService, TestProcess } from '../harness.ts';
import { issueCertificate } from '../servers/certificates.ts';
import { ServerFolder } from '../servers/folder.ts';
import { serverUser, until, unusedPort } from '../servers/process.ts';
import { RedisStandalone } from '../servers/redis.ts';
import { RedisSentinel } from '../servers/redis_sentinel.ts';
import { describeOn } from '../servers/stores.ts';

const SETTINGS: Env = {
  GRPC_ADDRESS: '127.0.0.1:0',
  HTTP_ADDRESS: '127.0.0.1:0',
  MASTER_KEY: generateMasterKey().toString('base64'),
};

describeOn('redis-sentinel', () => {
  it('a service shows the sentinels a user and a password of their own', async function () {
    this.timeout(120_000);
    const server = await RedisSentinel.create();
    try {
      for (const sentinel of server.sentinels) {
        await sentinel.command('ACL', 'SETUSER', 'watch', 'on', '>s3cret-word', '+@all', '&*', '~*');
      }
      const env = { ...SETTINGS, STORE_URL: server.url, REDIS_SENTINEL_USERNAME: 'watch' };
      const wrong = new TestProcess(['serve'], { ...env, REDIS_SENTINEL_PASSWORD: 'mistaken-9' });
      assert.equal((await wrong.exit).code, 1);
      assert.match(wrong.stderr, /^no Redis can be reached by STORE_URL/);
      const service = await startService({ ...env, REDIS_SENTINEL_PASSWORD: 's3cret-word' });
      const { tokens } = await open(service.client, { userId: 'ann' });
      await assertVerdict(service.client, tokens.accessToken, 'ACTIVE');
      assert.deepEqual(await service.end(), { code: 0, signal: null });
    } finally {
      await server.remove();
    }
  });
});

describeOn('redis', () => {
  describe('a service on a Redis of its own', function () {
    this.timeout(120_000);
    let server: RedisStandalone;

    before(async () => {
      server = await RedisStandalone.create('s3cret-word');
    });

    after(() => server.remove());

    /** Ends with 1 and one line, which holds no password. */
    async function assertRefusesToStart(url: string, line: RegExp, env: Env = {}): Promise<void> {
      const process = new TestProcess(['serve'], { ...SETTINGS, ...env, STORE_URL: url });
      const { code } = await process.exit;
      assert.match(process.stderr.trimEnd(), line);
      assert.deepEqual([code, process.stderr.trimEnd().split('\n').length], [1, 1], process.stderr);
      assert(!/s3cret-word|mistaken-9/.test(process.stderr));
    }

    it('says in one line why it does not start', async () => {
      await assertRefusesToStart(`redis://:mistaken-9@127.0.0.1:${server.node.port}`, /password/i);
      await assertRefusesToStart(
        `redis://127.0.0.1:${await unusedPort()}`,
        /^no Redis can be reached by STORE_URL .*is it running/,
      );
      await assertRefusesToStart(
        `redis-sentinel://127.0.0.1:${await unusedPort()}/main`,
        /^no Redis can be reached by STORE_URL/,
      );
      await assertRefusesToStart(
        `redis-cluster://127.0.0.1:${await unusedPort()}`,
        /^no Redis can be reached by STORE_URL/,
      );
    });

    it('speaks TLS, and verifies whom to', async () => {
      const user = await serverUser(['redis', 'nobody']);
      const folder = new ServerFolder(user);
      const { authority, cert, key } = await issueCertificate(folder.path, user);
      const port = await unusedPort();
      const files = [
        'tls-cert-file',
        cert,
        'tls-key-file',
        key,
        'tls-ca-cert-file',
        authority,
        'tls-auth-clients',
        'no',
      ];
      await server.node.command('CONFIG', 'SET', ...files, 'tls-port', port);
      const trusting = { NODE_EXTRA_CA_CERTS: authority };
      const url = (host: string) => `rediss://:s3cret-word@${host}:${port}`;
      const service = await startService({
        ...SETTINGS,
        ...trusting,
        STORE_URL: url('localhost'),
        REDIS_KEY_PREFIX: 'tls:',
      });
      const { tokens } = await open(service.client, { userId: 'ann' });
      await assertVerdict(service.client, tokens.accessToken, 'ACTIVE');
      assert.deepEqual(await service.end(), { code: 0, signal: null });
      await assertRefusesToStart(url('localhost'), /^no Redis can be reached by STORE_URL/);
      await assertRefusesToStart(url('127.0.0.1'), /^no Redis can be reached by STORE_URL/, trusting);
      await server.node.command('CONFIG', 'SET', 'tls-port', 0);
      await folder.remove();
    });

    it('shares its sessions with others, and lives while Redis is away', async () => {
      const env = { ...SETTINGS, STORE_URL: server.url };
      const [service, other] = await Promise.all([startService(env), startService(env)]);
      const { tokens } = await open(service.client, { userId: 'ann' });
      const validate = () =>
        other.client.call('ValidateSession', { accessToken: tokens.accessToken, consistency: 'CONSISTENCY_STRONG' });
      const ready = async () => (await fetch(`http://127.0.0.1:${other.httpPort}/readyz`)).status;
      assert.equal((await validate()).active, true);
      assert.equal(await ready(), 200);

      server.node.freeze();
      await assert.rejects(validate(), (error) => error instanceof RpcError && error.status === 'UNAVAILABLE');
      assert.equal(await ready(), 503);
      server.node.thaw();
      await until('the service answers again', async () => (await validate()).active);

      await service.client.call('RevokeSessions', { userId: 'ann' });
      await until('the other has heard of it', async () => {
        const { active } = await other.client.call('ValidateSession', { accessToken: tokens.accessToken });
        return !active;
      });
      await assertVerdict(other.client, tokens.accessToken, 'REVOKED');

      const { tokens: later } = await open(service.client, { userId: 'bob' });
      const assertAway = () => {
        const asked = other.client.call('ValidateSession', {
          accessToken: later.accessToken,
          consistency: 'CONSISTENCY_STRONG',
        });
        return assert.rejects(asked, (error) => error instanceof RpcError && error.status === 'UNAVAILABLE');
      };
      await server.node.stop();
      await assertAway();
      await server.node.start();
      // It kept nothing: another store in the place of this one is none that this process may serve from.
      await assertAway();
      for (const each of [service, other]) assert.deepEqual(await each.end(), { code: 0, signal: null });
    });
  });
});

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { SessionClient } from '../grpc/client.ts';
import { startService, temporaryFolder, TestProcess, type TestService } from '../harness.ts';
import { type Authority, createAuthority } from '../servers/certificates.ts';
import { until } from '../servers/process.ts';

describe('a service with TLS', () => {
  const folder = temporaryFolder();
  const [cert, key] = ['cert', 'key'].map((name) => join(folder.path, name)) as [string, string];
  const env = { STORE_URL: 'memory:', TLS_CERT_FILE: cert, TLS_KEY_FILE: key };
  let authority: Authority;
  let ca: Buffer;
  let service: TestService;
  before(async () => {
    authority = await createAuthority(folder.path, 'authority');
    ca = readFileSync(authority.cert);
    await renew();
    service = await startService({ ...env, TLS_CLIENT_CA_FILE: authority.cert });
  });
  after(async () => {
    await service.end('SIGKILL');
    folder.remove();
  });

  async function renew(): Promise<void> {
    const next = await authority.issue('localhost');
    copyFileSync(next.cert, cert);
    copyFileSync(next.key, key);
  }

  const client = () => {
    const name = { 'grpc.ssl_target_name_override': 'localhost' };
    return new SessionClient(service.grpcPort, name, '', credentials.createSsl(ca));
  };
  const shown = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2', 'http/1.1'] };
      const socket: TLSSocket = connect(options, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const health = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const to = { port: service.httpPort, host: '127.0.0.1', servername: 'localhost', ca, path: '/healthz' };
      get({ ...to, agent: false }, (answer) => resolve(answer.resume().statusCode)).once('error', reject);
    });

  it('answers calls and probes', async () => {
    const secure = client();
    assert.match((await secure.call('GetJwks', {})).jwksJson, /"keys"/);
    assert.equal(await health(), 200);
    secure.close();
    await assert.rejects(service.client.call('GetJwks', {}), { status: 'UNAVAILABLE' });
  });

  it('shows a new certificate to new connections, and keeps the others', async () => {
    const ports = [service.grpcPort, service.httpPort];
    const secure = client();
    await secure.call('GetJwks', {});
    const before = await Promise.all(ports.map(shown));
    await renew();
    await until('both addresses show the new one', async () => {
      const now = await Promise.all(ports.map(shown));
      return now.every((print, index) => print !== before[index]) && now[0] === now[1];
    });
    await secure.call('GetJwks', {});
    secure.close();
    const newcomer = client();
    await newcomer.call('GetJwks', {});
    newcomer.close();
  });

  it('says in one line what is wrong with its files', async () => {
    const broken = join(folder.path, 'broken');
    writeFileSync(broken, 'c4n4ry');
    const faults = [
      [{ TLS_CERT_FILE: join(folder.path, 'missing') }, /^TLS_CERT_FILE: can not read .*missing \(ENOENT\)/],
      [{ TLS_KEY_FILE: broken }, /^TLS_KEY_FILE: holds no private key/],
      [{ TLS_CLIENT_CA_FILE: broken }, /^TLS_CLIENT_CA_FILE: holds no certificate/],
    ] as const;
    for (const [fault, line] of faults) {
      const process = new TestProcess(['serve'], { ...env, ...fault });
      assert.equal((await process.exit).code, 1);
      assert.match(process.stderr, line);
      assert.equal(process.stderr.trimEnd().split('\n').length, 1);
      assert(!process.stderr.includes('c4n4ry'));
    }
  });

  it('stops in peace, in the middle of a handshake too', async () => {
    const hanging = connect({ port: service.grpcPort, host: '127.0.0.1', servername: 'localhost', ca });
    hanging.on('error', () => {});
    assert.deepEqual(await service.end(), { code: 0, signal: null });
    hanging.destroy();
  });
});

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type sendUnaryData, Server, type ServerUnaryCall } from '@grpc/grpc-js';
import { openTls, type Tls } from '../../src/access/tls.ts';
import { ReloadedCredentials } from '../../src/grpc/credentials.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { temporaryFolder } from '../harness.ts';
import { type Authority, createAuthority } from '../servers/certificates.ts';
import { until } from '../servers/process.ts';

const PATH = '/test.Peer/Who';
const same = (bytes: Buffer) => bytes;

describe('client certificates', () => {
  const folder = temporaryFolder();
  const [cert, key, clientCa] = ['cert', 'key', 'ca'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  let ours: Authority;
  let foreign: Authority;
  let tls: Tls;
  let server: Server;
  let port: number;
  before(async () => {
    [ours, foreign] = (await Promise.all(['ours', 'foreign'].map((name) => createAuthority(folder.path, name)))) as [
      Authority,
      Authority,
    ];
    const pair = await ours.issue('localhost');
    copyFileSync(pair.cert, cert);
    copyFileSync(pair.key, key);
    copyFileSync(ours.cert, clientCa);
    tls = openTls({ cert, key, clientCa }, createLog('silent'));
    server = new Server();
    server.addService(
      {
        who: {
          path: PATH,
          requestStream: false,
          responseStream: false,
          requestDeserialize: same,
          requestSerialize: same,
          responseDeserialize: same,
          responseSerialize: same,
        },
      },
      {
        who: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
          answer(null, Buffer.from(String(call.getAuthContext().sslPeerCertificate?.subject.CN ?? 'nobody')));
        },
      },
    );
    port = await new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', new ReloadedCredentials(tls), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  });
  after(() => {
    server.forceShutdown();
    tls.close();
    folder.remove();
  });

  const line = (options: ConnectionOptions): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const base = {
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: readFileSync(ours.cert),
        ALPNProtocols: ['h2'],
      };
      const socket = connect({ ...base, ...options });
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
    });

  /** Whom the service takes the peer of that connection for. */
  const whoIs = (socket: TLSSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      const session = connectHttp2('https://localhost', { createConnection: () => socket });
      session.once('error', reject);
      const headers = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = session.request(headers);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        session.close();
        resolve(Buffer.concat(chunks).subarray(5).toString());
      });
      stream.end(Buffer.alloc(5));
    });

  const showing = async (issued: Promise<{ cert: string; key: string }>): Promise<ConnectionOptions> => {
    const files = await issued;
    return { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  };

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    describe(`in ${maxVersion}`, () => {
      const who = async (options: ConnectionOptions) => whoIs(await line({ maxVersion, ...options }));

      it('count where they are of our authority', async () => {
        assert.equal(await who(await showing(ours.issue('login'))), 'login');
      });

      it('need not be there', async () => {
        assert.equal(await who({}), 'nobody');
      });

      it('do not count where they do not verify', async () => {
        for (const issued of [foreign.issue('login'), ours.issue('login', -1)]) {
          assert.equal(await who(await showing(issued)), 'nobody');
        }
      });

      it('do not count for having been shown before', async () => {
        for (const [authority, expected] of [
          [foreign, 'nobody'],
          [ours, 'login'],
        ] as const) {
          const shown = await showing(authority.issue('login'));
          const first = await line({ maxVersion, ...shown });
          let session: Buffer | undefined = first.getSession();
          first.on('session', (given: Buffer) => {
            session = given;
          });
          assert.equal(await whoIs(first), expected);
          const again = await line({ maxVersion, ...shown, ...(session && { session }) });
          assert.equal(again.isSessionReused(), true);
          const told = await whoIs(again);
          assert(told === expected || told === 'nobody', told);
        }
      });
    });
  }

  it('are not spoken of before TLS 1.2', async () => {
    // A client of ours speaks nothing older unless its own rules are lowered too.
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await assert.rejects(line(old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  // The last: from here on others count.
  describe('once they are reloaded', () => {
    it('are taken of new authorities, and of old ones no longer', async () => {
      const before = await line(await showing(ours.issue('login')));
      const [old, renewed] = await Promise.all([showing(ours.issue('login')), showing(foreign.issue('login'))]);
      copyFileSync(foreign.cert, clientCa);
      await until('the new authority is taken', async () => (await whoIs(await line(renewed))) === 'login');
      assert.equal(await whoIs(await line(old)), 'nobody');
      assert.equal(await whoIs(before), 'login');
    });
  });
});

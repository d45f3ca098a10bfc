import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { startTestServer, type TestServer } from '../harness.ts';
import { until } from '../servers/process.ts';
import { encode, RpcError, RPCS, SessionClient } from './client.ts';
import { callersFile, type Identity, identity, writeCallers } from './identities.ts';

const STAYING = identity('staying', ['sessions.validate']);
const OTHER = identity('other', ['sessions.validate']);

describe('CALLERS_FILE', () => {
  const file = callersFile([STAYING]);
  let server: TestServer;
  before(async () => {
    server = await startTestServer('memory', { CALLERS_FILE: file });
  });
  after(() => server.stop());
  beforeEach(async () => {
    writeCallers(file, [STAYING]);
    await is(OTHER, 'CALLER_UNKNOWN');
  });

  /** What a caller is refused with, empty where it is let in. */
  async function reasonFor({ token }: Identity): Promise<string> {
    const client = new SessionClient(server.grpcPort, {}, token);
    try {
      await client.call('ValidateSession', { accessToken: 'x' });
      return '';
    } catch (error) {
      assert(error instanceof RpcError);
      return error.reason;
    } finally {
      client.close();
    }
  }

  const is = (caller: Identity, reason: string) =>
    until(`${caller.name} gets ${reason}`, async () => (await reasonFor(caller)) === reason);

  it('lets a new caller in, and one that is taken out no longer', async () => {
    writeCallers(file, [STAYING, OTHER]);
    await is(OTHER, '');
    writeCallers(file, [STAYING]);
    await is(OTHER, 'CALLER_UNKNOWN');
    assert.equal(await reasonFor(STAYING), '');
  });

  it('takes a changed scope at once, and keeps the last good callers while it is broken', async () => {
    writeCallers(file, [STAYING, { ...OTHER, scopes: ['sessions.read'] }]);
    await is(OTHER, 'CALLER_NOT_ALLOWED');
    const isTold = (text: string) => server.log.some((line) => line.includes(text));
    for (const [content, text] of [
      ['{ "callers": [', 'CALLERS_FILE: is not JSON'],
      ['{ "callers": [] }', 'CALLERS_FILE: callers: must name a caller'],
    ] as const) {
      writeFileSync(file, content);
      await until('the fault is told', async () => isTold(text));
      assert.deepEqual([await reasonFor(STAYING), await reasonFor(OTHER)], ['', 'CALLER_NOT_ALLOWED']);
    }
    writeCallers(file, [STAYING, OTHER]);
    await is(OTHER, '');
  });

  it('has the last word over a request that was begun before', async () => {
    writeCallers(file, [STAYING, OTHER]);
    await is(OTHER, '');
    const session = connect(`http://127.0.0.1:${server.grpcPort}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': RPCS.ValidateSession.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${OTHER.token}`,
    });
    const message = encode('ValidateSession', { accessToken: 'x' });
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    stream.write(frame.subarray(0, 4));
    writeCallers(file, [STAYING]);
    await is(OTHER, 'CALLER_UNKNOWN');
    stream.end(frame.subarray(4));
    assert.equal(await statusOf(stream), '16');
    session.close();
  });

  it('is asked of reflection too, and not of health checks', async () => {
    const session = connect(`http://127.0.0.1:${server.grpcPort}`);
    const status = (path: string, token = '') => {
      const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = session.request({ ...headers, ...(token !== '' && { authorization: `Bearer ${token}` }) });
      stream.end(Buffer.alloc(5));
      return statusOf(stream);
    };
    for (const version of ['v1', 'v1alpha']) {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      assert.equal(await status(path), '16');
      assert.notEqual(await status(path, STAYING.token), '16');
    }
    assert.equal(await status('/grpc.health.v1.Health/Check'), '0');
    session.close();
  });
});

/** The code of the status that a call ends with. */
async function statusOf(stream: ClientHttp2Stream): Promise<string> {
  let status: unknown;
  stream.on('response', (headers) => (status ??= headers['grpc-status']));
  stream.on('trailers', (headers) => (status = headers['grpc-status']));
  stream.resume();
  await once(stream, 'close');
  return String(status);
}

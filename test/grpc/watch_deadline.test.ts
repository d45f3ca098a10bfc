import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import { once } from 'node:events';
import { startTestServer, type TestServer } from '../harness.ts';
import { RPCS } from './client.ts';
import { open, range } from './expect.ts';

const STREAMS = 50;

/** What a client that keeps no deadline of its own is told at the end of its call; null where with RST_STREAM. */
function statusOf(session: ClientHttp2Session, timeout: string): Promise<string | null> {
  const stream = session.request({
    ':method': 'POST',
    ':path': RPCS.WatchRevocations.path,
    'content-type': 'application/grpc',
    'grpc-timeout': timeout,
    te: 'trailers',
  });
  const bytes = RPCS.WatchRevocations.requestSerialize({});
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]));
  stream.resume();
  return new Promise((resolve) => {
    stream.on('error', () => {});
    stream.on('trailers', (trailers) => resolve(String(trailers['grpc-status'])));
    stream.on('close', () => resolve(null));
  });
}

describe('WatchRevocations with a deadline', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('memory', { MAX_SESSIONS_PER_USER: '0' });
  });
  after(() => server.stop());

  it('ends at it, whatever is being sent', async () => {
    const opened = await Promise.all(range(4000).map((index) => open(server.client, { userId: `user-${index}` })));
    const session = connect(`http://127.0.0.1:${server.grpcPort}`);
    await once(session, 'remoteSettings');
    const statuses = range(STREAMS).map((index) => statusOf(session, `${200 + index * 10}m`));
    let isOver = false;
    const ended = Promise.all(statuses).finally(() => {
      isOver = true;
    });
    for (const { session: held } of opened) {
      if (isOver) break;
      await server.client.call('RevokeSession', { session: { sessionId: held.sessionId } });
    }
    const late = new Promise<never>((_, reject) => {
      setTimeout(reject, 15_000, new Error('some calls did not end, though their deadline has passed')).unref();
    });
    try {
      // DEADLINE_EXCEEDED, or cut off.
      assert((await Promise.race([ended, late])).every((status) => status === '4' || status === null));
    } finally {
      session.destroy();
    }
  });
});

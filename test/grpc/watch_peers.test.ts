import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startTestServer, type TestServer } from '../harness.ts';
import { RpcError, SessionClient } from './client.ts';
import { open, present, range } from './expect.ts';
import { Watcher } from './watcher.ts';

/** Enough to fill what is between two processes, and a little more. */
const MANY = 6000;

/** A way through which nothing comes any more, from a moment on: as where a cable is pulled. */
class Line {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      near.pipe(far).pipe(near);
      this.#sockets.push(near, far);
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe('WatchRevocations and its peers', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer('memory', { MAX_WATCH_STREAMS: '2', MAX_SESSIONS_PER_USER: '0' });
  });
  afterEach(() => server.stop());

  const begin = (count: number) =>
    Promise.all(range(count).map((index) => open(server.client, { userId: `user-${index}` })));
  const revoke = async (sessionId: string) =>
    void (await server.client.call('RevokeSession', { session: { sessionId } }));

  /** Streams are counted: another one is taken once one has gone. */
  async function another(request: ConstructorParameters<typeof Watcher>[1] = {}): Promise<Watcher> {
    for (;;) {
      const watcher = new Watcher(server.client, request);
      const outcome = await Promise.race([watcher.ended, watcher.checkpoint()]);
      if (!(outcome instanceof RpcError)) return watcher;
      assert.equal(outcome.reason, 'RATE_LIMITED');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it('cuts off one that does not read, and keeps nobody else waiting', async () => {
    const opened = await begin(MANY);
    const other = new SessionClient(server.grpcPort);
    const stalled = new Watcher(other, { subscriberId: 'stalled-1' });
    await stalled.checkpoint();
    stalled.pause();
    const reader = new Watcher(server.client);
    await reader.checkpoint();
    // One by one, so that they are many frames.
    for (let done = 0; done < MANY; done += 20) {
      await Promise.all(opened.slice(done, done + 20).map(({ session }) => revoke(session.sessionId)));
    }
    await reader.until(() => new Set(reader.sessionIds).size === MANY);
    const late = await another();
    assert.equal(reader.kinds.filter((kind) => kind === 'reset').length, 0);
    const ended = server.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    const { subscriberId, reason } = present(ended.find(({ msg }) => msg === 'watch stream ended'));
    assert.deepEqual([subscriberId, reason], ['stalled-1', 'RATE_LIMITED']);
    stalled.resume();
    assert.equal(present(await stalled.ended).status, 'RESOURCE_EXHAUSTED');
    // It goes on from where it was.
    await late.close();
    const back = await another({ cursor: stalled.cursor });
    assert.equal(present(back.frames[0]?.opened).start, 'START_RESUMED');
    assert.equal(new Set([...stalled.sessionIds, ...back.sessionIds]).size, MANY);
    await Promise.all([back.close(), reader.close()]);
    other.close();
  });

  it('forgets one that vanished without a word', async () => {
    const line = new Line(server.grpcPort);
    const client = new SessionClient(await line.listen());
    const vanishing = new Watcher(client);
    const reader = new Watcher(server.client);
    await Promise.all([vanishing.checkpoint(), reader.checkpoint()]);
    line.cut();
    const late = await another();
    assert.equal(reader.kinds.filter((kind) => kind === 'opened').length, 1);
    await Promise.all([reader.close(), late.close()]);
    line.close();
    assert.equal(present(await vanishing.ended).status, 'UNAVAILABLE');
    client.close();
  });
});

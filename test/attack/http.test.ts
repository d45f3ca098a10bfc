import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { range } from '../grpc/expect.ts';
import { Attacked } from './attacked.ts';
import { ATTACKER } from './raw_peer.ts';

const HEAD = 'GET /healthz HTTP/1.1\r\nhost: attacked\r\n';

describe('an attack on the HTTP listener', () => {
  let attacked: Attacked;
  before(async () => {
    attacked = await Attacked.start();
  });
  after(() => attacked.stop());
  afterEach(() => attacked.assertUnharmed());

  const begin = () => {
    const socket = connect({ port: attacked.httpPort, host: '127.0.0.1', localAddress: ATTACKER });
    socket.on('error', () => {});
    return socket;
  };
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

  it('of slow requests is cut off, whatever they are slow with', async () => {
    const starts = ['G', HEAD, `POST /healthz HTTP/1.1\r\nhost: attacked\r\ncontent-length: 100000\r\n\r\n`, ''];
    const sockets = range(400).map((index) => {
      const socket = begin();
      const start = starts[index % starts.length] ?? '';
      socket.write(start);
      // A byte in time, again and again.
      const drip = setInterval(() => socket.write(start === HEAD ? 'x-a: b\r\n' : 'a'), 500);
      socket.once('close', () => clearInterval(drip));
      socket.resume();
      return socket;
    });
    await Promise.all(sockets.map(closed));
  });

  it('of large headers is refused', async () => {
    const answer = async (head: string) => {
      const socket = begin();
      socket.end(`${head}\r\n`);
      return /^HTTP\/1.1 (\d+)/.exec(await text(socket).catch(() => ''))?.[1];
    };
    assert.equal(await answer(HEAD), '200');
    assert.equal(await answer(`${HEAD}big: ${'x'.repeat(40_000)}\r\n`), '431');
    assert.equal(
      await answer(
        HEAD +
          range(5000)
            .map((index) => `x${index}: y\r\n`)
            .join(''),
      ),
      '431',
    );
    assert.equal(await answer(`GET /${'x'.repeat(40_000)} HTTP/1.1\r\nhost: attacked\r\n`), '431');
  });

  it('of requests whose answers are not read is cut off', async () => {
    const sockets = range(20).map(() => {
      const socket = begin();
      socket.pause();
      const requests = `${HEAD.replace('/healthz', '/.well-known/jwks.json')}\r\n`.repeat(100);
      const on = () => {
        while (!socket.destroyed && socket.write(requests));
      };
      socket.on('drain', on);
      on();
      return socket;
    });
    await Promise.all(sockets.map(closed));
  });
});

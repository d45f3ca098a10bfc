import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { range } from '../grpc/expect.ts';
import { startService, temporaryFolder } from '../harness.ts';
import { issueCertificate } from '../servers/certificates.ts';
import { until } from '../servers/process.ts';
import { Attacked } from './attacked.ts';
import { ATTACKER, RawPeer } from './raw_peer.ts';

const PER_PEER = 500;

/** So many connections, a few at a time; those that stay, once all others have been reset. */
async function connections(port: number, count: number): Promise<Socket[]> {
  const staying = new Set<Socket>();
  let resets = 0;
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKER });
      staying.add(socket);
      socket.resume();
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNRESET') resets += 1;
      });
      socket.once('close', () => {
        staying.delete(socket);
        resolve();
      });
      socket.once('connect', resolve);
    });
  for (let done = 0; done < count; done += 100) await Promise.all(range(100).map(one));
  while (staying.size > PER_PEER) await new Promise((resolve) => setTimeout(resolve, 20));
  assert(resets > 0);
  return [...staying];
}

const closed = (socket: Socket) =>
  new Promise((resolve) => (socket.destroyed ? resolve(null) : socket.once('close', resolve)));

describe('an attack by connections', () => {
  it('is reset beyond 500 of one peer, and what says nothing is closed', async () => {
    const attacked = await Attacked.start();
    const attack = async (port: number) => {
      const staying = await connections(port, 5000);
      assert.equal(staying.length, PER_PEER);
      await Promise.all(staying.map(closed));
    };
    await Promise.all([attacked.port, attacked.httpPort].map(attack));
    await attacked.assertUnharmed();
    // All are counted out.
    const [peer] = await Promise.all([RawPeer.open(attacked.port), attacked.assertUnharmed({ sockets: 1 })]);
    assert.equal(peer.hasEnded, false);
    peer.close();
    await attacked.stop();
  });

  it('is no different where handshakes of TLS are begun and not finished', async () => {
    const folder = temporaryFolder();
    const attacked = await Attacked.start(await issueCertificate(folder.path, null));
    const attack = async (port: number) => {
      const staying = await connections(port, 2000);
      assert.equal(staying.length, PER_PEER);
      // The beginning of a ClientHello.
      for (const socket of staying.slice(0, 250)) socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
      await Promise.all(staying.map(closed));
    };
    await Promise.all([attacked.port, attacked.httpPort].map(attack));
    await attacked.assertUnharmed();
    await attacked.stop();
    folder.remove();
  });

  it('of many peers is reset beyond what all may have', async () => {
    const service = await startService({ STORE_URL: 'memory:', MAX_CONNECTIONS: '3', MAX_CONNECTIONS_PER_PEER: '2' });
    for (const port of [service.grpcPort, service.httpPort]) {
      const open: Socket[] = [];
      // Whoever is let in is answered, by gRPC even before it asks.
      const admitted = async (from: string) => {
        const socket = connect({ port, host: '127.0.0.1', localAddress: from });
        socket.on('error', () => {});
        if (port === service.httpPort) socket.write('GET /healthz HTTP/1.1\r\nhost: attacked\r\n\r\n');
        open.push(socket);
        return new Promise<boolean>((resolve) => {
          socket.once('data', () => resolve(true));
          socket.once('close', () => resolve(false));
        });
      };
      const peers = ['127.0.0.2', '127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
      const outcomes: boolean[] = [];
      for (const from of peers) outcomes.push(await admitted(from));
      assert.deepEqual(outcomes, [true, true, false, true, false]);
      for (const socket of open) socket.destroy();
      await until('another is let in', () => admitted('127.0.0.4'));
    }
    await service.end('SIGKILL');
  });
});

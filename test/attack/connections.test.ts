import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { range } from '../grpc/expect.ts';
import { temporaryFolder } from '../harness.ts';
import { issueCertificate } from '../servers/certificates.ts';
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
});

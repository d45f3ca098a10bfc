import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { RPCS } from '../grpc/client.ts';
import { range } from '../grpc/expect.ts';
import { Attacked } from './attacked.ts';
import { callHeaders, END_HEADERS, END_STREAM, FRAME, frame, message, ZERO_INITIAL_WINDOW } from './frames.ts';
import { PolitePeer } from './polite_peer.ts';
import { RawPeer } from './raw_peer.ts';

const INTERNAL_ERROR = 2;
const ENHANCE_YOUR_CALM = 11;
const PING = frame(FRAME.ping, 0, 0, Buffer.alloc(8));
const SETTINGS = frame(FRAME.settings);
const EMPTY = message(Buffer.alloc(0));
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
/** ServerReflectionRequest.file_containing_symbol. */
const SYMBOL = 'sessionauthority.v1.SessionService';
const ASK = message(Buffer.concat([Buffer.of(0x22, SYMBOL.length), Buffer.from(SYMBOL)]));

describe('an attack by frames', () => {
  let attacked: Attacked;
  before(async () => {
    attacked = await Attacked.start();
  });
  after(() => attacked.stop());
  afterEach(() => attacked.assertUnharmed());

  /** Sends that again and again, until the connection ends. */
  const flooded = async (bytes: Buffer) => {
    const peer = await RawPeer.open(attacked.port);
    while (!peer.hasEnded) await peer.send(bytes);
  };

  it('of PING is told to calm down', async () => {
    const peer = await RawPeer.open(attacked.port);
    await peer.send(...range(150).map(() => PING));
    assert.deepEqual(await peer.goaway(), { code: ENHANCE_YOUR_CALM, text: 'too_many_pings' });
    await peer.ended;
    await flooded(Buffer.concat(range(100).map(() => PING)));
  });

  it('of PING is none from a client that measures what it receives, or looks now and then whether it is connected', async () => {
    const peer = new PolitePeer(attacked.port);
    const pinged = () => new Promise((resolve) => peer.session.ping((error) => resolve(error)));
    for (const _ of range(400)) {
      assert.equal((await peer.call(RPCS.GetJwks.path, EMPTY)).status, status.OK);
      assert.equal(await pinged(), null);
    }
    for (const _ of range(40)) assert.equal(await pinged(), null);
    peer.close();
  });

  it('of SETTINGS is told to calm down', async () => {
    const peer = await RawPeer.open(attacked.port);
    await peer.send(...range(150).map(() => SETTINGS));
    assert.deepEqual(await peer.goaway(), { code: ENHANCE_YOUR_CALM, text: 'too_many_settings' });
    await peer.ended;
    await flooded(Buffer.concat(range(100).map(() => SETTINGS)));
  });

  it('of calls that are reset at once costs their sender the connection', async () => {
    const peer = await RawPeer.open(attacked.port);
    const headers = callHeaders(RPCS.GetJwks.path);
    const reset = (id: number) =>
      Buffer.concat([
        frame(FRAME.headers, END_HEADERS, id, headers),
        frame(FRAME.resetStream, 0, id, Buffer.from([0, 0, 0, 8])),
      ]);
    for (const batch of range(20)) await peer.send(...range(100).map((index) => reset(2 * (batch * 100 + index) + 1)));
    assert.equal((await peer.goaway())?.code, INTERNAL_ERROR);
    peer.close();
  });

  it('of answers that are not taken is reset, whatever they answer', async () => {
    const calls = async (path: string) => {
      const peer = await RawPeer.open(attacked.port, ZERO_INITIAL_WINDOW);
      for (const index of range(900)) {
        const id = 2 * index + 1;
        const headers = frame(FRAME.headers, END_HEADERS, id, callHeaders(path));
        await peer.send(headers, frame(FRAME.data, END_STREAM, id, EMPTY));
      }
      const resets = () => peer.received.filter(({ type }) => type === FRAME.resetStream).length;
      await peer.frame(() => resets() === 900);
      assert.equal(resets(), 900);
      peer.close();
    };
    const questions = async () => {
      const peer = new PolitePeer(attacked.port, { initialWindowSize: 0 });
      // Some 40 bytes ask for 15 KB.
      const asked = Buffer.concat(range(20_000).map(() => ASK));
      assert.equal((await peer.call(REFLECTION, asked, { end: false })).resetCode, ENHANCE_YOUR_CALM);
      peer.close();
    };
    await Promise.all([calls(RPCS.GetJwks.path), calls(RPCS.WatchRevocations.path), questions()]);
  });

  it('of connections that say nothing, or no more than hello, costs their sender the connection', async () => {
    const silent = await Promise.all(range(100).map(() => RawPeer.connect(attacked.port)));
    const hello = await Promise.all(range(100).map(() => RawPeer.connect(attacked.port)));
    await Promise.all(hello.map((peer) => peer.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))));
    const all = [...silent, ...hello];
    await Promise.all(all.map(({ ended }) => ended));
    // Sooner than a peer that says nothing more is asked whether it is still there.
    for (const { received } of all) assert(!received.some(({ type }) => type === FRAME.ping));
  });
});

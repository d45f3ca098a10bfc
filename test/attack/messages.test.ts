import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { RPCS } from '../grpc/client.ts';
import { range } from '../grpc/expect.ts';
import { until } from '../servers/process.ts';
import { HealthClient } from '../grpc/health_client.ts';
import { Attacked } from './attacked.ts';
import { callHeaders, END_HEADERS, FRAME, frame, message } from './frames.ts';
import { HEADERS, PolitePeer } from './polite_peer.ts';
import { RawPeer } from './raw_peer.ts';

const { path } = RPCS.ValidateSession;
const GZIP = { 'grpc-encoding': 'gzip' };
const TOO_LATE = 'the request did not come within 10 s';
const MIB = 2 ** 20;
const ENHANCE_YOUR_CALM = 11;

describe('an attack by messages', () => {
  let attacked: Attacked;
  let peer: PolitePeer;
  before(async () => {
    attacked = await Attacked.start();
  });
  after(() => attacked.stop());
  beforeEach(() => {
    peer = new PolitePeer(attacked.port);
  });
  afterEach(async () => {
    peer.close();
    await attacked.assertUnharmed();
  });

  it('of bombs is RESOURCE_EXHAUSTED, however many there are', async () => {
    const bomb = message(gzipSync(Buffer.alloc(256 * MIB)), { compressed: true });
    const ends = await Promise.all(range(200).map(() => peer.call(path, bomb, { headers: GZIP })));
    for (const { status: code, text } of ends) {
      assert.equal(code, status.RESOURCE_EXHAUSTED);
      assert.match(text, /decompresses to a size larger than 1048576/);
    }
  });

  it('of broken compression is refused', async () => {
    const whole = gzipSync(Buffer.alloc(1000, 7));
    const noise = Buffer.alloc(1000, 0x5a);
    const flipped = Buffer.from(whole);
    flipped[flipped.length - 6] = (flipped.at(-6) ?? 0) ^ 0xff;
    for (const bytes of [noise, whole.subarray(0, -4), flipped, Buffer.alloc(0)]) {
      const { status: code } = await peer.call(path, message(bytes, { compressed: true }), { headers: GZIP });
      assert.equal(code, status.INTERNAL);
    }
    const foreign = { headers: { 'grpc-encoding': 'br' } };
    assert.equal((await peer.call(path, message(whole, { compressed: true }), foreign)).status, status.UNIMPLEMENTED);
  });

  it('of 2 GB, as its prefix says, is refused before it comes', async () => {
    const liar = message(Buffer.alloc(1000), { length: 2 ** 31 });
    const ends = await Promise.all(range(100).map(() => peer.call(path, liar, { end: false })));
    for (const { status: code } of ends) assert.equal(code, status.RESOURCE_EXHAUSTED);
  });

  it('of requests that never end is ended after 10 s, and its streams are free again', async () => {
    const half = message(Buffer.alloc(100), { length: 100_000 });
    const starts = [half, Buffer.alloc(0), message(Buffer.alloc(0))];
    const ends = await Promise.all(range(900).map((index) => peer.call(path, starts[index % 3]!, { end: false })));
    for (const { status: code, text, resetCode } of ends) {
      assert.equal(code, status.DEADLINE_EXCEEDED);
      assert.equal(text, TOO_LATE);
      // Told to send no more, which is no error: not left until it counts as one that moves nothing on.
      assert.equal(resetCode, 0);
    }
    const after = await Promise.all(range(900).map(() => peer.call('/no.such/Method', Buffer.alloc(0))));
    for (const { status: code } of after) assert.equal(code, status.UNIMPLEMENTED);
  });

  it('of requests that end when they have been given up is not answered twice', async () => {
    const { session } = peer;
    await Promise.all(
      range(20).map(async () => {
        const stream = session.request({ ...HEADERS, ':path': path }, { endStream: false });
        stream.on('error', () => {});
        const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
        assert.equal(headers['grpc-message'], TOO_LATE);
        stream.end(message(Buffer.alloc(0)));
        if (!stream.closed) await once(stream.resume(), 'close');
      }),
    );
  });

  it('of large requests that never end is reset where they add up', async () => {
    const large = message(Buffer.alloc(MIB - 1000), { length: MIB });
    const ends = await Promise.all(range(200).map(() => peer.call(path, large, { end: false })));
    const reset = ends.filter(({ resetCode }) => resetCode === ENHANCE_YOUR_CALM).length;
    const late = ends.filter(({ text }) => text === TOO_LATE).length;
    assert.equal(reset + late, 200);
    assert(reset >= 200 - 64 && late > 0, `${reset} were reset`);
    await until('they are counted out', async () => {
      assert.equal((await peer.call(RPCS.GetJwks.path, message(Buffer.alloc(0)))).status, status.OK);
      return true;
    });
  });

  it('of metadata beyond 8 KiB is RESOURCE_EXHAUSTED', async () => {
    const metadata = (bytes: number) => ({ headers: { big: 'x'.repeat(bytes) } });
    assert.equal((await peer.call(RPCS.GetJwks.path, message(Buffer.alloc(0)), metadata(7000))).status, status.OK);
    // By HTTP/2 itself, of which clients of gRPC make that status.
    for (const bytes of [8200, 40_000]) {
      const { status: code, resetCode } = await peer.call(RPCS.GetJwks.path, Buffer.alloc(0), metadata(bytes));
      assert.deepEqual([code, resetCode], [Number.NaN, ENHANCE_YOUR_CALM]);
    }
  });

  it('of names of services to watch leaves nothing of them behind', async () => {
    const client = new HealthClient(attacked.port);
    for (const index of range(100)) {
      const watch = client.watch(`${index} ${'x'.repeat(MIB - 1000)}`);
      assert.equal(await watch.next(), 'SERVICE_UNKNOWN');
      watch.cancel();
      await watch.ended;
    }
    await assert.rejects(client.check('x'.repeat(100_000)), { code: status.NOT_FOUND });
    client.close();
  });

  it('of headers without end costs their sender the connection', async () => {
    const flooding = await RawPeer.open(attacked.port);
    const piece = callHeaders(path, { filler: 'x'.repeat(8000) });
    await flooding.send(frame(FRAME.headers, 0, 1, piece));
    for (let sent = 0; sent < 200 && !flooding.hasEnded; sent += 1) {
      await flooding.send(frame(FRAME.continuation, 0, 1, piece));
    }
    await flooding.ended;
    const short = await RawPeer.open(attacked.port);
    await short.send(frame(FRAME.headers, 0, 1));
    for (let sent = 0; sent < 20_000 && !short.hasEnded; sent += 1) await short.send(frame(FRAME.continuation, 0, 1));
    await short.ended;
    const whole = await RawPeer.open(attacked.port);
    await whole.send(frame(FRAME.headers, END_HEADERS, 1, callHeaders(path)));
    whole.close();
  });
});

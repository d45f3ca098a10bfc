import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { closeClient, openClient, untilReady } from '../../../src/store/redis/client.ts';
import { unpack } from '../../../src/store/redis/msgpack.ts';
import { describeOn, serverUrl } from '../../servers/stores.ts';
import { locationOf } from './harness.ts';

describeOn('redis', () => {
  let client: Redis;
  before(async () => {
    client = openClient(locationOf(serverUrl('redis')), { username: '', password: '' }) as Redis;
    await untilReady(client, performance.now() + 5_000);
  });
  after(() => closeClient(client));

  async function packed(value: unknown): Promise<Buffer> {
    const script = 'return cmsgpack.pack(cjson.decode(ARGV[1]))';
    return (await client.callBuffer('EVAL', script, '0', JSON.stringify(value))) as Buffer;
  }

  describe('what scripts pack', () => {
    it('is read as it was', async () => {
      const bounds = [7, 8, 15, 16, 31, 32, 33, 46].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]);
      const texts = [0, 1, 31, 32, 255, 256, 65_535, 65_536].map((length) => 'x'.repeat(length));
      const values = [
        [0, 1, ...bounds, ...bounds.map((bound) => -bound)],
        [0.5, -0.1, 1e300],
        texts,
        ['ä€😀', '\u0000', '"\\/'],
        [[], [[], ['a', [1]]]],
        Array.from({ length: 15 }, (_, index) => index),
        Array.from({ length: 36 }, (_, index) => index),
        Array.from({ length: 70_000 }, (_, index) => index),
      ];
      for (const value of values) assert.deepEqual(unpack(await packed(value)), value);
      assert.deepEqual(unpack(await packed([false, true, 'end'])), [null, 1, 'end']);
    });

    it('is refused where it is cut off, or of another kind', async () => {
      const whole = await packed(['a text', 70_000, [1.5]]);
      for (let length = 0; length < whole.length; length += 1) {
        assert.throws(() => unpack(whole.subarray(0, length)), /the script packed/);
      }
      assert.throws(() => unpack(Buffer.from([0xc1])), /not known/);
      const map = await packed({ a: 1 });
      assert.throws(() => unpack(map), /not known/);
    });
  });
});

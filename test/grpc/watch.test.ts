import assert from 'node:assert/strict';
import { startTestServer, type TestServer } from '../harness.ts';
import { encode } from './client.ts';
import { open, refusalOf } from './expect.ts';

describe('WatchRevocations', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.stop());

  it('is UNIMPLEMENTED, whatever is asked', async () => {
    for (const bytes of [
      encode('WatchRevocations', {}),
      encode('WatchRevocations', { cursor: Buffer.from('x') }),
      Buffer.alloc(20, 0xff),
    ]) {
      assert.equal((await refusalOf(server.client.raw('WatchRevocations', bytes))).status, 'UNIMPLEMENTED');
    }
    await open(server.client);
  });
});

import assert from 'node:assert/strict';
import { peerOf } from '../../src/access/connections.ts';

describe('the peer of an address', () => {
  it('is an IPv4 address, however it is written', () => {
    for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:192.0.2.7']) {
      assert.equal(peerOf(address), '192.0.2.7');
    }
  });

  it('is the /64 of an IPv6 address', () => {
    const cases = [
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::', '2001:db8:1:2::/64'],
      ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
      ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
      ['1:2:3::192.0.2.7', '1:2:3:0::/64'],
    ] as const;
    for (const [address, peer] of cases) assert.equal(peerOf(address), peer, address);
  });

  it('is as it stands where it is no address', () => {
    assert.equal(peerOf(''), '');
  });
});

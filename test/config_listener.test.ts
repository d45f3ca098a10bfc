import assert from 'node:assert/strict';
import { ConfigError, readConfig } from '../src/config.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.faults.map((fault) => fault.replace(/; allowed: .*/, ''));
  }
  return [];
}

describe('the configuration of the listeners', () => {
  it('is plain text unless there are a certificate and its key', () => {
    assert.equal(readConfig({}).tls, null);
    const pair = { TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k' };
    assert.deepEqual(readConfig(pair).tls, { cert: '/c', key: '/k', clientCa: null });
    assert.deepEqual(readConfig({ ...pair, TLS_CLIENT_CA_FILE: '/a' }).tls, { cert: '/c', key: '/k', clientCa: '/a' });
  });

  it('names what is missing of TLS', () => {
    assert.deepEqual(faultsOf({ TLS_CERT_FILE: '/c' }), ['TLS_KEY_FILE: is not set']);
    assert.deepEqual(faultsOf({ TLS_KEY_FILE: '/k' }), ['TLS_CERT_FILE: is not set']);
    assert.deepEqual(faultsOf({ TLS_CLIENT_CA_FILE: '/a' }), ['TLS_CLIENT_CA_FILE: is set']);
    assert.deepEqual(faultsOf({ TLS_CLIENT_CA_FILE: '/a', TLS_CERT_FILE: '/c' }), ['TLS_KEY_FILE: is not set']);
  });

  it('bounds connections', () => {
    const { connections } = readConfig({ MAX_CONNECTIONS: '7', MAX_CONNECTIONS_PER_PEER: '9' });
    assert.deepEqual(connections, { total: 7, perPeer: 9 });
    for (const name of ['MAX_CONNECTIONS', 'MAX_CONNECTIONS_PER_PEER']) {
      assert.deepEqual(faultsOf({ [name]: '0' }), [`${name}: is not such a number`]);
    }
  });
});

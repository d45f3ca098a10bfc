import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTls } from '../../src/access/tls.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { temporaryFolder } from '../harness.ts';
import { type Authority, createAuthority } from '../servers/certificates.ts';
import { runProgram, until } from '../servers/process.ts';

describe('the files of TLS', () => {
  const folder = temporaryFolder();
  const [cert, key, clientCa] = ['cert', 'key', 'ca'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  let authority: Authority;
  let lines: string[] = [];
  const log = createLog('debug', { write: (line) => lines.push(line) });
  before(async () => {
    authority = await createAuthority(folder.path, 'authority');
  });
  after(folder.remove);
  beforeEach(async () => {
    lines = [];
    await place('localhost');
    copyFileSync(authority.cert, clientCa);
  });

  async function place(name: string, days?: number): Promise<void> {
    const made = await authority.issue(name, days);
    copyFileSync(made.cert, cert);
    copyFileSync(made.key, key);
  }

  const read = (files: { clientCa: string | null } = { clientCa }) => {
    const tls = openTls({ cert, key, ...files }, log);
    tls.close();
    return tls;
  };
  const warnings = () => lines.filter((line) => line.includes('"warn"'));

  it('are taken where they fit', () => {
    const { context, asksForClientCertificate } = read();
    assert.equal(asksForClientCertificate, true);
    assert.deepEqual(context.value.ca, readFileSync(authority.cert));
    assert.equal(context.value.minVersion, 'TLSv1.2');
    const without = read({ clientCa: null });
    assert.deepEqual([without.asksForClientCertificate, 'ca' in without.context.value], [false, false]);
    assert.deepEqual(warnings(), []);
  });

  it('are refused by name where they do not', async () => {
    const faults: [string, string | Buffer, RegExp][] = [
      [cert, 'c4n4ry', /^Error: TLS_CERT_FILE: holds no certificate/],
      [cert, '-----BEGIN CERTIFICATE-----\nc4n4ry\n-----END CERTIFICATE-----\n', /TLS_CERT_FILE: holds no certificate/],
      [key, 'c4n4ry', /^Error: TLS_KEY_FILE: holds no private key/],
      [key, readFileSync((await authority.issue('other')).key), /^Error: TLS_KEY_FILE: is not the key/],
      [clientCa, '', /^Error: TLS_CLIENT_CA_FILE: holds no certificate/],
    ];
    for (const [path, content, fault] of faults) {
      const sound = readFileSync(path);
      writeFileSync(path, content);
      assert.throws(read, fault);
      writeFileSync(path, sound);
    }
    const sealed = ['-aes256', '-passout', 'pass:c4n4ry'];
    await runProgram('openssl', ['ec', '-in', key, '-out', key, ...sealed]);
    assert.throws(read, /TLS_KEY_FILE: holds no private key; give one in PEM, without a passphrase/);
    assert(!lines.join('').includes('c4n4ry'));
  });

  it('keep a pair in use while another does not fit', async () => {
    const tls = openTls({ cert, key, clientCa }, log);
    const first = readFileSync(cert);
    const next = await authority.issue('localhost');
    copyFileSync(next.cert, cert);
    await until('it is said', async () => warnings().length === 1);
    assert.match(warnings()[0] ?? '', /TLS_KEY_FILE: is not the key/);
    assert.deepEqual(tls.context.value.cert, first);
    copyFileSync(next.key, key);
    await until('the pair is taken', async () => tls.context.value.cert.equals(readFileSync(next.cert)));
    tls.close();
  });

  it('are warned of where the certificate has expired, or soon will', async () => {
    for (const [days, words] of [
      [-1, 'has expired'],
      [10, 'expires soon'],
    ] as const) {
      await place('localhost', days);
      lines = [];
      read();
      assert.match(warnings().join(''), new RegExp(`${words}.*`));
      assert.match(warnings().join(''), /"expireTime":"\d{4}-/);
      assert.equal(warnings().length, 1);
    }
  });
});

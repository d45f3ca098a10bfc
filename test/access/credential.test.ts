import assert from 'node:assert/strict';
import {
  hashServiceToken,
  newServiceToken,
  readAlternativeNames,
  readAuthorization,
} from '../../src/access/credential.ts';

describe('an authorization header', () => {
  const token = newServiceToken();
  const credential = { kind: 'token', sha256: hashServiceToken(token) };

  it('holds a service token, whatever the letters of its scheme', () => {
    for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`]) {
      assert.deepEqual(readAuthorization(header), credential, header);
    }
  });

  it('is no credential in any other form', () => {
    const others = [
      '',
      token,
      'Bearer',
      'Bearer ',
      `Bearer${token}`,
      `Bearer\t${token}`,
      ` Bearer ${token}`,
      `Bearer ${token} `,
      `Bearer ${token}\n`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token.slice(0, -1)}=`,
      `Bearer "${token}"`,
      `Bearer ${token}, Bearer ${token}`,
      `Basic ${token}`,
      `Bearer sar_${token.slice(4)}`,
      'Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA',
    ];
    for (const header of others) assert.equal(readAuthorization(header), undefined, JSON.stringify(header));
  });

  it('holds another token where a letter of it is another, its prefix included', () => {
    for (const other of [`SAK_${token.slice(4)}`, token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')]) {
      assert.notDeepEqual(readAuthorization(`Bearer ${other}`), credential);
    }
  });
});

describe('a service token', () => {
  it('is 256 random bits', () => {
    const tokens = new Set(Array.from({ length: 100 }, newServiceToken));
    assert.equal(tokens.size, 100);
    for (const token of tokens) {
      assert.match(token, /^sak_[\w-]{43}$/);
      assert.equal(Buffer.from(token.slice(4), 'base64url').length, 32);
    }
  });

  it('is known by its SHA-256, as other programs make it', () => {
    // printf %s sak_test | sha256sum
    assert.equal(hashServiceToken('sak_test'), '8403087b455abe6aa50ac4467ced977663b047ca849ef4611b882e140bcbd704');
  });
});

describe('the alternative names of a certificate', () => {
  const names = (text: string) => {
    const read = readAlternativeNames(text);
    return read.kind === 'certificate' ? read.names : null;
  };

  it('are its DNS names and URIs', () => {
    assert.deepEqual(names('DNS:login.internal'), ['DNS:login.internal']);
    assert.deepEqual(names('DNS:a.b, URI:spiffe://fleet/login, DNS:*.c'), [
      'DNS:a.b',
      'URI:spiffe://fleet/login',
      'DNS:*.c',
    ]);
  });

  it('are not its addresses, nor anything else', () => {
    const text =
      'IP Address:10.0.0.1, email:a@b.c, othername:<unsupported>, DirName:CN = x, Registered ID:1.2.3, dns:lower, X:DNS:a';
    assert.deepEqual(names(text), []);
    assert.deepEqual(names(`${text}, DNS:one`), ['DNS:one']);
    assert.deepEqual(names(''), []);
  });

  it('are none that Node had to put in quotes, though they hold what looks like another (CVE-2021-44532)', () => {
    for (const text of [
      'DNS:"evil.com, DNS:login.internal"',
      'DNS:"evil.com\\u002c DNS:login.internal"',
      'URI:"http://evil.com/, DNS:login.internal"',
      'URI:"http://evil.com/\\u002c DNS:login.internal"',
      'email:"a\\"@evil.com, DNS:login.internal"',
      'DirName:"CN = evil, DNS:login.internal"',
      'DNS:"login.internal\\u0000.evil.com"',
      'DNS:"login.internal"',
    ]) {
      assert.deepEqual(names(text), [], text);
      assert.deepEqual(names(`DNS:mine, ${text}, DNS:yours`), ['DNS:mine', 'DNS:yours'], text);
    }
  });
});

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import jsonwebtoken from 'jsonwebtoken';
import { ACCESS_TOKEN_TYPE } from '../../src/token/access_token.ts';
import { isSignedBy, signJws } from '../../src/token/jws.ts';
import type { SigningAlgorithm } from '../../src/token/keys.ts';
import { ec, flipped, foreignEc, genuineToken, p384, rsa, secp256k1, untyped, verifier } from './forge.ts';
import { CORPUS } from './hostile_corpus.ts';

const ALGORITHMS = ['ES256', 'RS256'] as const;
const PAIRS = { ES256: ec, RS256: rsa };

const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });

function keyOf(algorithm: SigningAlgorithm) {
  return { kid: 'a key', algorithm, ...PAIRS[algorithm] };
}

function headerOf(algorithm: SigningAlgorithm): string {
  const header = JSON.stringify({ alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid: 'a key' });
  return Buffer.from(header).toString('base64url');
}

function bySplitting(token: string): { input: string; signature: Buffer } {
  const end = token.lastIndexOf('.');
  return { input: token.slice(0, end), signature: Buffer.from(token.slice(end + 1), 'base64url') };
}

function isSignedByReference(token: string, key: KeyObject, algorithm: SigningAlgorithm): boolean {
  try {
    jsonwebtoken.verify(token, key, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true });
    return true;
  } catch {
    return false;
  }
}

/** Whether the token is signed, in which both must agree. */
function verdict(token: string, key: KeyObject, algorithm: SigningAlgorithm): boolean {
  const { input, signature } = bySplitting(token);
  const isSigned = isSignedBy({ kid: 'a key', algorithm, publicKey: key }, input, signature);
  assert.equal(isSigned, isSignedByReference(token, key, algorithm), token);
  return isSigned;
}

describe('a JWS', () => {
  it('is what jsonwebtoken makes of the same, byte for byte (property)', () => {
    const payloads = fc.oneof(
      fc
        .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }))
        .map((it) => JSON.stringify(it)),
      fc.constantFrom('{"__proto__":{"a":1}}', '{"iat":0}', '{"\u{1f600}":"\\ud800"}'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...ALGORITHMS), payloads, (algorithm, payload) => {
        const key = keyOf(algorithm);
        const ours = signJws(headerOf(algorithm), payload, key);
        const header = { alg: algorithm, typ: ACCESS_TOKEN_TYPE };
        const theirs = jsonwebtoken.sign(payload, key.privateKey, { algorithm, keyid: key.kid, header });
        assert.equal(bySplitting(ours).input, bySplitting(theirs).input);
        // Of the two only RSA signs the same in the same way each time.
        if (algorithm === 'RS256') assert.equal(ours, theirs);
        assert.equal(bySplitting(ours).signature.length, bySplitting(theirs).signature.length);
        for (const token of [ours, theirs]) assert.equal(verdict(token, key.publicKey, algorithm), true);
      }),
      { numRuns: 200 },
    );
  }).timeout(20_000);

  it('is made by no key but one for the algorithm', () => {
    const keys = { ES256: [rsa, p384, secp256k1, rsaPss, ed25519], RS256: [ec, rsaPss, ed25519, shortRsa] };
    for (const algorithm of ALGORITHMS) {
      for (const { privateKey } of keys[algorithm]) {
        assert.throws(() => signJws(headerOf(algorithm), '{}', { kid: '', algorithm, privateKey }), /is none for/);
      }
    }
  });

  it('is verified by no key but one for the algorithm, whoever signed it and however', () => {
    const pairs = [ec, foreignEc, rsa, p384, secp256k1, rsaPss, ed25519];
    let good = 0;
    for (const algorithm of ALGORITHMS) {
      const input = `${headerOf(algorithm)}.e30`;
      const signatures = pairs.flatMap(({ privateKey }) => {
        const hash = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
        return (['der', 'ieee-p1363'] as const).map((dsaEncoding) =>
          sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding }),
        );
      });
      for (const signature of [...signatures, sign('sha512', Buffer.from(input), rsa.privateKey)]) {
        for (const { publicKey } of pairs) {
          if (verdict(`${input}.${signature.toString('base64url')}`, publicKey, algorithm)) good += 1;
        }
      }
    }
    // Both keys of P-256, and the one for RS256, to which the encoding makes no difference.
    assert.equal(good, 4);
  });

  it('is not verified by a private key, nor by an RSA key that is too short', () => {
    const { input, signature } = bySplitting(signJws(headerOf('ES256'), '{}', keyOf('ES256')));
    assert.equal(isSignedBy({ kid: '', algorithm: 'ES256', publicKey: ec.privateKey }, input, signature), false);
    const short = sign('sha256', Buffer.from(input), shortRsa.privateKey);
    assert.equal(isSignedBy({ kid: '', algorithm: 'RS256', publicKey: shortRsa.publicKey }, input, short), false);
  });

  it('with any bit of its signature flipped, cut off or added to is refused, as by jsonwebtoken', () => {
    for (const algorithm of ALGORITHMS) {
      const { token } = genuineToken(algorithm);
      const { input, signature } = bySplitting(token);
      const { publicKey } = PAIRS[algorithm];
      const signed = (bytes: Uint8Array) =>
        verdict(`${input}.${Buffer.from(bytes).toString('base64url')}`, publicKey, algorithm);
      assert.equal(signed(signature), true);
      for (let bit = 0; bit < signature.length * 8; bit += 1) {
        assert.equal(signed(flipped(signature, bit >> 3, 1 << (bit & 7))), false);
      }
      for (let length = 1; length < signature.length; length += 1) {
        assert.equal(signed(signature.subarray(0, length)), false);
        assert.equal(signed(Buffer.concat([signature, signature.subarray(0, length)])), false);
      }
    }
  }).timeout(20_000);

  it('of the hostile tokens none that jsonwebtoken takes is refused for its signature, nor the other way round', () => {
    let compared = 0;
    for (const [name, , forge] of CORPUS) {
      const { token, draft } = genuineToken();
      const forged = forge(token, draft);
      const found = verifier.verify(forged);
      // What is refused for another reason never comes to the signature.
      if (found.kind === 'invalid' && found.fault !== 'signature') continue;
      const header = JSON.parse(Buffer.from(forged.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
      const [key, algorithm] = KEYS[header.kid] ?? assert.fail(name);
      assert.equal(found.kind !== 'invalid', isSignedByReference(untyped(forged), key, algorithm), name);
      compared += 1;
    }
    assert.ok(compared >= 20, `${compared}`);
  });
});

/** Those that the verifier of hostile tokens knows. */
const KEYS: Readonly<Record<string, readonly [KeyObject, SigningAlgorithm]>> = {
  ec: [ec.publicKey, 'ES256'],
  rsa: [rsa.publicKey, 'RS256'],
  p384: [p384.publicKey, 'ES256'],
};

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import {
  type AccessTokenContent,
  MAX_ACCESS_TOKEN_LENGTH,
  RESERVED_CLAIMS,
  signAccessToken,
} from '../../src/token/access_token.ts';
import type { SigningKey, VerificationKey } from '../../src/token/keys.ts';
import {
  type AccessTokenVerifierOptions,
  createAccessTokenVerifier,
  type VerifiedToken,
} from '../../src/token/verify.ts';

const IAT = 1_800_000_000;
const EXP = IAT + 600;
const DAY_MS = 86_400_000;

const CONTENT: AccessTokenContent = {
  issuer: 'https://sessions.example',
  audiences: ['api'],
  subject: 'user-1',
  clientId: 'web',
  issuedAtS: IAT,
  expiresAtS: EXP,
  tokenId: '0199d2a1-7c3e-7abc-8def-000000000002',
  sessionId: '0199d2a1-7c3e-7abc-8def-000000000001',
  tenantId: 'acme',
  generations: [1_750_000_000_001, 1_750_000_000_002, 1_750_000_000_003, 1_750_000_000_004],
  version: 3,
  authTimeS: IAT - 30,
  acr: 'urn:example:silver',
  amr: ['pwd', 'otp'],
  actor: { userId: 'support-7', tenantId: 'staff' },
};

const es256 = keyPair('es-1', 'ES256');
const rs256 = keyPair('rs-1', 'RS256');

function keyPair(kid: string, algorithm: 'ES256' | 'RS256'): SigningKey & VerificationKey {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid, algorithm, ...pair };
}

function verifier(options: Partial<AccessTokenVerifierOptions> = {}) {
  const keys = new Map<string, VerificationKey>([es256, rs256].map((key) => [key.kid, key]));
  return createAccessTokenVerifier({
    issuer: CONTENT.issuer,
    audiences: ['api'],
    key: (kid) => keys.get(kid),
    now: () => IAT * 1000,
    maxLifetimeMs: DAY_MS,
    clockSkewMs: 30_000,
    cacheSize: 100,
    ...options,
  });
}

function segment(token: string, index: number): string {
  return Buffer.from(token.split('.')[index] ?? '', 'base64url').toString();
}

function claimsOf(result: VerifiedToken) {
  assert.notEqual(result.kind, 'invalid', JSON.stringify(result));
  return result.kind === 'invalid' ? assert.fail() : result.claims;
}

describe('an access token', () => {
  for (const key of [es256, rs256]) {
    it(`signed with ${key.algorithm} says what was put in`, () => {
      const token = signAccessToken(key, CONTENT, '{"roles":["admin"],"plan":{"seats":5}}');
      const claims = { roles: ['admin'], plan: { seats: 5 } };
      const expected = { kind: 'valid', claims: { ...CONTENT, claims, kid: key.kid } };
      assert.deepEqual(verifier().verify(token), expected);
    });
  }

  it('is written in one fixed order, its header too', () => {
    const token = signAccessToken(es256, CONTENT, '{"roles":[]}');
    assert.equal(segment(token, 0), '{"alg":"ES256","typ":"at+jwt","kid":"es-1"}');
    assert.equal(
      segment(token, 1),
      '{"iss":"https://sessions.example","sub":"user-1","aud":"api","client_id":"web","iat":1800000000,' +
        '"exp":1800000600,"jti":"0199d2a1-7c3e-7abc-8def-000000000002","sid":"0199d2a1-7c3e-7abc-8def-000000000001",' +
        '"tid":"acme","gen":[1750000000001,1750000000002,1750000000003,1750000000004],"ver":3,"auth_time":1799999970,' +
        '"acr":"urn:example:silver","amr":["pwd","otp"],"act":{"sub":"support-7","tid":"staff"},"roles":[]}',
    );
  });

  it('leaves out what is empty, but never the tenant', () => {
    const content = { ...CONTENT, tenantId: '', acr: '', amr: [], actor: null };
    const token = signAccessToken(es256, content, '{}');
    const names = Object.keys(JSON.parse(segment(token, 1)) as object);
    assert.ok(names.includes('tid'));
    assert.deepEqual(
      names.filter((name) => ['acr', 'amr', 'act'].includes(name)),
      [],
    );
    assert.deepEqual(claimsOf(verifier().verify(token)), { ...content, claims: {}, kid: 'es-1' });
  });

  it('has its times from its content, be they zero', () => {
    const token = signAccessToken(es256, { ...CONTENT, issuedAtS: 0, authTimeS: 0, expiresAtS: 60 }, '{}');
    const claims = claimsOf(verifier({ now: () => 0 }).verify(token));
    assert.deepEqual([claims.issuedAtS, claims.authTimeS, claims.expiresAtS], [0, 0, 60]);
  });

  it('for several audiences is valid for each of them', () => {
    const audiences = ['billing', 'api'];
    const token = signAccessToken(es256, { ...CONTENT, audiences }, '{}');
    for (const audience of audiences) {
      assert.deepEqual(claimsOf(verifier({ audiences: [audience] }).verify(token)).audiences, audiences);
    }
    assert.deepEqual(verifier({ audiences: ['mail'] }).verify(token), { kind: 'invalid', fault: 'audience' });
  });

  it('names an actor, with a tenant or without, and never the reason', () => {
    const actor = { userId: 'support-7', tenantId: '', reason: 'ticket 4711' };
    const token = signAccessToken(es256, { ...CONTENT, actor }, '{}');
    assert.match(segment(token, 1), /"act":\{"sub":"support-7"\}/);
    assert.deepEqual(claimsOf(verifier().verify(token)).actor, { userId: 'support-7', tenantId: '' });
  });

  it('carries claims of any name and any JSON value', () => {
    const json =
      '{"__proto__":{"admin":true},"10":1,"2":[-0,1e21,5e-324,0.1],"constructor":null,"toJSON":"x","":{},' +
      '"\u{1f600}":"\u{1f468}\u200d\u{1f469}","\\ud800":"\\udfff\\u0000\\u2028","deep":[[[{"a":[]}]]]}';
    const claims = claimsOf(verifier().verify(signAccessToken(es256, CONTENT, json))).claims;
    assert.equal(JSON.stringify(claims), JSON.stringify(JSON.parse(json)));
    assert.deepEqual(Object.getOwnPropertyDescriptor(claims, '__proto__')?.value, { admin: true });
    assert.equal(Object.getPrototypeOf(claims), Object.prototype);
  });

  it('verifies whatever its claims are (property)', () => {
    const names = fc.oneof(fc.string({ unit: 'binary' }), fc.nat().map(String), fc.constant('__proto__'));
    const values = fc.oneof(
      fc.jsonValue({ stringUnit: 'binary' }),
      fc.double().map((value) => (value > 0 ? value : -0)),
    );
    const members = fc.array(fc.tuple(names, values), { maxLength: 8 });
    fc.assert(
      fc.property(members, (entries) => {
        const own = entries.filter(([name]) => !RESERVED_CLAIMS.has(name));
        const json = JSON.stringify(Object.fromEntries(own));
        fc.pre(Buffer.byteLength(json) < 8_000);
        const { claims } = claimsOf(verifier().verify(signAccessToken(es256, CONTENT, json)));
        assert.equal(JSON.stringify(claims), json);
      }),
      { numRuns: 300 },
    );
  });

  it('is not signed where a verifier would refuse it', () => {
    const changes: Partial<AccessTokenContent>[] = [
      { audiences: [] },
      { subject: '' },
      { sessionId: CONTENT.sessionId.toUpperCase() },
      { expiresAtS: EXP + 0.5 },
      { version: -1 },
      { actor: { userId: '', tenantId: '' } },
    ];
    for (const change of changes) {
      assert.throws(() => signAccessToken(es256, { ...CONTENT, ...change }, '{}'), /cannot have this/);
    }
    for (const json of ['[]', 'null', '1', '"x"'])
      assert.throws(() => signAccessToken(es256, CONTENT, json), /JSON object/);
    const long = JSON.stringify({ long: 'x'.repeat(MAX_ACCESS_TOKEN_LENGTH) });
    assert.throws(() => signAccessToken(es256, CONTENT, long), /too long/);
  });

  it('takes no claim of a reserved name', () => {
    assert.equal(RESERVED_CLAIMS.size, 18);
    for (const name of RESERVED_CLAIMS) {
      assert.throws(() => signAccessToken(es256, CONTENT, JSON.stringify({ [name]: null })), /reserved/, name);
    }
  });
});

describe('the access token verifier', () => {
  it('lets a token expire to the millisecond, remembered or not, and still says whose it was', () => {
    const token = signAccessToken(es256, CONTENT, '{}');
    let now = EXP * 1000 - 1;
    const warm = verifier({ now: () => now });
    assert.equal(warm.verify(token).kind, 'valid');
    now = EXP * 1000;
    for (const subject of [warm, warm, verifier({ now: () => now })]) {
      const result = subject.verify(token);
      assert.equal(result.kind, 'expired');
      assert.equal(claimsOf(result).sessionId, CONTENT.sessionId);
    }
    const answers = new Set([1, 2, 3].map(() => claimsOf(warm.verify(token))));
    assert.equal(answers.size, 3, 'an expired token is not remembered');
  });

  it('calls no token expired that is not genuine', () => {
    const [header, payload] = signAccessToken(es256, CONTENT, '{}').split('.');
    const signature = signAccessToken(es256, { ...CONTENT, subject: 'user-2' }, '{}').split('.')[2];
    const result = verifier({ now: () => EXP * 1000 }).verify(`${header}.${payload}.${signature}`);
    assert.deepEqual(result, { kind: 'invalid', fault: 'signature' });
  });

  it('allows the skew and the longest lifetime, and not more', () => {
    const at = (now: number, maxLifetimeMs = DAY_MS) =>
      verifier({ now: () => now, maxLifetimeMs }).verify(signAccessToken(es256, CONTENT, '{}'));
    assert.equal(at(IAT * 1000 - 30_000).kind, 'valid');
    assert.deepEqual(at(IAT * 1000 - 30_001), { kind: 'invalid', fault: 'issued_later' });
    assert.equal(at(IAT * 1000, 600_000).kind, 'valid');
    assert.deepEqual(at(IAT * 1000, 599_999), { kind: 'invalid', fault: 'lifetime' });
    assert.deepEqual(at(Number.NaN), { kind: 'invalid', fault: 'issued_later' });
  });

  it('asks for no audience where none is set', () => {
    const { audiences: _, ...options } = {
      audiences: [],
      issuer: CONTENT.issuer,
      key: () => es256,
      now: () => IAT * 1000,
    };
    const any = createAccessTokenVerifier({ ...options, maxLifetimeMs: DAY_MS, clockSkewMs: 0, cacheSize: 1 });
    assert.equal(any.verify(signAccessToken(es256, CONTENT, '{}')).kind, 'valid');
    assert.deepEqual(verifier({ audiences: [] }).verify(signAccessToken(es256, CONTENT, '{}')).kind, 'invalid');
  });

  it('takes no key for another', () => {
    const token = signAccessToken({ ...es256, kid: 'es-2' }, CONTENT, '{}');
    assert.deepEqual(verifier({ key: () => es256 }).verify(token), { kind: 'invalid', fault: 'kid' });
  });

  it('answers a remembered token with the same frozen object', () => {
    const subject = verifier();
    const token = signAccessToken(es256, CONTENT, '{"plan":{"seats":[5]}}');
    const first = subject.verify(token);
    assert.equal(subject.verify(Buffer.from(token).toString()), first);
    const { claims } = claimsOf(first);
    assert.throws(() => Object.assign(claims, { admin: true }), TypeError);
    assert.throws(() => (claims as { plan: { seats: number[] } }).plan.seats.push(6), TypeError);
  });

  it('forgets the least recently seen beyond its size', () => {
    const subject = verifier({ cacheSize: 2 });
    const tokens = ['a', 'b', 'c'].map((subjectId) => signAccessToken(es256, { ...CONTENT, subject: subjectId }, '{}'));
    const [first, second, third] = tokens.map((token) => subject.verify(token));
    assert.equal(subject.verify(tokens[2] ?? ''), third);
    assert.equal(subject.verify(tokens[1] ?? ''), second);
    assert.notEqual(subject.verify(tokens[0] ?? ''), first);
  });

  it('keeps to the keys and the clock of the moment for a remembered token too', () => {
    let key: VerificationKey | undefined = es256;
    let now = IAT * 1000;
    const subject = verifier({ key: () => key, now: () => now });
    const token = signAccessToken(es256, CONTENT, '{}');
    const first = subject.verify(token);
    assert.equal(first.kind, 'valid');

    now = IAT * 1000 - 30_001;
    assert.deepEqual(subject.verify(token), { kind: 'invalid', fault: 'issued_later' });
    now = IAT * 1000;

    key = { ...es256, publicKey: createPublicKey(es256.publicKey.export({ type: 'spki', format: 'pem' })) };
    assert.equal(subject.verify(token), first, 'the same key read anew');
    key = undefined;
    assert.deepEqual(subject.verify(token), { kind: 'invalid', fault: 'kid' }, 'a withdrawn key');
    key = es256;
    assert.equal(subject.verify(token).kind, 'valid');
    key = { ...es256, publicKey: keyPair('es-1', 'ES256').publicKey };
    assert.deepEqual(subject.verify(token), { kind: 'invalid', fault: 'signature' }, 'another key under the same id');
    key = es256;
    assert.equal(subject.verify(token).kind, 'valid');
    key = { ...es256, algorithm: 'RS256' };
    assert.deepEqual(subject.verify(token), { kind: 'invalid', fault: 'alg' }, 'another algorithm under the same id');
  });

  it('takes the mirrored form of an ECDSA signature: nothing may tell tokens apart by their text', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const [header, payload, signature = ''] = signAccessToken(es256, CONTENT, '{}').split('.');
    const bytes = Buffer.from(signature, 'base64url');
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    bytes.write(s.toString(16).padStart(64, '0'), 32, 'hex');
    assert.equal(verifier().verify(`${header}.${payload}.${bytes.toString('base64url')}`).kind, 'valid');
  });
});

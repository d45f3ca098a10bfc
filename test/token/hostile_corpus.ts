import { MAX_ACCESS_TOKEN_LENGTH, type ReservedClaim } from '../../src/token/access_token.ts';
import type { AccessTokenFault } from '../../src/token/verify.ts';
import {
  ec,
  type Forge,
  flipped,
  foreignEc,
  genuineToken,
  header,
  headerText,
  hmac,
  ISSUER,
  NOW_S,
  ofRsa,
  p384,
  payload,
  payloadBytes,
  payloadText,
  rsa,
  SESSION_ID,
  seal,
  sealed,
  secp256k1,
  segments,
  signature,
  trade,
  trailingBit,
  untyped,
} from './forge.ts';

export type Case = readonly [name: string, fault: AccessTokenFault, forge: Forge];

const pem = ec.publicKey.export({ type: 'spki', format: 'pem' });
const der = ec.publicKey.export({ type: 'spki', format: 'der' });
const jwk = foreignEc.publicKey.export({ format: 'jwk' });

/** One case for each value that a claim must not have, signed by the genuine key. */
function claim(name: ReservedClaim, values: readonly unknown[], fault: AccessTokenFault = `claim_${name}`): Case[] {
  return values.map((value) => [`${name} ${JSON.stringify(value) ?? 'missing'}`, fault, payload({ [name]: value })]);
}

const TEXTS = ['iss', 'sub', 'client_id', 'jti', 'sid', 'tid'] as const;
const COUNTS = ['iat', 'exp', 'ver', 'auth_time'] as const;

export const CORPUS: readonly Case[] = [
  // What is not three segments of base64url.
  ['undefined', 'not_text', () => untyped(undefined)],
  ['an object that reads as the token', 'not_text', (genuine) => untyped({ toString: () => genuine, length: 9 })],
  ['a String object', 'not_text', (genuine) => untyped(Object(genuine))],
  ['the empty string', 'segments', () => ''],
  ['dots alone', 'segments', () => '..'],
  ['a million dots', 'too_long', () => '.'.repeat(1_000_000)],
  ['two segments', 'segments', segments((h, p) => `${h}.${p}`)],
  ['four segments', 'segments', (genuine) => `${genuine}.AAAA`],
  ['a JWE of five segments', 'segments', segments((h, p, s) => `${h}.AAAA.AAAA.${p}.${s}`)],
  ['a trailing dot', 'segments', (genuine) => `${genuine}.`],
  ['an empty header', 'segments', segments((_, p, s) => `.${p}.${s}`)],
  ['an empty payload', 'segments', segments((h, _, s) => `${h}..${s}`)],
  ['an empty signature', 'segments', segments((h, p) => `${h}.${p}.`)],
  [
    'the JSON serialization',
    'segments',
    segments((h, p, s) => JSON.stringify({ protected: h, payload: p, signature: s })),
  ],
  ['a lone surrogate', 'segments', () => '\ud800'],
  ['a lone surrogate within', 'encoding', (genuine) => genuine.replace('e', '\ud800')],
  ['quotes around it', 'encoding', (genuine) => `"${genuine}"`],
  ['a Bearer prefix', 'encoding', (genuine) => `Bearer ${genuine}`],
  ['a space before', 'encoding', (genuine) => ` ${genuine}`],
  ['a newline after', 'encoding', (genuine) => `${genuine}\n`],
  ['a newline in the payload', 'encoding', segments((h, p, s) => `${h}.${p.slice(0, 8)}\r\n${p.slice(8)}.${s}`)],
  ['a NUL after', 'encoding', (genuine) => `${genuine}\0`],
  ['padding', 'encoding', (genuine) => `${genuine}==`],
  ['standard base64', 'encoding', (genuine) => genuine.replaceAll('-', '+').replaceAll('_', '/')],
  ['percent-encoding', 'encoding', (genuine) => genuine.replace('.', '%2E').concat('.AAAA')],
  ['full-width letters', 'encoding', (genuine) => genuine.replace('e', '\uff45')],
  ['a trailing bit in the signature', 'encoding', segments((h, p, s) => `${h}.${p}.${trailingBit(s)}`)],
  ['a trailing bit in the header', 'encoding', segments((h, p, s) => `${trailingBit(h)}.${p}.${s}`)],
  ['a lone last character', 'encoding', segments((h, p, s) => `${h}.${p}.${s.slice(0, 85)}`)],
  ['one character too long', 'too_long', () => 'A'.repeat(MAX_ACCESS_TOKEN_LENGTH + 1)],
  ['genuine but too long', 'too_long', payload({ long: 'x'.repeat(13_000) })],
  ['100,000 open brackets', 'too_long', payloadText(() => '['.repeat(100_000))],

  // What is not canonical JSON.
  ...['[]', 'null', 'true', '7', '"at+jwt"', '{', '{}}', 'x'].flatMap((text): Case[] => [
    [`the header ${text}`, 'header_json', headerText(() => text)],
    [`the payload ${text}`, 'payload_json', payloadText(() => text)],
  ]),
  ['11,000 open brackets', 'payload_json', payloadText(() => '['.repeat(11_000))],
  ['alg twice', 'header_json', headerText((text) => text.replace('{', '{"alg":"none",'))],
  ['kid twice', 'header_json', headerText((text) => text.replace('}', ',"kid":"ec"}'))],
  ['an escaped name in the header', 'header_json', headerText((text) => text.replace('alg', '\\u0061lg'))],
  ['white space in the header', 'header_json', headerText((text) => ` ${text}`)],
  ['a byte order mark before the header', 'header_json', headerText((text) => `\ufeff${text}`)],
  ['exp twice', 'payload_json', payloadText((text) => text.replace('{', `{"exp":${NOW_S + 9_000},`))],
  ['a nested member twice', 'payload_json', payloadText((text) => text.replace('}', ',"roles":{"a":1,"a":2}}'))],
  ['__proto__ twice', 'payload_json', payloadText((text) => text.replace('}', ',"__proto__":1,"__proto__":2}'))],
  ['white space in the payload', 'payload_json', payloadText((text) => text.replace(':', ': '))],
  ['a newline after the payload', 'payload_json', payloadText((text) => `${text}\n`)],
  ['a byte order mark before the payload', 'payload_json', payloadText((text) => `\ufeff${text}`)],
  ['exp NaN', 'payload_json', payloadText((text) => text.replace(/"exp":\d+/, '"exp":NaN'))],
  ['exp with a fraction of zero', 'payload_json', payloadText((text) => text.replace(/("exp":\d+)/, '$1.0'))],
  ['exp with an exponent', 'payload_json', payloadText((text) => text.replace(/("exp":\d+)/, '$1e0'))],
  ['exp beyond a double', 'payload_json', payloadText((text) => text.replace(/"exp":\d+/, '"exp":1e999'))],
  ['ver -0', 'payload_json', payloadText((text) => text.replace('"ver":1', '"ver":-0'))],
  ['invalid UTF-8 in the payload', 'encoding', payloadBytes('user', '\xff\xfe')],
  ['an overlong slash in the payload', 'encoding', payloadBytes('user', '\xc0\xaf')],
  ['a surrogate in UTF-8', 'encoding', payloadBytes('user', '\xed\xa0\x80')],
  ['invalid UTF-8 in the header', 'encoding', headerText((text) => Buffer.from(text.replace('ec', '\xff'), 'latin1'))],

  // The header.
  ...['none', 'None', 'NONE', 'nOnE', 'HS256', 'HS512', 'ES384', 'PS256', 'RS256', 'EdDSA', 'es256', 'ES256 ', ''].map(
    (alg): Case => [`alg '${alg}'`, 'alg', header({ alg })],
  ),
  [
    'alg none, unsigned',
    'segments',
    (_, d) => sealed({ ...d, header: { ...d.header, alg: 'none' } }).replace(/[^.]*$/, ''),
  ],
  ['alg missing', 'header_members', header({ alg: undefined })],
  ['alg null', 'header_members', header({ alg: null })],
  ['alg an array', 'header_members', header({ alg: ['ES256'] })],
  ['HS256 with the PEM public key as secret', 'alg', hmac('HS256', pem)],
  ['HS256 with the DER public key as secret', 'alg', hmac('HS256', der)],
  ['ES256 over an HMAC of the public key', 'signature', hmac('ES256', pem)],
  ['RS256 by an RSA key under the kid of an EC key', 'alg', header({ alg: 'RS256' }, rsa.privateKey)],
  ['ES256 by an EC key under the kid of an RSA key', 'alg', header({ kid: 'rsa' })],
  ['PS256 under the kid of an RSA key', 'alg', ofRsa(header({ alg: 'PS256' }))],
  ['typ JWT', 'typ', header({ typ: 'JWT' })],
  ['typ application/at+jwt', 'typ', header({ typ: 'application/at+jwt' })],
  ['typ AT+JWT', 'typ', header({ typ: 'AT+JWT' })],
  ['typ empty', 'typ', header({ typ: '' })],
  ['typ missing', 'header_members', header({ typ: undefined })],
  ['crit', 'header_members', header({ crit: ['exp'] })],
  ['crit, empty', 'header_members', header({ crit: [] })],
  ['jku', 'header_members', header({ jku: 'https://evil.example/jwks.json' }, foreignEc.privateKey)],
  ['jwk with the forger’s key', 'header_members', header({ jwk }, foreignEc.privateKey)],
  ['x5c', 'header_members', header({ x5c: [der.toString('base64')] })],
  ['x5u', 'header_members', header({ x5u: 'https://evil.example/chain.pem' })],
  ['b64 false', 'header_members', header({ b64: false, crit: ['b64'] })],
  ['zip', 'header_members', header({ zip: 'DEF' })],
  ['cty', 'header_members', header({ cty: 'JWT' })],
  ['a __proto__ member', 'header_members', headerText((text) => text.replace('}', ',"__proto__":{}}'))],
  ['kid missing', 'header_members', header({ kid: undefined })],
  ['kid a number', 'header_members', header({ kid: 0 })],
  ...['unknown', '', '__proto__', 'constructor', '../../dev/null', "' OR 1=1 --", 'ec\0', 'EC'].map(
    (kid): Case => [`kid ${JSON.stringify(kid)}`, 'kid', header({ kid })],
  ),

  // The signature.
  ['another key of the same curve', 'signature', header({}, foreignEc.privateKey)],
  ['a P-384 key', 'signature', header({}, p384.privateKey)],
  ['a secp256k1 key', 'signature', header({}, secp256k1.privateKey)],
  ['an RSA key', 'signature', header({}, rsa.privateKey)],
  ['a kid whose key is of another curve', 'signature', header({ kid: 'p384' }, p384.privateKey)],
  ['an EC signature under RS256', 'signature', ofRsa(header({}, ec.privateKey))],
  ['DER', 'signature', (_, d) => seal(JSON.stringify(d.header), JSON.stringify(d.payload), d.privateKey, 'der')],
  ['r and s zero', 'signature', signature(() => new Uint8Array(64))],
  ['r zero', 'signature', signature((bytes) => bytes.fill(0, 0, 32))],
  ['s zero', 'signature', signature((bytes) => bytes.fill(0, 32))],
  ['all ones', 'signature', signature(() => new Uint8Array(64).fill(0xff))],
  ['a byte less', 'signature', signature((bytes) => bytes.subarray(0, 63))],
  ['a byte more', 'signature', signature((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))],
  ['one byte', 'signature', signature((bytes) => bytes.subarray(0, 1))],
  ['r and s exchanged', 'signature', signature((bytes) => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)]))],
  ['a bit flipped', 'signature', signature((bytes) => flipped(bytes, 40))],
  ['RSA, a byte less', 'signature', ofRsa(signature((bytes) => bytes.subarray(0, 255)))],
  ['RSA, a zero before', 'signature', ofRsa(signature((bytes) => Buffer.concat([Buffer.alloc(1), bytes])))],
  ['RSA, zero', 'signature', ofRsa(signature(() => new Uint8Array(256)))],
  ['RSA, one', 'signature', ofRsa(signature(() => flipped(Buffer.alloc(256), 255)))],
  ['RSA, a bit flipped', 'signature', ofRsa(signature((bytes) => flipped(bytes, 200)))],
  ['another payload', 'signature', segments((h, p, s) => `${h}.${trade(p, 'user-1', 'user-2')}.${s}`)],
  ['a later exp', 'signature', segments((h, p, s) => `${h}.${trade(p, `${NOW_S + 540}`, `${NOW_S + 541}`)}.${s}`)],
  ['another kid', 'kid', segments((h, p, s) => `${trade(h, '"ec"', '"ed"')}.${p}.${s}`)],
  [
    'the signature of another token',
    'signature',
    (genuine) => genuine.replace(/[^.]*$/, genuineToken().token.split('.')[2] ?? ''),
  ],

  // The claims, signed by the genuine key.
  ...TEXTS.flatMap((name) =>
    claim(name, [undefined, null, true, 1, [SESSION_ID], {}, ...(name === 'tid' ? [] : [''])]),
  ),
  ...COUNTS.flatMap((name) =>
    claim(name, [undefined, null, true, `${NOW_S}`, 'NaN', '', -1, 1.5, 1e300, 2 ** 53, [NOW_S], {}]),
  ),
  ...claim('gen', [undefined, null, {}, { 0: 1, 1: 2, 2: 3, 3: 4, length: 4 }, [], [1, 2, 3], [1, 2, 3, 4, 5]]),
  ...claim('gen', [
    [1, 2, 3, -1],
    [1, 2, 3, 4.5],
    [1, 2, 3, 2 ** 53],
    ['1', '2', '3', '4'],
    [1, 2, 3, null],
    '1,2,3,4',
    4,
  ]),
  ...claim('sid', [
    'user-1',
    SESSION_ID.toUpperCase(),
    `{${SESSION_ID}}`,
    `${SESSION_ID}\n`,
    SESSION_ID.replaceAll('-', ''),
  ]),
  ...claim('aud', [undefined, null, {}, { 0: 'api', length: 1 }, true, 7, '', [], [['api']], ['api', ''], ['api', 1]]),
  ...claim('aud', ['ap', 'api2', 'API', 'api other', '*', ['billing']], 'audience'),
  ...claim(
    'iss',
    [`${ISSUER}/`, ISSUER.slice(0, -1), `${ISSUER}.evil.example`, ISSUER.toUpperCase(), `${ISSUER}\0`],
    'issuer',
  ),
  ...claim('iss', [[ISSUER]]),
  ...claim('acr', ['', null, 1, ['urn:example:silver']]),
  ...claim('amr', ['pwd', null, [], [''], ['pwd', 1], [['pwd']]]),
  ...claim('act', ['support', null, {}, { sub: '' }, { tid: 'acme' }, { sub: 'a', tid: '' }, [{ sub: 'a' }]]),
  ...claim('act', [
    { sub: 'a', act: { sub: 'b' } },
    { sub: 'a', tid: 'acme', extra: 1 },
  ]),
  ...claim('nbf', [NOW_S - 60, NOW_S + 60, null]),
  ...claim('cnf', [{ jkt: 'x' }]),
  ...claim('may_act', [{ sub: 'mallory' }]),
  ['iat beyond the skew', 'issued_later', payload({ iat: NOW_S + 31 })],
  ['a lifetime above the maximum', 'lifetime', payload({ exp: NOW_S - 60 + 3601 })],
  ['no end', 'lifetime', payload({ exp: Number.MAX_SAFE_INTEGER })],
  ['an end before the beginning', 'lifetime', payload({ exp: NOW_S - 61 })],
  [
    'an id token of the same issuer and key',
    'typ',
    (_, d) => {
      const { iss, sub, iat, exp } = d.payload;
      return sealed({
        ...d,
        header: { ...d.header, typ: 'JWT' },
        payload: { iss, sub, aud: 'web', iat, exp, nonce: 'n' },
      });
    },
  ],
];

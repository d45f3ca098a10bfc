import assert from 'node:assert/strict';
import { ConsistencyTokens } from '../../src/domain/consistency_token.ts';
import { PageTokens } from '../../src/domain/page_token.ts';
import { type SessionRules, sessionTimeouts } from '../../src/domain/timeouts.ts';
import { TokenIssuer } from '../../src/domain/tokens.ts';
import { SessionError } from '../../src/error.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { openKeyRing } from '../../src/upkeep/keys.ts';

const MASTER_KEY = generateMasterKey();
const ANYONE = { name: '', tenantIds: null };
const refused = (code: SessionError['code']) => (error: unknown) =>
  error instanceof SessionError && error.code === code;

describe('a consistency token', () => {
  const tokens = new ConsistencyTokens(MASTER_KEY, 'store-1');
  const position = { partition: 12, position: 2 ** 40, tag: '0123456789abcdef' };

  it('says what it was made of', () => {
    assert.deepEqual(tokens.parse(tokens.format(position, 'acme'), ANYONE), position);
  });

  it('is refused where a byte changed, or where it is of another store or key', () => {
    const token = tokens.format(position, 'acme');
    const others = [Buffer.alloc(0), Buffer.alloc(16), token.subarray(1), Buffer.concat([token, Buffer.alloc(1)])];
    for (let at = 0; at < token.length; at += 1) {
      const changed = Buffer.from(token);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x80, at);
      others.push(changed);
    }
    others.push(new ConsistencyTokens(MASTER_KEY, 'store-2').format(position, 'acme'));
    others.push(new ConsistencyTokens(generateMasterKey(), 'store-1').format(position, 'acme'));
    for (const other of others) assert.throws(() => tokens.parse(other, ANYONE), refused('INVALID_TOKEN_PARAMETER'));
  });

  it('is refused where it is of a tenant that the caller does not have', () => {
    const of = (...tenantIds: string[]) => ({ name: 'api', tenantIds });
    const [acme, none] = [tokens.format(position, 'acme'), tokens.format(position, '')];
    assert.deepEqual(tokens.parse(acme, of('other', 'acme')), position);
    assert.deepEqual(tokens.parse(none, of('')), position);
    for (const [token, caller] of [
      [acme, of('other')],
      [acme, of('')],
      [acme, of('acm', 'acme2')],
      [none, of('acme')],
    ] as const) {
      assert.throws(() => tokens.parse(token, caller), refused('INVALID_TOKEN_PARAMETER'));
    }
  });
});

describe('a page token', () => {
  const tokens = new PageTokens(MASTER_KEY);
  const query = { tenantId: 't', userId: 'u', clientId: '', deviceId: '', states: ['active', 'expired'] as const };
  const position = { createTimeMs: 123, sessionId: 's' };

  it('continues its query, whatever the order of the states', () => {
    const token = tokens.format(query, position);
    assert.deepEqual(tokens.parse({ ...query, states: ['expired', 'active'] }, token), position);
  });

  it('is refused for any other query, and where a character changed or was added', () => {
    const token = tokens.format(query, position);
    const queries = [
      { ...query, tenantId: 'tu', userId: '' },
      { ...query, userId: 'v' },
      { ...query, clientId: 'c' },
      { ...query, deviceId: 'd' },
      { ...query, states: ['active'] as const },
    ];
    for (const other of queries) assert.throws(() => tokens.parse(other, token), refused('INVALID_TOKEN_PARAMETER'));
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      assert.throws(() => tokens.parse(query, changed), refused('INVALID_TOKEN_PARAMETER'));
    }
    for (const other of ['', 'x', `${token}=`, `${token} `, `${token}.`]) {
      assert.throws(() => tokens.parse(query, other), refused('INVALID_TOKEN_PARAMETER'));
    }
  });
});

describe('the nonce of new tokens', () => {
  it('is 128 random bits', async () => {
    const ring = await openKeyRing(await openMemoryStore(DEFAULT_RULES, { ms: 0 }), MASTER_KEY, 'ES256', Date.now);
    const issuer = new TokenIssuer(ring, 'https://sessions.example', 60_000);
    const nonces = Array.from({ length: 200 }, () => Buffer.from(issuer.newCredential(0).nonce, 'base64url'));
    assert(nonces.every((nonce) => nonce.length === 16));
    // A bit that is the same in 200 of them does not come by chance.
    for (let bit = 0; bit < 128; bit += 1) {
      const values = nonces.map((nonce) => ((nonce[bit >> 3] ?? 0) >> (bit & 7)) & 1);
      assert.equal(new Set(values).size, 2, `bit ${bit}`);
    }
  });
});

describe('timeouts', () => {
  const rules: SessionRules = {
    audience: 'a',
    accessTokenTtlMs: 10,
    touchIntervalMs: 1,
    idleTimeoutMs: 50,
    absoluteTimeoutMs: 100,
    maxIdleTimeoutMs: 200,
    maxAbsoluteTimeoutMs: 400,
  };
  const asked = (idleTimeoutMs: number | null, absoluteTimeoutMs: number | null = null) =>
    sessionTimeouts(rules, { idleTimeoutMs, absoluteTimeoutMs }, rules);

  it('are those of the service unless asked for, and cut to its maxima', () => {
    assert.deepEqual(asked(null), { idleTimeoutMs: 50, absoluteTimeoutMs: 100 });
    assert.deepEqual(asked(20, 300), { idleTimeoutMs: 20, absoluteTimeoutMs: 300 });
    assert.deepEqual(asked(999, 999), { idleTimeoutMs: 200, absoluteTimeoutMs: 400 });
  });

  it('of 0 are none where the maximum cuts nothing, else the maximum', () => {
    assert.equal(asked(0).idleTimeoutMs, 200);
    const open = { ...rules, maxIdleTimeoutMs: 400 };
    assert.equal(sessionTimeouts(open, { idleTimeoutMs: 0, absoluteTimeoutMs: null }, open).idleTimeoutMs, 0);
  });

  it('below the lifetime of an access token are refused', () => {
    assert.equal(asked(10).idleTimeoutMs, 10);
    assert.throws(() => asked(9), refused('INVALID_FIELD'));
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { TagKey } from '../../src/token/keys.ts';
import { formatOpaqueToken, type OpaqueToken, parseOpaqueToken } from '../../src/token/opaque_token.ts';
import { withBody } from '../grpc/forge.ts';

const KEY: TagKey = { id: 7, secret: randomBytes(32) };
const TOKEN: OpaqueToken = {
  prefix: 'sar_',
  sessionId: '0190a5c0-1234-7abc-8def-0123456789ab',
  generation: 3,
  keyId: 7,
  nonce: randomBytes(16).toString('base64url'),
};
const keyById = (id: number) => (id === KEY.id ? KEY : undefined);

describe('an opaque token', () => {
  it('says what it was made of', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.integer({ min: 1, max: 2 ** 48 - 1 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (sessionId, generation, nonce) => {
          const token = { ...TOKEN, sessionId, generation, nonce: Buffer.from(nonce).toString('base64url') };
          assert.deepEqual(parseOpaqueToken('sar_', formatOpaqueToken(token, KEY), keyById), token);
        },
      ),
    );
  });

  it('is the same each time it is made', () => {
    assert.equal(formatOpaqueToken(TOKEN, KEY), formatOpaqueToken({ ...TOKEN }, KEY));
  });

  it('is refused with any character changed, dropped or added', () => {
    const text = formatOpaqueToken(TOKEN, KEY);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. ';
    for (let at = 0; at <= text.length; at += 1) {
      const others = [text.slice(0, at) + text.slice(at + 1), `${text.slice(0, at)}A${text.slice(at)}`];
      for (const character of alphabet) others.push(text.slice(0, at) + character + text.slice(at + 1));
      for (const other of others.filter((candidate) => candidate !== text)) {
        assert.equal(parseOpaqueToken('sar_', other, keyById), undefined, other);
      }
    }
  });

  it('is refused under another key, even of the same id', () => {
    const other = { id: 7, secret: randomBytes(32) };
    assert.equal(parseOpaqueToken('sar_', formatOpaqueToken(TOKEN, other), keyById), undefined);
    assert.equal(
      parseOpaqueToken('sar_', formatOpaqueToken(TOKEN, KEY), () => undefined),
      undefined,
    );
  });

  it('of one kind is never one of the other', () => {
    const refresh = formatOpaqueToken(TOKEN, KEY);
    const session = formatOpaqueToken({ ...TOKEN, prefix: 'sas_' }, KEY);
    assert.equal(parseOpaqueToken('sas_', refresh, keyById), undefined);
    assert.equal(parseOpaqueToken('sar_', session, keyById), undefined);
    // With a checksum that is right for the other kind.
    assert.equal(
      parseOpaqueToken(
        'sas_',
        withBody(refresh, () => {}, 'sas_'),
        keyById,
      ),
      undefined,
    );
    assert.equal(
      parseOpaqueToken(
        'sar_',
        withBody(session, () => {}, 'sar_'),
        keyById,
      ),
      undefined,
    );
  });
});

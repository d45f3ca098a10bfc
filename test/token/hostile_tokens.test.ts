import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AccessTokenFault } from '../../src/token/verify.ts';
import { flipped, genuineToken, payloadText, untyped, verifier } from './forge.ts';
import { CORPUS } from './hostile_corpus.ts';

/** Every fault there is, so that one without a case fails. */
const FAULTS = {
  not_text: true,
  too_long: true,
  segments: true,
  encoding: true,
  header_json: true,
  header_members: true,
  typ: true,
  kid: true,
  alg: true,
  payload_json: true,
  issuer: true,
  audience: true,
  issued_later: true,
  lifetime: true,
  signature: true,
  claim_iss: true,
  claim_sub: true,
  claim_aud: true,
  claim_client_id: true,
  claim_iat: true,
  claim_exp: true,
  claim_jti: true,
  claim_sid: true,
  claim_tid: true,
  claim_gen: true,
  claim_ver: true,
  claim_auth_time: true,
  claim_acr: true,
  claim_amr: true,
  claim_act: true,
  claim_nbf: true,
  claim_cnf: true,
  claim_may_act: true,
} satisfies Record<AccessTokenFault, true>;

describe('hostile tokens', () => {
  it('are many, and each fault is among them', () => {
    assert.ok(CORPUS.length >= 60, `${CORPUS.length}`);
    assert.equal(new Set(CORPUS.map(([name]) => name)).size, CORPUS.length);
    const seen = new Set<string>(CORPUS.map(([, fault]) => fault));
    assert.deepEqual(
      Object.keys(FAULTS).filter((fault) => !seen.has(fault)),
      [],
    );
  });

  for (const [name, fault, forge] of CORPUS) {
    it(`${name}: ${fault}`, () => {
      const { token, draft } = genuineToken();
      const forged = forge(token, draft);
      assert.notEqual(forged, token);
      for (let time = 0; time < 2; time++) assert.deepEqual(verifier.verify(forged), { kind: 'invalid', fault });
      assert.equal(verifier.verify(token).kind, 'valid');
    });
  }

  it('with any one bit flipped are refused', () => {
    for (const { token } of [genuineToken('ES256'), genuineToken('RS256')]) {
      const parts = token.split('.').map((segment) => Buffer.from(segment, 'base64url'));
      for (const [part, bytes] of parts.entries()) {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const forged = parts.with(part, flipped(bytes, bit >> 3, 1 << (bit & 7)));
          assert.equal(verifier.verify(forged.map((each) => each.toString('base64url')).join('.')).kind, 'invalid');
        }
      }
    }
  }).timeout(20_000);

  it('nested as deep as their size allows are answered', () => {
    for (const depth of [16, 500, 2_000, 5_500]) {
      const nested = payloadText((text) => text.replace('}', `,"deep":${'['.repeat(depth)}${']'.repeat(depth)}}`));
      const { token, draft } = genuineToken();
      assert.ok(['valid', 'invalid'].includes(verifier.verify(nested(token, draft)).kind));
    }
  });

  it('however they were changed are refused (property)', () => {
    const character = fc.oneof(
      fc.constantFrom(...Array.from('AQgw-_.=+/ \n')),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.array(character, { maxLength: 3 }) });
    const tokens = [genuineToken('ES256').token, genuineToken('RS256').token];
    fc.assert(
      fc.property(fc.constantFrom(...tokens), fc.array(edit, { minLength: 1, maxLength: 3 }), (token, edits) => {
        let changed = token;
        for (const { at, remove, insert } of edits) {
          const index = at % (changed.length + 1);
          changed = changed.slice(0, index) + insert.join('') + changed.slice(index + remove);
        }
        assert.equal(verifier.verify(changed).kind, changed === token ? 'valid' : 'invalid');
      }),
      { numRuns: 5_000 },
    );
  }).timeout(20_000);

  it('of any text at all are answered (property)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (value) => {
        assert.equal(verifier.verify(untyped(value)).kind, 'invalid');
      }),
      { numRuns: 2_000 },
    );
  });
});

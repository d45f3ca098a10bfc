import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Canaries } from './canaries.ts';

describe('the search for canaries', () => {
  const canaries = new Canaries();
  const word = canaries.make('word');
  const key = randomBytes(32);
  canaries.learn('key', key);
  const id = canaries.learnWhole('id', randomUUID());
  const spelled = (bytes: Buffer): string[] => [
    bytes.toString('latin1'),
    bytes.toString('latin1').toUpperCase(),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex').toUpperCase(),
    [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  ];

  it('finds them however they are spelled, whatever stands around them', () => {
    for (const secret of [Buffer.from(word), key]) {
      for (const before of ['', 'a', 'ab', 'abc']) {
        const around = Buffer.concat([Buffer.from(before), secret, Buffer.from(' behind')]);
        for (const text of spelled(around)) assert.notDeepEqual(canaries.seenIn(text), [], text);
      }
    }
  });

  it('finds any eight bytes of a secret', () => {
    for (const secret of [Buffer.from(word), key]) {
      for (const start of [0, 1, 7, secret.length - 8]) {
        for (const text of spelled(secret.subarray(start, start + 8)).slice(0, 1)) {
          assert.notDeepEqual(canaries.seenIn(`x${text}y`), [], text);
        }
        const padded = Buffer.concat([Buffer.from('ab'), secret.subarray(start, start + 8), Buffer.from('xyz')]);
        for (const text of spelled(padded)) assert.notDeepEqual(canaries.seenIn(text), [], text);
      }
    }
  });

  it('finds an id as a whole alone', () => {
    for (const text of [id, id.replaceAll('-', ''), Buffer.from(id).toString('base64')]) {
      assert.notDeepEqual(canaries.seenIn(text), []);
    }
    assert.deepEqual(canaries.seenIn(id.slice(0, 30)), []);
  });

  it('finds nothing else', () => {
    assert.deepEqual(canaries.seenIn(randomBytes(100_000).toString('base64')), []);
    assert.deepEqual(canaries.seenIn(randomBytes(100_000).toString('hex')), []);
  });
});

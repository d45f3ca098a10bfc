import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey, JsonWebKeySet } from '../../src/client/client_answers.ts';
import { RemoteKeys } from '../../src/client/remote_keys.ts';
import { generateSigningKey } from '../../src/token/keys.ts';
import { until } from './scripted_service.ts';

const [first, second] = [generateSigningKey('ES256'), generateSigningKey('RS256')].map(
  ({ publicJwk }) => JSON.parse(publicJwk) as JsonWebKey,
) as [JsonWebKey, JsonWebKey];

describe('RemoteKeys', () => {
  let served: (() => Promise<JsonWebKeySet>) | null;
  let fetches: number[];
  let fetched: number;
  let keys: RemoteKeys;

  beforeEach(async () => {
    served = null;
    fetches = [];
    fetched = 0;
    keys = new RemoteKeys(
      () => {
        fetches.push(performance.now());
        return served?.() ?? Promise.resolve({ keys: [first] });
      },
      () => (fetched += 1),
    );
    await until(() => fetched > 0);
  });

  afterEach(() => keys.close());

  const serve = (...jwks: readonly JsonWebKey[]) => {
    served = () => Promise.resolve({ keys: jwks });
  };
  const waitForFetch = async () => {
    const count = fetched;
    await until(() => fetched > count);
  };
  /** Until they may be asked for again. */
  const pause = () => until(() => performance.now() - (fetches.at(-1) ?? 0) > 1_000);

  it('has those that the service tells of, each for its algorithm', async () => {
    assert.deepEqual([keys.size, keys.get(first.kid)?.algorithm, keys.get(second.kid)], [1, 'ES256', undefined]);
    serve(first, second);
    const known = keys.get(first.kid);
    await pause();
    assert.equal(await keys.lookAgain(), true);
    assert.deepEqual([keys.size, keys.get(second.kid)?.algorithm], [2, 'RS256']);
    assert.equal(keys.get(first.kid), known);
    serve(second);
    await pause();
    await keys.lookAgain();
    assert.deepEqual([keys.size, keys.get(first.kid)], [1, undefined]);
  });

  it('does not take what it has for current once the keys have changed', async () => {
    assert.equal(await keys.lookAgain(), true);
    serve(first, second);
    keys.refreshSoon();
    assert.equal(await keys.lookAgain(), false);
    await waitForFetch();
    assert.deepEqual([await keys.lookAgain(), keys.get(second.kid)?.algorithm], [true, 'RS256']);
  });

  it('asks at most once a second, however many look for however many keys', async () => {
    const begin = performance.now();
    while (performance.now() - begin < 2_500) {
      await Promise.all(Array.from({ length: 1_000 }, () => keys.lookAgain()));
      await new Promise(setImmediate);
    }
    for (const [index, time] of fetches.entries()) {
      if (index > 0) assert(time - (fetches[index - 1] ?? 0) >= 1_000);
    }
    assert(fetches.length > 1);
  });

  it('has one question for all who wait', async () => {
    await pause();
    let answer: (set: JsonWebKeySet) => void = () => {};
    served = () => new Promise((resolve) => (answer = resolve));
    const waiting = [keys.lookAgain(), keys.lookAgain(), keys.lookAgain()];
    assert.equal(fetches.length, 2);
    answer({ keys: [first, second] });
    assert.deepEqual(await Promise.all(waiting), [true, true, true]);
    assert.equal(fetches.length, 2);
  });

  it('keeps what it has where it can not get others, says so, and tries again', async () => {
    for (const fault of [
      () => Promise.resolve({ keys: [] }),
      () => Promise.resolve({} as JsonWebKeySet),
      () => Promise.reject(new Error('UNAVAILABLE')),
    ]) {
      serve(first);
      await pause();
      await keys.lookAgain();
      served = fault;
      await pause();
      assert.equal(await keys.lookAgain(), false);
      // Within the second that is still so.
      assert.equal(await keys.lookAgain(), false);
      assert(keys.fault instanceof Error);
      assert.deepEqual([keys.size, keys.get(first.kid) === undefined], [1, false]);
    }
    serve(first, second);
    await waitForFetch();
    assert.deepEqual([keys.size, keys.fault], [2, null]);
  });

  it('comes back soon where keys have changed, though that was asked a moment ago', async () => {
    serve(second);
    keys.refreshSoon();
    keys.refreshSoon();
    await waitForFetch();
    assert.deepEqual([fetches.length, keys.size, keys.get(first.kid)], [2, 1, undefined]);
  });

  it('leaves out what is no key for its algorithm', async () => {
    const jwkOf = (pair: { publicKey: { export(options: { format: 'jwk' }): object } }) =>
      pair.publicKey.export({ format: 'jwk' });
    const p384 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
    const short = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }));
    const odd = [
      { ...first, kid: 'a', alg: 'RS256' },
      { ...second, kid: 'b', alg: 'ES256' },
      { ...p384, kid: 'c', alg: 'ES256' },
      { ...short, kid: 'd', alg: 'RS256' },
      { ...first, kid: 'e', alg: 'ES384' },
      { ...first, kid: 'f', use: 'enc' },
      { ...first, kid: 'g', x: 'AAAA' },
      { ...first, kid: 7 },
      { kty: 'oct', kid: 'h', alg: 'HS256', k: 'c2VjcmV0' },
      { kty: 'oct', kid: 'i', alg: 'ES256', k: 'c2VjcmV0' },
    ];
    serve(...(odd as unknown as JsonWebKey[]), first);
    await pause();
    assert.equal(await keys.lookAgain(), true);
    assert.deepEqual([keys.size, keys.get(first.kid) === undefined], [1, false]);
  });
});

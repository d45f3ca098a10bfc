import assert from 'node:assert/strict';
import { givenUrl, STORES, testedStores } from './stores.ts';

describe('TEST_STORES', () => {
  it('means all stores where it is not set, or empty', () => {
    for (const env of [{}, { TEST_STORES: '' }, { TEST_STORES: ' , ' }]) assert.deepEqual(testedStores(env), STORES);
  });

  it('names stores, in any order', () => {
    assert.deepEqual(testedStores({ TEST_STORES: 'redis-cluster, memory,memory' }), ['memory', 'redis-cluster']);
  });

  it('is refused with a name that it does not know', () => {
    assert.throws(() => testedStores({ TEST_STORES: 'memory,mysql,Postgres' }), {
      message:
        'TEST_STORES names mysql, Postgres, which is none of ' +
        'memory, sqlite, postgres, redis, redis-sentinel, redis-cluster',
    });
  });
});

describe('the URL of a test server', () => {
  it('is given by a variable that is not empty', () => {
    const url = 'redis-sentinel://127.0.0.1:1/m';
    assert.equal(givenUrl('redis-sentinel', { TEST_REDIS_SENTINEL_URL: url }), url);
    assert.equal(givenUrl('redis-sentinel', { TEST_REDIS_SENTINEL_URL: '' }), null);
    assert.equal(givenUrl('redis', { TEST_REDIS_SENTINEL_URL: url }), null);
  });
});

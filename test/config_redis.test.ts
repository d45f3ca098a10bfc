import assert from 'node:assert/strict';
import { redisKeyPrefix, redisScheme, redisUrl } from '../src/config_redis.ts';
import { Fault } from '../src/config_value.ts';

const NONE = { master: '', database: 0, username: '', password: '', tls: false };
const at = (host: string, port: number) => ({ host, port });

describe('a prefix of keys', () => {
  it('has no braces, which name the slot of a key, nor anything that needs quoting', () => {
    for (const prefix of ['', 'sa:', 'prod/eu-1.sessions:', 'x'.repeat(64)])
      assert.equal(redisKeyPrefix(prefix), prefix);
    for (const prefix of ['{a}', 'a{', '}', ' ', 'a b', '*', 'é', 'x'.repeat(65)]) {
      assert(redisKeyPrefix(prefix) instanceof Fault, prefix);
    }
  });
});

describe('a URL of Redis', () => {
  const URLS: Readonly<Record<string, object>> = {
    'redis://cache': { ...NONE, kind: 'redis', nodes: [at('cache', 6379)] },
    'redis://cache:7000/3': { ...NONE, kind: 'redis', nodes: [at('cache', 7000)], database: 3 },
    'redis://cache/': { ...NONE, kind: 'redis', nodes: [at('cache', 6379)] },
    'rediss://cache:7000': { ...NONE, kind: 'redis', nodes: [at('cache', 7000)], tls: true },
    'redis://app:p%40ss%2F1@[::1]:7000': {
      ...NONE,
      kind: 'redis',
      nodes: [at('::1', 7000)],
      username: 'app',
      password: 'p@ss/1',
    },
    'redis://:secret@10.0.0.1': { ...NONE, kind: 'redis', nodes: [at('10.0.0.1', 6379)], password: 'secret' },
    'redis-sentinel://a:26379,b/main': {
      ...NONE,
      kind: 'redis-sentinel',
      nodes: [at('a', 26379), at('b', 26379)],
      master: 'main',
    },
    'redis-sentinel://app:x@a:1,b:2,c:3/my%20master/5?tls=true': {
      kind: 'redis-sentinel',
      nodes: [at('a', 1), at('b', 2), at('c', 3)],
      master: 'my master',
      database: 5,
      username: 'app',
      password: 'x',
      tls: true,
    },
    'redis-cluster://a:7000,[::1]:7001': {
      ...NONE,
      kind: 'redis-cluster',
      nodes: [at('a', 7000), at('::1', 7001)],
    },
    'redis-cluster://app:x@a?tls=true': {
      ...NONE,
      kind: 'redis-cluster',
      nodes: [at('a', 6379)],
      username: 'app',
      password: 'x',
      tls: true,
    },
  };
  for (const [url, expected] of Object.entries(URLS)) {
    it(`${url} says where it is`, () => {
      assert.deepEqual(redisUrl(url), expected);
      assert.notEqual(redisScheme(url), null);
    });
  }

  const WRONG = [
    'redis://',
    'redis:///0',
    'redis://a,b',
    'redis://a:0',
    'redis://a:70000',
    'redis://a/x',
    'redis://a/0/1',
    'redis://a/100000',
    'redis://a?tls=true',
    'redis://a#x',
    'redis://user:%ZZsecret@a',
    'redis://user:sec@ret@a',
    'redis-sentinel://a:1',
    'redis-sentinel://a:1/',
    'redis-sentinel://a:1/main/0/0',
    'redis-sentinel://a:1,/main',
    'redis-cluster://a:1/0',
    'redis-cluster://a:1?tls=maybe',
    'redis-cluster://',
    'http://a',
    '',
  ];
  for (const url of WRONG) {
    it(`"${url}" is at fault, and is not repeated`, () => {
      const fault = redisUrl(url);
      assert(fault instanceof Fault);
      assert.match(fault.text, /; allowed: redis/);
      assert(!fault.text.includes('ret@') && !fault.text.includes('ZZ'));
    });
  }

  it('is known by its scheme alone', () => {
    for (const url of ['postgres://a', 'redisx://a', 'redis:/a', 'REDIS://a']) assert.equal(redisScheme(url), null);
  });
});

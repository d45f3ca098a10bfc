import assert from 'node:assert/strict';
import { CONFIG_VARIABLES, type Config, ConfigError, readConfig } from '../src/config.ts';
import type { StoreLocation } from '../src/store/location.ts';

const KEY = Buffer.alloc(32, 0xa7).toString('base64');

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert(error instanceof ConfigError);
    assert.equal(error.message, error.faults.join('\n'));
    return error.faults;
  }
  return [];
}

/** Asserts that each text is refused with one fault, which names the variable and says what is allowed. */
function refuses(name: string, texts: readonly string[], allowed: RegExp): void {
  for (const text of texts) {
    const faults = faultsOf({ [name]: text });
    assert.equal(faults.length, 1, `${name}=${text}: ${faults.join(' | ')}`);
    assert.match(faults[0] ?? '', new RegExp(`^${name}: .+; allowed: `));
    assert.match(faults[0] ?? '', allowed);
  }
}

function accepts<T>(name: string, pick: (config: Config) => T, cases: readonly (readonly [string, T])[]): void {
  for (const [text, value] of cases) assert.deepEqual(pick(readConfig({ [name]: text })), value, `${name}=${text}`);
}

const DEFAULTS: Config = {
  store: { kind: 'sqlite', path: './data/sessions.db' },
  masterKey: { kind: 'beside_database' },
  grpcAddress: { host: '127.0.0.1', port: 50051 },
  httpAddress: { host: '127.0.0.1', port: 8080 },
  tls: null,
  connections: { total: 10_000, perPeer: 500 },
  tokenIssuer: 'http://127.0.0.1:8080',
  tokenAudience: 'session-authority',
  signingAlgorithm: 'ES256',
  idleTimeoutMs: 604_800_000,
  absoluteTimeoutMs: 2_592_000_000,
  maxIdleTimeoutMs: 31_536_000_000,
  rules: {
    accessTokenTtlMs: 600_000,
    maxAbsoluteTimeoutMs: 31_536_000_000,
    refreshGraceMs: 10_000,
    touchIntervalMs: 60_000,
    endedSessionRetentionMs: 86_400_000,
    limit: { max: 100, policy: 'evict-oldest' },
  },
  workers: 1,
  migrateOnStart: false,
  postgres: { poolSize: 10, preparedStatements: true },
  redis: { keyPrefix: 'sa:', partitions: 16, waitReplicas: null, sentinel: { username: '', password: '' } },
  maxWatchStreams: 10_000,
  callers: { file: '', callsPerSecond: 10_000, concurrentCalls: 1000, watchStreams: 5000 },
  auditFile: '',
  shutdownTimeoutMs: 10_000,
  logLevel: 'info',
};

describe('readConfig', () => {
  it('has a default for everything', () => {
    assert.deepEqual(readConfig({}), DEFAULTS);
  });

  it('takes an empty variable as unset', () => {
    assert.deepEqual(readConfig(Object.fromEntries(CONFIG_VARIABLES.map(({ name }) => [name, '']))), DEFAULTS);
  });

  it('reads the default texts it shows', () => {
    const shown = Object.fromEntries(CONFIG_VARIABLES.map(({ name, defaultText }) => [name, defaultText]));
    assert.deepEqual(readConfig(shown), DEFAULTS);
  });

  it('ignores variables it does not know', () => {
    assert.deepEqual(readConfig({ PATH: '/bin', IDLE_TIMOUT: 'x' }), DEFAULTS);
  });

  it('is frozen to its leaves', () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      Buffer.isBuffer(value) ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    assert(frozen(readConfig({})));
    assert(frozen(readConfig({ STORE_URL: 'memory:', MASTER_KEY: KEY })));
  });

  it('says every fault in one message, in the order of the table', () => {
    const faults = faultsOf({
      STORE_URL: 'x',
      GRPC_ADDRESS: 'x',
      IDLE_TIMEOUT: 'x',
      ABSOLUTE_TIMEOUT: '400d',
      LOG_LEVEL: 'x',
    });
    assert.deepEqual(
      faults.map((fault) => fault.slice(0, fault.indexOf(':'))),
      ['STORE_URL', 'GRPC_ADDRESS', 'IDLE_TIMEOUT', 'LOG_LEVEL', 'ABSOLUTE_TIMEOUT'],
    );
    for (const fault of faults) assert(!fault.includes('\n'));
  });

  it('finds a fault of every variable that can have one', () => {
    const files = [
      'MASTER_KEY_FILE',
      'TLS_CERT_FILE',
      'TLS_KEY_FILE',
      'TLS_CLIENT_CA_FILE',
      'CALLERS_FILE',
      'AUDIT_FILE',
    ];
    const free = [...files, 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'];
    const names = CONFIG_VARIABLES.map(({ name }) => name).filter((name) => !free.includes(name));
    const faults = faultsOf(Object.fromEntries(names.map((name) => [name, ' \n'])));
    assert.deepEqual(
      faults.map((fault) => fault.slice(0, fault.indexOf(':'))),
      names,
    );
  });

  it('lets nobody in from other machines without callers and TLS', () => {
    const needed = { TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k', CALLERS_FILE: 'f' };
    for (const name of ['GRPC_ADDRESS', 'HTTP_ADDRESS']) {
      for (const host of ['0.0.0.0', '[::]', '10.1.2.3', '127.example.com', 'example.com', '[::2]', '128.0.0.1']) {
        const open = { [name]: `${host}:1` };
        for (const missing of Object.keys(needed)) {
          const faults = faultsOf({ ...open, ...needed, [missing]: '' });
          assert(
            faults.some((fault) => fault.startsWith(`${name}: is open to other machines; allowed: together with`)),
          );
          assert(faults.some((fault) => fault.startsWith(name) && fault.includes(missing)));
        }
        assert(readConfig({ ...open, ...needed }));
        assert(readConfig({ ...open, INSECURE: 'true' }));
      }
      for (const host of ['127.0.0.1', '127.9.9.9', '[::1]', 'localhost']) assert(readConfig({ [name]: `${host}:1` }));
    }
  });

  it('never repeats what it read', () => {
    const secret = 'hunter2-correct-horse';
    for (const { name } of CONFIG_VARIABLES) {
      const faults = faultsOf({ [name]: secret, MASTER_KEY: `${secret}=` }).join('\n');
      assert(faults.startsWith('MASTER_KEY') || faults.includes('\nMASTER_KEY') || name === 'MASTER_KEY');
      assert(!faults.includes(secret), faults);
    }
    for (const url of [
      `postgres://app:${secret}@db/app?x=1`,
      `postgres://app:${secret}@/app`,
      `redis://:${secret}@cache:6379/x/y`,
      `${secret}:x`,
    ]) {
      const faults = faultsOf({ STORE_URL: url }).join('\n');
      assert.match(faults, /^STORE_URL: /);
      assert(!faults.includes(secret), faults);
    }
    assert(!faultsOf({ MASTER_KEY: KEY, MASTER_KEY_FILE: secret }).join('\n').includes(KEY));
  });
});

describe('CONFIG_VARIABLES', () => {
  it('gives each variable once, with one line of meaning', () => {
    const names = CONFIG_VARIABLES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, meaning } of CONFIG_VARIABLES) {
      assert.match(name, /^[A-Z][A-Z_]+$/);
      assert.match(meaning, /^[^\n|]{10,100}$/);
    }
  });
});

describe('STORE_URL', () => {
  it('names memory or an SQLite file', () => {
    accepts('STORE_URL', (config) => config.store, [
      ['memory:', { kind: 'memory' }],
      ['sqlite:/var/lib/sessions.db', { kind: 'sqlite', path: '/var/lib/sessions.db' }],
      ['sqlite:sessions.db', { kind: 'sqlite', path: 'sessions.db' }],
    ]);
  });

  it('says which stores this version serves', () => {
    refuses(
      'STORE_URL',
      ['module:./store.js'],
      /a module store is not served by this version; allowed: memory:, sqlite:PATH/,
    );
    refuses(
      'STORE_URL',
      ['memory', 'memory:x', 'mysql://db', 'SQLITE:x', './data', 'postgres:db'],
      /memory:, sqlite:PATH/,
    );
    refuses('STORE_URL', ['sqlite:', 'sqlite: ', 'sqlite:x.db '], /sqlite:PATH, without spaces around it$/);
    refuses('STORE_URL', ['sqlite::memory:', 'sqlite:file:x.db?mode=memory'], /for a store in memory, memory:$/);
    refuses('STORE_URL', ['sqlite://data/x.db', 'sqlite:///data/x.db'], /sqlite:\/data\/x\.db$/);
  });

  it('names a Postgres database as libpq does', () => {
    const plain = {
      kind: 'postgres',
      hosts: [{ host: 'db', port: 5432 }],
      user: 'app',
      password: '',
      database: 'sessions',
      tls: null,
      options: '',
      applicationName: 'session-authority',
    } as const;
    const tls = { rootCertPath: null, certPath: null, keyPath: null };
    const cases: readonly (readonly [string, StoreLocation])[] = [
      ['postgres://app@db/sessions', plain],
      [
        'postgresql://app:p%40ss:w%2Frd@db:5433/sessions',
        { ...plain, hosts: [{ host: 'db', port: 5433 }], password: 'p@ss:w/rd' },
      ],
      [
        'postgres://app@db-1,db-2:5433,[::1]:5434/sessions',
        {
          ...plain,
          hosts: [
            { host: 'db-1', port: 5432 },
            { host: 'db-2', port: 5433 },
            { host: '::1', port: 5434 },
          ],
        },
      ],
      ['postgres://app@%2Frun%2Fpostgresql/sessions', { ...plain, hosts: [{ host: '/run/postgresql', port: 5432 }] }],
      ['postgres://app@db/sessions?sslmode=disable', plain],
      ['postgres://app@db/sessions?sslmode=verify-full', { ...plain, tls }],
      ['postgres://app@db/sessions?sslmode=require', { ...plain, tls }],
      [
        'postgres://app@db/sessions?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem',
        { ...plain, tls: { rootCertPath: '/ca.pem', certPath: '/c.pem', keyPath: '/k.pem' } },
      ],
      [
        'postgres://app@db/sessions?options=-c%20search_path%3Dauth&application_name=edge',
        { ...plain, options: '-c search_path=auth', applicationName: 'edge' },
      ],
    ];
    for (const [STORE_URL, location] of cases) {
      assert.deepEqual(readConfig({ STORE_URL, MASTER_KEY: KEY }).store, location, STORE_URL);
    }
  });

  it('refuses a Postgres URL that is none, or says what can not be kept', () => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['postgres://db/sessions', /is no such URL; allowed: postgres:\/\/USER:PASSWORD@HOST/],
      ['postgres://:pw@db/sessions', /names no user/],
      ['postgres://app@db/', /names no database/],
      ['postgres://app@/sessions', /names no host/],
      ['postgres://app@db,/sessions', /names no host/],
      ['postgres://app@db:0/sessions', /a port that is none/],
      ['postgres://app@db:65536/sessions', /a port that is none/],
      ['postgres://app@[db]:5432/sessions', /names no host/],
      ['postgres://app:%zz@db/sessions', /broken %-escape/],
      ['postgres://app:%00@db/sessions', /a NUL/],
      ['postgres://app@db/sessions?sslmode=prefer', /may not encrypt; allowed: sslmode=disable, or verify-full/],
      ['postgres://app@db/sessions?sslrootcert=/ca.pem', /sslrootcert without TLS/],
      ['postgres://app@db/sessions?sslmode=require&sslcert=/c.pem', /one of sslcert and sslkey/],
      ['postgres://app@db/sessions?sslmode=require&sslmode=disable', /sslmode twice/],
      ['postgres://app@db/sessions?target=x', /unknown parameter; allowed: sslmode, /],
    ];
    for (const [STORE_URL, message] of refusals) {
      const faults = faultsOf({ STORE_URL, MASTER_KEY: KEY });
      assert.equal(faults.length, 1, STORE_URL);
      assert.match(faults[0] ?? '', message);
    }
  });
});

describe('REDIS_*', () => {
  const STORE_URL = 'redis-sentinel://app:p%40ss@a,b:26380/main/2';

  it('say how the store is kept, beside its URL', () => {
    const env = {
      STORE_URL,
      MASTER_KEY: KEY,
      REDIS_KEY_PREFIX: 'auth:',
      REDIS_PARTITIONS: '64',
      REDIS_WAIT_REPLICAS: '1',
      REDIS_SENTINEL_USERNAME: 'watch',
      REDIS_SENTINEL_PASSWORD: 'secret',
    };
    const { store, redis } = readConfig(env);
    assert.deepEqual(store, {
      kind: 'redis-sentinel',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
      ],
      master: 'main',
      database: 2,
      username: 'app',
      password: 'p@ss',
      tls: false,
    });
    const sentinel = { username: 'watch', password: 'secret' };
    assert.deepEqual(redis, { keyPrefix: 'auth:', partitions: 64, waitReplicas: 1, sentinel });
  });

  it('are bounded', () => {
    refuses('REDIS_KEY_PREFIX', ['{tag}', 'a b'], /up to 64 of A-Z/);
    refuses('REDIS_PARTITIONS', ['0', '1025', 'x'], /a whole number from 1 to 1024$/);
    refuses('REDIS_WAIT_REPLICAS', ['-1', '17', 'all'], /a whole number from 0 to 16$/);
  });
});

describe('MASTER_KEY', () => {
  it('comes from the variable, a file, the database or nowhere', () => {
    const bytes = Buffer.alloc(32, 0xa7);
    for (const STORE_URL of ['memory:', 'sqlite:x.db']) {
      assert.deepEqual(readConfig({ STORE_URL, MASTER_KEY: KEY }).masterKey, { kind: 'value', bytes });
      assert.deepEqual(readConfig({ STORE_URL, MASTER_KEY_FILE: '/k' }).masterKey, { kind: 'file', path: '/k' });
    }
    assert.deepEqual(readConfig({ STORE_URL: 'memory:' }).masterKey, { kind: 'ephemeral' });
    assert.deepEqual(readConfig({ STORE_URL: 'sqlite:x.db' }).masterKey, { kind: 'beside_database' });
  });

  it('must be given for a store that instances share', () => {
    for (const STORE_URL of ['postgres://app@db/sessions', 'redis://cache', 'redis-cluster://a,b']) {
      assert.deepEqual(faultsOf({ STORE_URL }), [
        'MASTER_KEY: is not set; allowed: what `openssl rand -base64 32` prints, one for all instances',
      ]);
    }
    const { masterKey } = readConfig({ STORE_URL: 'postgres://app@db/sessions', MASTER_KEY_FILE: '/k' });
    assert.deepEqual(masterKey, { kind: 'file', path: '/k' });
  });

  it('is refused beside MASTER_KEY_FILE', () => {
    assert.deepEqual(faultsOf({ MASTER_KEY: KEY, MASTER_KEY_FILE: '/k' }), [
      'MASTER_KEY_FILE: is set; allowed: not beside MASTER_KEY',
    ]);
    assert.equal(faultsOf({ MASTER_KEY: 'x', MASTER_KEY_FILE: '/k' }).length, 2);
  });

  it('is base64 of exactly 32 bytes, to the letter', () => {
    const of = (length: number) => Buffer.alloc(length, 0xff).toString('base64');
    const urlSafe = of(32).replaceAll('/', '_');
    // The last character carries two bits that no byte takes up.
    const looseEnd = `${KEY.slice(0, 42)}d=`;
    assert.deepEqual(Buffer.from(looseEnd, 'base64'), Buffer.from(KEY, 'base64'));
    refuses('MASTER_KEY', [of(31), of(33), `${KEY} `, KEY.slice(0, 43), urlSafe, looseEnd, 'x'], /exactly 32 bytes$/);
  });
});

describe('GRPC_ADDRESS, HTTP_ADDRESS', () => {
  it('are a host and a port', () => {
    const cases: readonly (readonly [string, Config['grpcAddress']])[] = [
      ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
      ['localhost:65535', { host: 'localhost', port: 65_535 }],
      ['my_host-1.example.org:443', { host: 'my_host-1.example.org', port: 443 }],
      ['[::1]:50051', { host: '::1', port: 50_051 }],
      ['[::]:1', { host: '::', port: 1 }],
    ];
    for (const [text, value] of cases) {
      const config = readConfig({ GRPC_ADDRESS: text, HTTP_ADDRESS: text, INSECURE: 'true' });
      assert.deepEqual([config.grpcAddress, config.httpAddress], [value, value], text);
    }
    for (const name of ['GRPC_ADDRESS', 'HTTP_ADDRESS']) {
      const wrong = ['localhost', ':80', '::1:80', '[::1]', '[::1]x:80', '[127.0.0.1]:80', '[]:80', 'a b:80', '-a:80'];
      refuses(name, [...wrong, '1.2.3:80', '256.0.0.1:80', '80'], /HOST:PORT/);
      refuses(
        name,
        ['a:65536', 'a:', 'a:-1', 'a:080', 'a:1e3', 'a:80 ', 'http://a:80', 'a:80/'],
        /port from 0 to 65535/,
      );
    }
  });
});

describe('TOKEN_ISSUER, TOKEN_AUDIENCE, SIGNING_ALGORITHM', () => {
  it('keep an issuer as it stands', () => {
    const texts = ['https://id.example.org', 'https://id.example.org/', 'http://[::1]:8080/tenant/a'];
    accepts(
      'TOKEN_ISSUER',
      (config) => config.tokenIssuer,
      texts.map((text) => [text, text] as const),
    );
    const wrong = [
      'id.example.org',
      'ftp://a',
      'http:a',
      'http://',
      'http://a:99999',
      'https://u:p@a',
      'http://ä',
      `http://a/${'x'.repeat(256)}`,
    ];
    refuses(
      'TOKEN_ISSUER',
      [...wrong, 'http://a?x', 'http://a?', 'http://a#', 'http://a ', ' http://a', 'http://a\n'],
      /URL/,
    );
  });

  it('bound an audience', () => {
    accepts('TOKEN_AUDIENCE', (config) => config.tokenAudience, [
      ['a', 'a'],
      ['x'.repeat(128), 'x'.repeat(128)],
      ['https://api.example.org/', 'https://api.example.org/'],
    ]);
    refuses('TOKEN_AUDIENCE', ['x'.repeat(129), ' ', 'a ', 'a\tb', 'ä'.repeat(65)], /1 to 128 bytes/);
  });

  it('know two algorithms', () => {
    accepts('SIGNING_ALGORITHM', (config) => config.signingAlgorithm, [['RS256', 'RS256']]);
    refuses('SIGNING_ALGORITHM', ['es256', 'HS256', 'none', 'ES256 '], /ES256, RS256$/);
  });
});

describe('durations', () => {
  it('are whole numbers of ms with a unit', () => {
    accepts('TOUCH_INTERVAL', (config) => config.rules.touchIntervalMs, [
      ['0', 0],
      ['0s', 0],
      ['250ms', 250],
      ['10s', 10_000],
      ['15m', 900_000],
      ['12h', 43_200_000],
      ['7d', 604_800_000],
      ['1.5h', 5_400_000],
      ['1.1s', 1100],
      ['4.35s', 4350],
      ['1.005s', 1005],
      ['3650d', 315_360_000_000],
    ]);
    const wrong = [
      '10',
      '10 s',
      ' 10s',
      '10s ',
      '-1s',
      '+1s',
      '1e3s',
      '.5s',
      '1.s',
      '10S',
      '1w',
      '1y',
      '1h30m',
      'Infinity',
    ];
    refuses('TOUCH_INTERVAL', [...wrong, '0.5ms', '1.0001s', '10 minutes', '00', '١s'], /250ms, 10s, 15m, 12h or 7d/);
    refuses('TOUCH_INTERVAL', ['3651d', '999999999999d'], /from 0 to 3650d$/);
  });

  const RANGES: readonly (readonly [
    string,
    (config: Config) => number,
    readonly string[],
    readonly string[],
    RegExp,
  ])[] = [
    ['ACCESS_TOKEN_TTL', (c) => c.rules.accessTokenTtlMs, ['1s', '24h'], ['0', '999ms', '86401s'], /from 1s to 1d$/],
    ['IDLE_TIMEOUT', (c) => c.idleTimeoutMs, ['0', '10m', '365d'], ['3651d'], /from 0 to 3650d$/],
    ['ABSOLUTE_TIMEOUT', (c) => c.absoluteTimeoutMs, ['1ms', '365d'], ['0', '0s', '3651d'], /from 1ms to 3650d$/],
    ['MAX_IDLE_TIMEOUT', (c) => c.maxIdleTimeoutMs, ['7d', '3650d'], ['0', '3651d'], /from 1ms to 3650d$/],
    ['MAX_ABSOLUTE_TIMEOUT', (c) => c.rules.maxAbsoluteTimeoutMs, ['30d', '3650d'], ['0', '3651d'], /to 3650d$/],
    ['REFRESH_GRACE', (c) => c.rules.refreshGraceMs, ['0', '5m'], ['301s'], /from 0 to 5m$/],
    ['ENDED_SESSION_RETENTION', (c) => c.rules.endedSessionRetentionMs, ['0', '3650d'], ['3651d'], /to 3650d$/],
    ['SHUTDOWN_TIMEOUT', (c) => c.shutdownTimeoutMs, ['0', '1h'], ['61m'], /from 0 to 1h$/],
  ];
  for (const [name, pick, good, bad, range] of RANGES) {
    it(`bound ${name}`, () => {
      for (const text of good) {
        const ms = readConfig({ TOUCH_INTERVAL: text }).rules.touchIntervalMs;
        assert.equal(pick(readConfig({ [name]: text })), ms, text);
      }
      refuses(name, bad, range);
      refuses(name, ['10', 'soon'], /is not a duration/);
    });
  }

  it('are compared with each other', () => {
    assert.deepEqual(faultsOf({ IDLE_TIMEOUT: '9m' }), [
      'IDLE_TIMEOUT: is shorter than ACCESS_TOKEN_TTL; allowed: 0, or at least 10m',
    ]);
    assert.deepEqual(faultsOf({ IDLE_TIMEOUT: '366d' }), [
      'IDLE_TIMEOUT: is longer than MAX_IDLE_TIMEOUT; allowed: at most 365d',
    ]);
    assert.deepEqual(faultsOf({ MAX_ABSOLUTE_TIMEOUT: '36h' }), [
      'ABSOLUTE_TIMEOUT: is longer than MAX_ABSOLUTE_TIMEOUT; allowed: at most 36h',
    ]);
    assert.deepEqual(faultsOf({ ACCESS_TOKEN_TTL: '2h', IDLE_TIMEOUT: '0', ABSOLUTE_TIMEOUT: '1h' }), []);
  });

  it('are not compared with one that is at fault itself', () => {
    assert.equal(faultsOf({ ACCESS_TOKEN_TTL: '25h', IDLE_TIMEOUT: '1m' }).length, 1);
    assert.equal(faultsOf({ MAX_IDLE_TIMEOUT: 'x', IDLE_TIMEOUT: '400d' }).length, 1);
  });
});

describe('the other variables', () => {
  it('bound the sessions of a user', () => {
    accepts('MAX_SESSIONS_PER_USER', (config) => config.rules.limit.max, [
      ['0', 0],
      ['100000', 100_000],
    ]);
    refuses(
      'MAX_SESSIONS_PER_USER',
      ['-1', '1.5', '100001', '1e3', '0x10', ' 1', 'all'],
      /whole number from 0 to 100000$/,
    );
  });

  it('take only their own words', () => {
    accepts('SESSION_LIMIT_POLICY', (config) => config.rules.limit.policy, [
      ['evict-least-recently-active', 'evict-least-recently-active'],
      ['reject', 'reject'],
    ]);
    refuses('SESSION_LIMIT_POLICY', ['evict', 'REJECT'], /evict-oldest, evict-least-recently-active, reject$/);
    accepts('MIGRATE_ON_START', (config) => config.migrateOnStart, [
      ['true', true],
      ['false', false],
    ]);
    refuses('MIGRATE_ON_START', ['1', 'yes', 'TRUE'], /true, false$/);
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) {
      assert.equal(readConfig({ LOG_LEVEL: level }).logLevel, level);
    }
    refuses('LOG_LEVEL', ['verbose', 'INFO', '30'], /trace, debug, info, warn, error, fatal, silent$/);
  });

  it('allow no idle timeout that the maximum forbids', () => {
    assert.match(faultsOf({ MAX_IDLE_TIMEOUT: '9m', IDLE_TIMEOUT: '9m' }).join(), /MAX_IDLE_TIMEOUT: is shorter than/);
    assert.match(faultsOf({ IDLE_TIMEOUT: '0', MAX_IDLE_TIMEOUT: '1d' }).join(), /^IDLE_TIMEOUT: is 0 \(none\)/);
    readConfig({ IDLE_TIMEOUT: '0', MAX_IDLE_TIMEOUT: '30d', MAX_ABSOLUTE_TIMEOUT: '30d' });
  });

  it('are refused where the store has no use for them', () => {
    for (const STORE_URL of ['memory:', 'sqlite:x.db']) {
      readConfig({ STORE_URL, WORKERS: '1', DEGRADED_WINDOW: '0' });
      assert.match(faultsOf({ STORE_URL, WORKERS: '2' }).join(), /^WORKERS: is more than 1, [^,]*; allowed: 1, or /);
    }
    for (const STORE_URL of ['postgres://u@h/d', 'redis://h']) {
      assert.equal(readConfig({ STORE_URL, MASTER_KEY: KEY, WORKERS: '64' }).workers, 64);
    }
    refuses('WORKERS', ['0', '65', '-1', 'auto'], /a whole number from 1 to 64$/);
    refuses('DEGRADED_WINDOW', ['5m', '1ms', 'off'], /allowed: 0s$/);
  });
});

import {
  type Address,
  address,
  DAY,
  duration,
  durationText,
  Fault,
  flag,
  HOUR,
  MINUTE,
  oneOf,
  SECOND,
  wholeNumber,
} from './config_value.ts';
import type { ConnectionLimits, TlsFiles } from './access/listener_options.ts';
import { opennessConflicts, tlsConflicts, tlsFiles } from './config_listener.ts';
import { redisKeyPrefix } from './config_redis.ts';
import { storeLocation } from './config_store.ts';
import { LIMITS, MAX_ACCESS_TOKEN_TTL_MS } from './domain/limits.ts';
import type { StoreRules } from './domain/store_rules.ts';
import type { StoreLocation } from './store/location.ts';
import type { PostgresOptions } from './store/postgres/location.ts';
import type { RedisOptions } from './store/redis/location.ts';
import type { SigningAlgorithm } from './token/keys.ts';
import { parseMasterKey } from './token/master_key.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the key comes from that seals the signing keys; this module itself reads no file. */
export type MasterKeySource =
  | { readonly kind: 'value'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'beside_database' }
  /** Made at start and lost with the process, as is everything that it seals. */
  | { readonly kind: 'ephemeral' };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Who may call, and how often. */
export interface CallersConfig {
  /** Empty: whoever reaches the listener. */
  readonly file: string;
  /** 0 = no limit. */
  readonly callsPerSecond: number;
  readonly concurrentCalls: number;
  readonly watchStreams: number;
}

/** What the process runs with; deeply frozen, but for the bytes of the master key. Times in ms. */
export interface Config {
  readonly store: StoreLocation;
  readonly masterKey: MasterKeySource;
  readonly grpcAddress: Address;
  readonly httpAddress: Address;
  /** Of both listeners; null = plain text. */
  readonly tls: TlsFiles | null;
  /** Of each of the two. */
  readonly connections: ConnectionLimits;
  readonly tokenIssuer: string;
  readonly tokenAudience: string;
  readonly signingAlgorithm: SigningAlgorithm;
  /** 0 = no idle limit. */
  readonly idleTimeoutMs: number;
  readonly absoluteTimeoutMs: number;
  readonly maxIdleTimeoutMs: number;
  readonly rules: StoreRules;
  /** Processes that serve. */
  readonly workers: number;
  readonly migrateOnStart: boolean;
  readonly postgres: PostgresOptions;
  readonly redis: RedisOptions;
  readonly maxWatchStreams: number;
  readonly callers: CallersConfig;
  /** Empty = stdout. */
  readonly auditFile: string;
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;
}

/** The environment cannot be run with. The message has one line per fault and holds no value of a variable. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

interface Variable<T> {
  /** Read where the variable is unset or empty. */
  readonly defaultText: string;
  readonly meaning: string;
  readonly parse: (text: string) => T | Fault;
}

const LONGEST = 3650 * DAY;

const VARIABLES = {
  STORE_URL: variable(
    'sqlite:./data/sessions.db',
    'where sessions live: `memory:`, `sqlite:PATH`, or the URL of Postgres or Redis',
    storeLocation,
  ),
  MASTER_KEY: variable(
    '',
    'base64 of the 32 bytes that seal the signing keys; SQLite alone does without, by a file beside it',
    masterKey,
  ),
  MASTER_KEY_FILE: variable('', 'a file that holds the master key, in place of MASTER_KEY', masterKeyFile),
  GRPC_ADDRESS: variable('127.0.0.1:50051', 'host:port of the RPCs', address),
  HTTP_ADDRESS: variable(
    '127.0.0.1:8080',
    'host:port of `/.well-known/jwks.json`, `/.well-known/openid-configuration`, `/healthz` and `/readyz`',
    address,
  ),
  TLS_CERT_FILE: variable(
    '',
    'the certificate that both addresses show, in PEM, and those above it; unset: plain text',
    (text) => text,
  ),
  TLS_KEY_FILE: variable('', 'the key of that certificate, in PEM', (text) => text),
  TLS_CLIENT_CA_FILE: variable(
    '',
    'authorities, in PEM, whose certificates tell who a client of the RPCs is',
    (text) => text,
  ),
  MAX_CONNECTIONS: variable(
    '10000',
    'connections that one instance takes at each of the two addresses',
    wholeNumber(1_000_000, 1),
  ),
  MAX_CONNECTIONS_PER_PEER: variable(
    '500',
    'of those, from one IPv4 address or one /64 of IPv6',
    wholeNumber(1_000_000, 1),
  ),
  TOKEN_ISSUER: variable('http://127.0.0.1:8080', 'the `iss` of access tokens, a URL', issuer),
  TOKEN_AUDIENCE: variable('session-authority', 'the `aud` of access tokens whose session names none', audience),
  SIGNING_ALGORITHM: variable('ES256', 'what signs access tokens: `ES256` or `RS256`', oneOf('ES256', 'RS256')),
  ACCESS_TOKEN_TTL: variable('10m', 'the lifetime of an access token', duration(SECOND, MAX_ACCESS_TOKEN_TTL_MS)),
  IDLE_TIMEOUT: variable('7d', 'how long an unused session lives; `0` = no such limit', duration(0, LONGEST)),
  ABSOLUTE_TIMEOUT: variable('30d', 'how long a session lives, however much it is used', duration(1, LONGEST)),
  MAX_IDLE_TIMEOUT: variable('365d', 'the longest idle timeout that a request may ask for', duration(1, LONGEST)),
  MAX_ABSOLUTE_TIMEOUT: variable('365d', 'the longest absolute timeout a request may ask for', duration(1, LONGEST)),
  REFRESH_GRACE: variable('10s', 'how long a spent refresh token still gets the current one', duration(0, 5 * MINUTE)),
  TOUCH_INTERVAL: variable('1m', 'a session used again within this time is not written again', duration(0, LONGEST)),
  ENDED_SESSION_RETENTION: variable('24h', 'how long an ended session stays readable', duration(0, LONGEST)),
  MAX_SESSIONS_PER_USER: variable('100', 'live sessions that a user may have; `0` = no limit', wholeNumber(100_000)),
  SESSION_LIMIT_POLICY: variable(
    'evict-oldest',
    'at that limit: `evict-oldest`, `evict-least-recently-active` or `reject`',
    oneOf('evict-oldest', 'evict-least-recently-active', 'reject'),
  ),
  MIGRATE_ON_START: variable('false', '`true`: bring the schema up to date at start; SQLite always does', flag),
  POSTGRES_POOL_SIZE: variable(
    '10',
    'connections to Postgres that one instance may have, beside one that listens',
    wholeNumber(1000, 2),
  ),
  POSTGRES_PREPARED_STATEMENTS: variable(
    'true',
    '`false` behind PgBouncer in transaction mode, which keeps no statements and settings',
    flag,
  ),
  REDIS_KEY_PREFIX: variable('sa:', 'how the names of all keys in Redis begin', redisKeyPrefix),
  REDIS_PARTITIONS: variable(
    '16',
    'parts that Redis keys fall into; fixed once the store is made',
    wholeNumber(1024, 1),
  ),
  REDIS_WAIT_REPLICAS: variable('', 'replicas that must confirm a revocation; unset: half of them', replicas),
  REDIS_SENTINEL_USERNAME: variable('', 'the user to show the sentinels', (text) => text),
  REDIS_SENTINEL_PASSWORD: variable('', 'the password to show the sentinels', (text) => text),
  CALLERS_FILE: variable('', 'a JSON file of who may call, and what; read again when it changes', (text) => text),
  INSECURE: variable(
    'false',
    '`true`: let anyone call and listen, in plain text, beyond this machine; never where others reach it',
    flag,
  ),
  CALLER_RATE: variable(
    '10000',
    'calls a second that one caller may make of one instance; `0` = no limit',
    wholeNumber(1_000_000),
  ),
  CALLER_CONCURRENCY: variable(
    '1000',
    'calls that one caller may have in progress at one instance; `0` = no limit',
    wholeNumber(1_000_000),
  ),
  CALLER_WATCH_STREAMS: variable(
    '5000',
    'streams of revocations that one caller may have at one instance',
    wholeNumber(1_000_000, 1),
  ),
  AUDIT_FILE: variable('', 'a file to append audit records to; unset: stdout', (text) => text),
  DEGRADED_WINDOW: variable('0s', 'how long to answer without the store; this version allows `0s` alone', noWindow),
  WORKERS: variable(
    '1',
    'processes that share both addresses, each an instance; above 1 on Postgres and Redis alone',
    wholeNumber(64, 1),
  ),
  MAX_WATCH_STREAMS: variable(
    '10000',
    'streams of revocations that one instance serves at once',
    wholeNumber(1_000_000, 1),
  ),
  SHUTDOWN_TIMEOUT: variable('10s', 'how long calls in progress may take to end at shutdown', duration(0, HOUR)),
  LOG_LEVEL: variable(
    'info',
    '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  ),
};

type Name = keyof typeof VARIABLES;
type Values = { [N in Name]: Exclude<ReturnType<(typeof VARIABLES)[N]['parse']>, Fault> };

/** The same table, by a type that ties a name to its value. */
const TABLE: { readonly [N in Name]: Variable<Values[N]> } = VARIABLES;
const NAMES = Object.keys(VARIABLES) as readonly Name[];

export interface ConfigVariable {
  readonly name: string;
  /** What is read where the variable is unset or empty; empty = nothing. */
  readonly defaultText: string;
  /** One line, with Markdown code spans. */
  readonly meaning: string;
}

/** Every variable that is read, in the order in which to show them. */
export const CONFIG_VARIABLES: readonly ConfigVariable[] = deepFreeze(
  NAMES.map((name) => ({ name, defaultText: TABLE[name].defaultText, meaning: TABLE[name].meaning })),
);

/**
 * Reads and validates the whole environment; an empty variable counts as unset.
 *
 * @throws {ConfigError} with every fault of it.
 */
export function readConfig(env: Environment): Config {
  const sound: Partial<Values> = {};
  const faults: string[] = [];
  for (const name of NAMES) readVariable(name, env, sound, faults);
  faults.push(...conflicts(env, sound));
  if (faults.length > 0) throw new ConfigError(faults);
  // Without a fault every variable has been read.
  return deepFreeze(configOf(sound as Values));
}

/**
 * Reads STORE_URL alone, for what needs nothing else.
 *
 * @throws {ConfigError} where it is at fault
 */
export function readStoreLocation(env: Environment): StoreLocation {
  const location = storeLocation(env.STORE_URL || TABLE.STORE_URL.defaultText);
  if (location instanceof Fault) throw new ConfigError([`STORE_URL: ${location.text}`]);
  return location;
}

/**
 * Reads GRPC_ADDRESS alone, for what needs nothing else: `host:port`, an IPv6 host in brackets.
 *
 * @throws {ConfigError} where it is at fault
 */
export function readGrpcAddress(env: Environment): string {
  const text = env.GRPC_ADDRESS || TABLE.GRPC_ADDRESS.defaultText;
  const read = address(text);
  if (read instanceof Fault) throw new ConfigError([`GRPC_ADDRESS: ${read.text}`]);
  return text;
}

function readVariable<N extends Name>(name: N, env: Environment, sound: Partial<Values>, faults: string[]): void {
  const { defaultText, parse } = TABLE[name];
  const value = parse(env[name] || defaultText);
  if (value instanceof Fault) faults.push(`${name}: ${value.text}`);
  else sound[name] = value;
}

/** Faults between variables; a duration that is at fault by itself is not compared. */
function conflicts(env: Environment, values: Partial<Values>): string[] {
  const faults: string[] = [];
  const idle = values.IDLE_TIMEOUT ?? 0;
  const ttl = values.ACCESS_TOKEN_TTL;
  const isShared = !['memory', 'sqlite', undefined].includes(values.STORE_URL?.kind);
  if (isShared && !env.MASTER_KEY && !env.MASTER_KEY_FILE) {
    faults.push('MASTER_KEY: is not set; allowed: what `openssl rand -base64 32` prints, one for all instances');
  }
  if (values.STORE_URL !== undefined && !isShared && (values.WORKERS ?? 1) > 1) {
    faults.push('WORKERS: is more than 1, which this STORE_URL is not for; allowed: 1, or Postgres or Redis');
  }
  faults.push(...tlsConflicts(values), ...opennessConflicts(values));
  if (env.MASTER_KEY && env.MASTER_KEY_FILE) faults.push('MASTER_KEY_FILE: is set; allowed: not beside MASTER_KEY');
  if (idle > 0 && ttl !== undefined && idle < ttl) {
    faults.push(`IDLE_TIMEOUT: is shorter than ACCESS_TOKEN_TTL; allowed: 0, or at least ${durationText(ttl)}`);
  }
  const maxIdle = values.MAX_IDLE_TIMEOUT;
  const maxAbsolute = values.MAX_ABSOLUTE_TIMEOUT;
  if (maxIdle !== undefined && ttl !== undefined && maxIdle < ttl) {
    faults.push(`MAX_IDLE_TIMEOUT: is shorter than ACCESS_TOKEN_TTL; allowed: at least ${durationText(ttl)}`);
  }
  if (values.IDLE_TIMEOUT === 0 && maxIdle !== undefined && maxAbsolute !== undefined && maxIdle < maxAbsolute) {
    faults.push('IDLE_TIMEOUT: is 0 (none), which MAX_IDLE_TIMEOUT forbids; allowed: a time up to that maximum');
  }
  for (const name of ['IDLE_TIMEOUT', 'ABSOLUTE_TIMEOUT'] as const) {
    const max = values[`MAX_${name}`];
    if (max === undefined || (values[name] ?? 0) <= max) continue;
    faults.push(`${name}: is longer than MAX_${name}; allowed: at most ${durationText(max)}`);
  }
  return faults;
}

function configOf(values: Values): Config {
  return {
    store: values.STORE_URL,
    masterKey: masterKeySource(values),
    grpcAddress: values.GRPC_ADDRESS,
    httpAddress: values.HTTP_ADDRESS,
    tls: tlsFiles(values),
    connections: { total: values.MAX_CONNECTIONS, perPeer: values.MAX_CONNECTIONS_PER_PEER },
    tokenIssuer: values.TOKEN_ISSUER,
    tokenAudience: values.TOKEN_AUDIENCE,
    signingAlgorithm: values.SIGNING_ALGORITHM,
    idleTimeoutMs: values.IDLE_TIMEOUT,
    absoluteTimeoutMs: values.ABSOLUTE_TIMEOUT,
    maxIdleTimeoutMs: values.MAX_IDLE_TIMEOUT,
    rules: {
      accessTokenTtlMs: values.ACCESS_TOKEN_TTL,
      maxAbsoluteTimeoutMs: values.MAX_ABSOLUTE_TIMEOUT,
      refreshGraceMs: values.REFRESH_GRACE,
      touchIntervalMs: values.TOUCH_INTERVAL,
      endedSessionRetentionMs: values.ENDED_SESSION_RETENTION,
      limit: { max: values.MAX_SESSIONS_PER_USER, policy: values.SESSION_LIMIT_POLICY },
    },
    workers: values.WORKERS,
    migrateOnStart: values.MIGRATE_ON_START,
    postgres: {
      poolSize: values.POSTGRES_POOL_SIZE,
      preparedStatements: values.POSTGRES_PREPARED_STATEMENTS,
    },
    redis: {
      keyPrefix: values.REDIS_KEY_PREFIX,
      partitions: values.REDIS_PARTITIONS,
      waitReplicas: values.REDIS_WAIT_REPLICAS,
      sentinel: { username: values.REDIS_SENTINEL_USERNAME, password: values.REDIS_SENTINEL_PASSWORD },
    },
    maxWatchStreams: values.MAX_WATCH_STREAMS,
    callers: {
      file: values.CALLERS_FILE,
      callsPerSecond: values.CALLER_RATE,
      concurrentCalls: values.CALLER_CONCURRENCY,
      watchStreams: values.CALLER_WATCH_STREAMS,
    },
    auditFile: values.AUDIT_FILE,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT,
    logLevel: values.LOG_LEVEL,
  };
}

function masterKeySource(values: Values): MasterKeySource {
  if (values.MASTER_KEY !== null) return { kind: 'value', bytes: values.MASTER_KEY };
  if (values.MASTER_KEY_FILE !== '') return { kind: 'file', path: values.MASTER_KEY_FILE };
  return { kind: values.STORE_URL.kind === 'memory' ? 'ephemeral' : 'beside_database' };
}

function variable<T>(defaultText: string, meaning: string, parse: Variable<T>['parse']): Variable<T> {
  return { defaultText, meaning, parse };
}

function masterKey(text: string): Buffer | null | Fault {
  if (text === '') return null;
  return parseMasterKey(text) ?? new Fault('is not a key', 'base64 (RFC 4648, section 4) of exactly 32 bytes');
}

/** A path is told where it can not be read. */
function masterKeyFile(text: string): string | Fault {
  return parseMasterKey(text) === undefined ? text : new Fault('is a key itself', 'the path of a file that holds it');
}

function replicas(text: string): number | null | Fault {
  return text === '' ? null : wholeNumber(16)(text);
}

/** A store within the process is never out of its reach. */
function noWindow(text: string): 0 | Fault {
  return duration(0, 0)(text) === 0 ? 0 : new Fault('is not offered for this store', '0s');
}

/** Kept as it stands, since verifiers compare it character by character (RFC 9068, section 4). */
function issuer(text: string): string | Fault {
  const printable = /^https?:\/\/[\x21-\x7e]+$/.test(text);
  const fits = text.length <= 256;
  if (fits && printable && !/[?#]/.test(text) && URL.canParse(text) && !/\/\/[^/]*@/.test(text)) return text;
  return new Fault(
    'is not an issuer',
    'an http:// or https:// URL of at most 256 characters without query, fragment, user or spaces',
  );
}

function audience(text: string): string | Fault {
  if (Buffer.byteLength(text) <= LIMITS.audience && text.trim() === text && !/\p{Cc}/u.test(text)) return text;
  return new Fault(
    'is not an audience',
    `1 to ${LIMITS.audience} bytes without control characters or spaces around them`,
  );
}

function deepFreeze<T>(value: T): T {
  // The elements of a Buffer cannot be frozen.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

import { isIPv6 } from 'node:net';
import { redisScheme, redisUrl } from './config_redis.ts';
import { Fault } from './config_value.ts';
import type { StoreLocation } from './store/location.ts';
import type { PostgresHost, PostgresLocation } from './store/postgres/location.ts';

/** Where sessions live. What is said of a URL at fault holds nothing of it: it may hold a password. */
export function storeLocation(text: string): StoreLocation | Fault {
  const allowed = 'memory:, sqlite:PATH, postgres://…, redis://…, rediss://…, redis-sentinel://…, redis-cluster://…';
  if (text === 'memory:') return { kind: 'memory' };
  if (text.startsWith('sqlite:')) return sqliteLocation(text.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(text)) return postgresLocation(text);
  if (redisScheme(text) !== null) return redisUrl(text);
  if (text.startsWith('module:')) return new Fault('a module store is not served by this version', allowed);
  return new Fault('names no known kind of store', allowed);
}

function sqliteLocation(path: string): StoreLocation | Fault {
  if (path === '' || path.trim() !== path) return new Fault('names no file', 'sqlite:PATH, without spaces around it');
  if (path.startsWith('//'))
    return new Fault('starts its path with //', 'sqlite:./data/sessions.db, sqlite:/data/x.db');
  // SQLite itself reads more into such names than a path.
  if (/^(:|file:)/.test(path)) return new Fault('names no file', 'sqlite:PATH; for a store in memory, memory:');
  return { kind: 'sqlite', path };
}

const POSTGRES_FORM = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE, several hosts with commas between, %-escapes';
const POSTGRES_URL =
  /^postgres(?:ql)?:\/\/(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@(?<hosts>[^@/?#]*)\/(?<database>[^/?#]*)(?:\?(?<query>[^#]*))?$/;
const POSTGRES_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options', 'application_name'];

/** As libpq reads it (PostgreSQL documentation, "Connection URIs"), several hosts included. */
function postgresLocation(text: string): StoreLocation | Fault {
  const groups = POSTGRES_URL.exec(text)?.groups;
  if (groups === undefined) return new Fault('is no such URL', POSTGRES_FORM);
  const user = decoded(groups['user']);
  const password = decoded(groups['password']);
  const database = decoded(groups['database']);
  if (user === null || password === null || database === null) {
    return new Fault('has a broken %-escape, or a NUL', POSTGRES_FORM);
  }
  if (user === '') return new Fault('names no user', POSTGRES_FORM);
  if (database === '') return new Fault('names no database', POSTGRES_FORM);
  const hosts = (groups['hosts'] ?? '').split(',').map(postgresHost);
  const known = hosts.filter((host) => host !== null);
  if (known.length < hosts.length) return new Fault('names no host, or a port that is none', POSTGRES_FORM);
  const parameters = postgresParameters(groups['query'] ?? '');
  if (parameters instanceof Fault) return parameters;
  return { kind: 'postgres', hosts: known, user, password, database, ...parameters };
}

function postgresParameters(query: string): Pick<PostgresLocation, 'tls' | 'options' | 'applicationName'> | Fault {
  const given = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!POSTGRES_PARAMETERS.includes(name))
      return new Fault('has an unknown parameter', POSTGRES_PARAMETERS.join(', '));
    if (given.has(name)) return new Fault(`names ${name} twice`, 'each parameter once');
    given.set(name, value);
  }
  const tls = postgresTls(given);
  if (tls instanceof Fault) return tls;
  return {
    tls,
    options: given.get('options') ?? '',
    applicationName: given.get('application_name') ?? 'session-authority',
  };
}

/** Encryption without verification keeps nobody out who can take the server's place: every mode that encrypts verifies. */
function postgresTls(given: ReadonlyMap<string, string>): PostgresLocation['tls'] | Fault {
  const mode = given.get('sslmode') ?? 'disable';
  const paths = { rootCertPath: 'sslrootcert', certPath: 'sslcert', keyPath: 'sslkey' } as const;
  if (mode === 'disable') {
    const stray = Object.values(paths).find((name) => given.has(name));
    return stray === undefined ? null : new Fault(`has ${stray} without TLS`, 'it beside sslmode=verify-full');
  }
  if (!['require', 'verify-ca', 'verify-full'].includes(mode)) {
    return new Fault(
      'has an sslmode that may not encrypt',
      'sslmode=disable, or verify-full (as which require is taken)',
    );
  }
  if (given.has('sslcert') !== given.has('sslkey'))
    return new Fault('has one of sslcert and sslkey', 'both, or neither');
  const path = (name: string) => given.get(name) || null;
  return { rootCertPath: path(paths.rootCertPath), certPath: path(paths.certPath), keyPath: path(paths.keyPath) };
}

/** A name, an address (IPv6 in brackets), or the folder of a Unix socket, whose slashes are escaped. */
function postgresHost(text: string): PostgresHost | null {
  const [, inBrackets, plain, port = '5432'] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inBrackets ?? decoded(plain) ?? '';
  const isKnown = inBrackets === undefined ? /^(\/.+|[\w.-]+)$/.test(host) : isIPv6(host);
  return isKnown && Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : null;
}

/** null where it is not percent-encoded UTF-8, or holds a NUL, which no name may. */
function decoded(text = ''): string | null {
  try {
    const plain = decodeURIComponent(text);
    return plain.includes('\0') ? null : plain;
  } catch {
    return null;
  }
}

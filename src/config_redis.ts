import { type Address, address, Fault } from './config_value.ts';
import type { RedisLocation } from './store/redis/location.ts';

const SCHEMES = ['redis', 'rediss', 'redis-sentinel', 'redis-cluster'] as const;
type Scheme = (typeof SCHEMES)[number];

/** What each takes, with all that may be left out in brackets. */
const FORMS: Readonly<Record<Scheme, string>> = {
  redis: 'redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]',
  rediss: 'rediss://[USER:PASSWORD@]HOST[:PORT][/DATABASE]',
  'redis-sentinel': 'redis-sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DATABASE][?tls=true]',
  'redis-cluster': 'redis-cluster://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][?tls=true]',
};

const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = {
  redis: 6379,
  rediss: 6379,
  'redis-sentinel': 26_379,
  'redis-cluster': 6379,
};

const LARGEST_DATABASE = 99_999;

/** The scheme, where it is one of Redis. */
export function redisScheme(url: string): Scheme | null {
  return SCHEMES.find((scheme) => url.startsWith(`${scheme}://`)) ?? null;
}

/** Reads a URL of a Redis, of Sentinels or of a Cluster; user and password are percent-decoded. */
export function redisUrl(url: string): RedisLocation | Fault {
  const scheme = redisScheme(url);
  if (scheme === null) return new Fault('is no URL of Redis', Object.values(FORMS).join(', '));
  const fault = (wrong: string) => new Fault(wrong, FORMS[scheme]);
  const [, credentials, hosts = '', path = '', query = ''] =
    /^[a-z-]+:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(url) ?? [];
  const user = credentialsOf(credentials ?? '');
  if (user === null) return fault('has a user or password that is not percent-encoded');
  const nodes = nodesOf(scheme, hosts);
  if (nodes === null) return fault('names no host, or one that is not HOST:PORT');
  const place = placeOf(scheme, path);
  if (place === null) return fault('has a path that does not fit');
  const tls = tlsOf(scheme, query);
  if (tls === null) return fault('has a query that does not fit');
  return { kind: scheme === 'rediss' ? 'redis' : scheme, nodes, ...place, ...user, tls };
}

/** Braces would take the place of the tags by which a Cluster tells where a key is; it may be empty. */
export function redisKeyPrefix(text: string): string | Fault {
  return /^[\w:./-]{0,64}$/.test(text) ? text : new Fault('is no such prefix', 'up to 64 of A-Z a-z 0-9 _ : . / -');
}

function credentialsOf(text: string): Pick<RedisLocation, 'username' | 'password'> | null {
  const colon = text.indexOf(':');
  const [username, password] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return null;
  }
}

function nodesOf(scheme: Scheme, hosts: string): readonly Address[] | null {
  const nodes: Address[] = [];
  for (const host of hosts.split(',')) {
    const hasPort = /:\d+$/.test(host);
    const node = address(hasPort ? host : `${host}:${DEFAULT_PORTS[scheme]}`);
    if (node instanceof Fault || node.host === '' || node.port === 0) return null;
    nodes.push(node);
  }
  const many = scheme === 'redis-sentinel' || scheme === 'redis-cluster';
  return many || nodes.length === 1 ? nodes : null;
}

function placeOf(scheme: Scheme, path: string): Pick<RedisLocation, 'master' | 'database'> | null {
  const parts = path.replace(/\/$/, '').split('/').slice(1);
  if (scheme === 'redis-cluster') return parts.length === 0 ? { master: '', database: 0 } : null;
  const master = scheme === 'redis-sentinel' ? decoded(parts.shift() ?? '') : '';
  const [database = '0', ...others] = parts;
  if (master === null || others.length > 0 || !/^\d{1,5}$/.test(database)) return null;
  if (Number(database) > LARGEST_DATABASE || (scheme === 'redis-sentinel') !== (master !== '')) return null;
  return { master, database: Number(database) };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function tlsOf(scheme: Scheme, query: string): boolean | null {
  if (query === '') return scheme === 'rediss';
  if (scheme === 'redis' || scheme === 'rediss') return null;
  return query === '?tls=true' || (query === '?tls=false' ? false : null);
}

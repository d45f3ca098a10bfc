/** All that the tests know, as TEST_STORES names them. */
export const STORES = ['memory', 'sqlite', 'postgres', 'redis', 'redis-sentinel', 'redis-cluster'] as const;
export type StoreName = (typeof STORES)[number];

/** Those that need a server. */
export const SERVERS = ['postgres', 'redis', 'redis-sentinel', 'redis-cluster'] as const;
export type ServerName = (typeof SERVERS)[number];

/** Where each server's URL is found: given by whoever runs the tests, or set by the fixture that started one. */
export const URL_VARIABLES: Readonly<Record<ServerName, string>> = {
  postgres: 'TEST_POSTGRES_URL',
  redis: 'TEST_REDIS_URL',
  'redis-sentinel': 'TEST_REDIS_SENTINEL_URL',
  'redis-cluster': 'TEST_REDIS_CLUSTER_URL',
};

type Env = Readonly<Record<string, string | undefined>>;

/** The stores that TEST_STORES names, separated by commas; all where it is empty or not set. */
export function testedStores(env: Env = process.env): readonly StoreName[] {
  const names = (env['TEST_STORES'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return STORES;
  const unknown = names.filter((name) => !STORES.some((store) => store === name));
  if (unknown.length > 0) {
    throw new Error(`TEST_STORES names ${unknown.join(', ')}, which is none of ${STORES.join(', ')}`);
  }
  return STORES.filter((store) => names.includes(store));
}

/** The URL that was given for it, or `null`. */
export function givenUrl(server: ServerName, env: Env = process.env): string | null {
  const url = env[URL_VARIABLES[server]] ?? '';
  return url === '' ? null : url;
}

/** The URL of the server that this run's tests share. */
export function serverUrl(server: ServerName): string {
  const url = givenUrl(server);
  if (url !== null) return url;
  throw new Error(
    `no ${server} server was started for this run: let mocha --require dist/test/servers/fixture.js, as make test ` +
      `does, or set ${URL_VARIABLES[server]} to one that runs already`,
  );
}

/** Describes what is tested on that store; nothing where TEST_STORES leaves it out. */
export function describeOn(store: StoreName, define: () => void): void {
  if (testedStores().includes(store)) describe(store, define);
}

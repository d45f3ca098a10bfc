import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { STORE_DEADLINE_MS } from '../../domain/limits.ts';
import { SessionError } from '../../error.ts';
import {
  breaksConnection,
  isReadOnly,
  isUnreachable,
  NotReplicated,
  ReadOnlyServer,
  toSessionError,
} from './faults.ts';
import type { PostgresHost, PostgresLocation, PostgresOptions } from './location.ts';

/** How long a connection may take to be made. */
const CONNECT_TIMEOUT_MS = 2000;
/** The server gives up first, so that what it did is known; what waits for a lock gives up before that. */
const LOCK_TIMEOUT_MS = 1500;
const STATEMENT_TIMEOUT_MS = 4000;
const IDLE_TIMEOUT_MS = 60_000;
/** A connection is replaced after this long, give or take a fifth: so a changed address is noticed, and not by all at once. */
const LIFETIME_MS = 15 * 60_000;

/** A statement; it is prepared once per connection, unless its name is empty. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

type Values = readonly unknown[];

/** Connections to whichever of the hosts takes writes. */
export class PostgresPool {
  readonly #pool: pg.Pool;
  readonly #hosts: Hosts;
  readonly #prepared: boolean;
  readonly #expireAt = new WeakMap<pg.Client, number>();

  constructor(location: PostgresLocation, { poolSize, preparedStatements }: PostgresOptions) {
    this.#hosts = new Hosts(location.hosts);
    this.#prepared = preparedStatements;
    // The driver's types do not know that the pool waits for onConnect.
    const made: object = {
      Client: clientClass(this.#hosts, clientConfig(location)),
      onConnect: (client: HostClient) => this.#prepare(client),
    };
    this.#pool = new pg.Pool({
      ...made,
      max: poolSize,
      // Of the wait for one that is free; making one has a limit of its own.
      connectionTimeoutMillis: STORE_DEADLINE_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
    });
    // An idle connection that breaks is replaced when the next one is needed.
    this.#pool.on('error', () => {});
  }

  /**
   * Runs one statement in a transaction of its own, within STORE_DEADLINE_MS.
   *
   * @throws {SessionError} STORE_UNAVAILABLE, where it may or may not have happened
   */
  async run<R extends pg.QueryResultRow>(statement: Statement, values: Values): Promise<R[]> {
    try {
      return await this.tryRun<R>(statement, values);
    } catch (error) {
      throw toSessionError(error);
    }
  }

  /** The same, with the driver's own errors. */
  async tryRun<R extends pg.QueryResultRow>(
    { name, text }: Statement,
    values: Values,
    giveUpAtMs = performance.now() + STORE_DEADLINE_MS,
  ): Promise<R[]> {
    const client = await this.#connect(giveUpAtMs);
    let broken: boolean | Error = false;
    try {
      const timeoutMs = Math.floor(giveUpAtMs - performance.now());
      if (timeoutMs < 1) throw tooLate();
      const query = {
        text,
        values: [...values],
        query_timeout: timeoutMs,
        ...(this.#prepared && name !== '' ? { name } : {}),
      };
      const { rows } = await client.query<R>(query);
      if (client.commitUnconfirmed) throw new NotReplicated();
      return rows;
    } catch (error) {
      if (isReadOnly(error)) this.#hosts.leave(client.place);
      broken = breaksConnection(error);
      throw error;
    } finally {
      client.release(broken || !this.#isCurrent(client));
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Nothing was asked of a host that can not be reached: the next one is tried, each at most once a call. */
  async #connect(giveUpAtMs: number): Promise<pg.PoolClient & HostClient> {
    for (let attempt = 1; ; attempt += 1) {
      const { place } = this.#hosts;
      try {
        for (;;) {
          const client = (await this.#pool.connect()) as pg.PoolClient & HostClient;
          if (this.#isCurrent(client)) return client;
          client.release(true);
        }
      } catch (error) {
        if (this.#hosts.count > 1 && isUnreachable(error)) this.#hosts.leave(place);
        if (attempt >= this.#hosts.count || performance.now() >= giveUpAtMs - CONNECT_TIMEOUT_MS) throw error;
      }
    }
  }

  #isCurrent(client: pg.PoolClient & HostClient): boolean {
    return client.place === this.#hosts.place && performance.now() < (this.#expireAt.get(client) ?? Infinity);
  }

  /** A server that takes no writes is never kept. */
  async #prepare(client: HostClient): Promise<void> {
    const settings = this.#prepared
      ? `SET lock_timeout = ${LOCK_TIMEOUT_MS}; SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
         SET client_min_messages = warning; SET default_transaction_isolation = 'read committed';`
      : '';
    const results: unknown = await client.query(`${settings} SHOW transaction_read_only`);
    const last = (Array.isArray(results) ? results.at(-1) : results) as pg.QueryResult<{
      transaction_read_only: string;
    }>;
    if (last.rows[0]?.transaction_read_only !== 'off') {
      this.#hosts.leave(client.place);
      throw new ReadOnlyServer();
    }
    const lifetimeMs = LIFETIME_MS * (0.8 + 0.4 * Math.random());
    this.#expireAt.set(client, performance.now() + lifetimeMs);
  }
}

function tooLate(): SessionError {
  return new SessionError('STORE_UNAVAILABLE', 'the store is too slow; nothing was changed');
}

/** What every connection is made with; the host is the client's choice. */
export function clientConfig(location: PostgresLocation): pg.ClientConfig {
  const { user, password, database, options, applicationName, tls } = location;
  return {
    user,
    password,
    database,
    ...(options === '' ? {} : { options }),
    application_name: applicationName,
    ssl: tls === null ? false : tlsOptions(tls),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

function tlsOptions({ rootCertPath, certPath, keyPath }: NonNullable<PostgresLocation['tls']>): ConnectionOptions {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(rootCertPath === null ? {} : { ca: readPem('sslrootcert', rootCertPath) }),
    ...(certPath === null ? {} : { cert: readPem('sslcert', certPath) }),
    ...(keyPath === null ? {} : { key: readPem('sslkey', keyPath) }),
  };
}

function readPem(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`STORE_URL: the file that ${parameter} names can not be read: ${path}`, { cause });
  }
}

/** Which host connections are made to. A place is one turn of one host: what was connected before a turn is not kept. */
class Hosts {
  readonly #hosts: readonly PostgresHost[];
  #place = 0;

  constructor(hosts: readonly PostgresHost[]) {
    this.#hosts = hosts;
  }

  get count(): number {
    return this.#hosts.length;
  }

  get place(): number {
    return this.#place;
  }

  at(place: number): PostgresHost {
    return this.#hosts[place % this.#hosts.length] as PostgresHost;
  }

  /** Turns to the next host, unless another connection has done so. */
  leave(place: number): void {
    if (place === this.#place) this.#place += 1;
  }
}

interface HostClient extends pg.Client {
  readonly place: number;
  /** Whether the server gave up waiting for its standby since the last query. */
  readonly commitUnconfirmed: boolean;
}

function clientClass(hosts: Hosts, config: pg.ClientConfig): new () => HostClient {
  return class extends pg.Client implements HostClient {
    readonly place: number;
    commitUnconfirmed = false;

    constructor() {
      const { place } = hosts;
      super({ ...config, ...hosts.at(place) });
      this.place = place;
      // The pool listens only while nobody uses the connection; its queries are told too.
      this.on('error', () => {});
      this.on('notice', ({ routine }) => {
        // A cancelled wait is answered with OK and a warning.
        if (routine === 'SyncRepWaitForLSN') this.commitUnconfirmed = true;
      });
    }
  };
}

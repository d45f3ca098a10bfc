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
  WrongIsolation,
} from './faults.ts';
import { clientClass, type HostClient, Hosts } from './hosts.ts';
import type { PostgresLocation, PostgresOptions } from './location.ts';

/** How long a connection may take to be made. */
const CONNECT_TIMEOUT_MS = 2000;
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
  /** False behind a pooler, whose connections keep nothing from one transaction to the next. */
  readonly keepsState: boolean;
  readonly #pool: pg.Pool;
  readonly #hosts: Hosts;
  readonly #Client: new () => HostClient;

  constructor(location: PostgresLocation, { poolSize, preparedStatements }: PostgresOptions) {
    this.#hosts = new Hosts(location.hosts);
    this.keepsState = preparedStatements;
    this.#Client = clientClass(this.#hosts, clientConfig(location));
    // The driver's types do not know that the pool waits for onConnect.
    const made: object = {
      Client: this.#Client,
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
        ...(this.keepsState && name !== '' ? { name } : {}),
      };
      const { rows } = await client.query<R>(query);
      if (client.commitUnconfirmed) throw new NotReplicated();
      return rows;
    } catch (error) {
      if (isReadOnly(error)) this.#hosts.distrust(client.server);
      broken = breaksConnection(error);
      throw error;
    } finally {
      client.release(broken || !this.isCurrent(client));
    }
  }

  /**
   * A connection that is none of the pool's, to a server that takes writes; whoever asked for it ends it. It is given up
   * where the signal is aborted before it is made.
   *
   * @throws {Error} the driver's own
   */
  async connectApart(signal: AbortSignal): Promise<HostClient> {
    const client = new this.#Client();
    // Told to end, a client that is connecting would never say how that went.
    const giveUp = () => client.abandon();
    signal.addEventListener('abort', giveUp);
    try {
      await client.connect();
      await this.#prepare(client);
      return client;
    } catch (error) {
      if (isUnreachable(error)) this.#hosts.pass(client.server);
      await client.end();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Whether the connection leads to where new ones would be made to, and is not to be replaced yet. */
  isCurrent(client: HostClient): boolean {
    return client.turn === this.#hosts.turn && performance.now() < client.expireAtMs;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Nothing was asked of a host that can not be reached: the next one is tried, each at most once a call. */
  async #connect(giveUpAtMs: number): Promise<pg.PoolClient & HostClient> {
    for (let attempt = 1; ; attempt += 1) {
      const host = this.#hosts.next;
      try {
        for (;;) {
          const client = (await this.#pool.connect()) as pg.PoolClient & HostClient;
          if (this.isCurrent(client)) return client;
          client.release(true);
        }
      } catch (error) {
        if (isUnreachable(error)) this.#hosts.pass(host);
        if (attempt >= this.#hosts.count || performance.now() >= giveUpAtMs - CONNECT_TIMEOUT_MS) throw error;
      }
    }
  }

  /** A server that takes no writes is never kept. */
  async #prepare(client: HostClient): Promise<void> {
    if (this.keepsState) await client.query(SETTINGS);
    try {
      await assertUsable(client);
    } catch (error) {
      if (isReadOnly(error)) this.#hosts.distrust(client.server);
      throw error;
    }
    client.turn = this.#hosts.trust(client.server);
    client.expireAtMs = performance.now() + LIFETIME_MS * (0.8 + 0.4 * Math.random());
  }
}

/** The server gives up first where it can, so that what it did is known. A pooler's connection can keep no settings. */
const SETTINGS = `
  SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
  SET client_min_messages = warning;
  SET default_transaction_isolation = 'read committed'`;

/** Whether steps can run on the connection. */
export async function assertUsable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ is_read_only: string; isolation: string }>(
    `SELECT current_setting('transaction_read_only') AS is_read_only, current_setting('transaction_isolation') AS isolation`,
  );
  if (rows[0]?.is_read_only !== 'off') throw new ReadOnlyServer();
  if (rows[0].isolation !== 'read committed') throw new WrongIsolation();
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

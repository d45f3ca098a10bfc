import { randomBytes } from 'node:crypto';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { issueCertificate } from './certificates.ts';
import { ServerFolder } from './folder.ts';
import {
  runProgram,
  serverEnv,
  type ServerProcess,
  serverUser,
  type ServerUser,
  unusedPort,
  until,
} from './process.ts';
import { programsOf } from './programs.ts';

const SUPERUSER = 'session_authority';

/**
 * Commits are acknowledged as in production, but only a crash of the machine could tell whether they reached its disk.
 * Shared memory lies in the data folder, with which it goes.
 */
const SETTINGS = `
fsync = off
full_page_writes = off
synchronous_commit = on
max_connections = 200
shared_buffers = 64MB
max_wal_size = 1GB
wal_keep_size = 256MB
listen_addresses = '127.0.0.1'
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
dynamic_shared_memory_type = mmap
`;

/** What a server and its standbys have in common. */
interface Installation {
  readonly programs: string;
  readonly user: ServerUser;
  readonly password: string;
}

/** A PostgreSQL server of its own, with a data folder of its own, on loopback. Gone with this process at the latest. */
export class PostgresServer {
  readonly port: number;
  /** Stands for itself in `synchronous_standby_names` of its primary. */
  readonly name: string;
  readonly #installation: Installation;
  readonly #folder: ServerFolder;
  #process: ServerProcess | null = null;

  private constructor(name: string, port: number, installation: Installation, folder: ServerFolder) {
    this.name = name;
    this.port = port;
    this.#installation = installation;
    this.#folder = folder;
  }

  /** A new, empty server, which accepts connections. */
  static async create(): Promise<PostgresServer> {
    const user = await serverUser(['postgres', 'nobody']);
    const installation = { programs: programsOf('postgres'), user, password: randomBytes(16).toString('hex') };
    const server = new PostgresServer('primary', await unusedPort(), installation, new ServerFolder(user));
    return server.#orRemove(async () => {
      await server.#initialize();
      await server.start();
    });
  }

  /** Of the superuser; a database that is always there. */
  get url(): string {
    return this.urlOf('postgres');
  }

  urlOf(database: string): string {
    return `postgres://${SUPERUSER}:${this.#installation.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** What the server has logged. */
  get logFile(): string {
    return join(this.#folder.path, `${this.name}.log`);
  }

  /**
   * Offers TLS with a certificate for `localhost` alone, of an authority of its own, whose certificate's file it gives.
   */
  async offerTls(): Promise<string> {
    const { authority, cert, key } = await issueCertificate(this.#folder.path, this.#installation.user);
    const settings = { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key };
    for (const [name, value] of Object.entries(settings)) await this.query(`alter system set ${name} = '${value}'`);
    await this.restart();
    return authority;
  }

  /** Starts, or starts again on the same port and data, and resolves once it accepts connections. */
  async start(): Promise<void> {
    const { programs } = this.#installation;
    const settings = [`port=${this.port}`, `unix_socket_directories=${this.#folder.path}`, `cluster_name=${this.name}`];
    const options = settings.flatMap((setting) => ['-c', setting]);
    const command = [join(programs, 'postgres'), '-D', this.#data, ...options];
    const started = this.#folder.start(this.name, command, 'QUIT');
    this.#process = started;
    await until(`PostgreSQL accepts connections on port ${this.port}`, async () => {
      started.assertRunning();
      return (await this.query('select 1')).length === 1;
    });
  }

  /** `fast` ends sessions and writes a checkpoint; after `immediate` it recovers as after a crash. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#process?.end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }

  async restart(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  /** All its processes at once, as when the machine ends. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Takes connections and bytes, and answers nothing until `thaw`. */
  freeze(): void {
    this.#process?.signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signalAll('SIGCONT');
  }

  /** Ends it and removes all that it had. */
  async remove(): Promise<void> {
    this.thaw();
    await this.#folder.remove();
  }

  /** A server that streams from this one, once it does. It has this one's configuration, users and passwords. */
  async standby(name = 'standby'): Promise<PostgresServer> {
    const installation = this.#installation;
    const folder = new ServerFolder(installation.user);
    const standby = new PostgresServer(name, await unusedPort(), installation, folder);
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', SUPERUSER, '-w'];
    const how = ['-D', standby.#data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    return standby.#orRemove(async () => {
      const env = serverEnv({ PGPASSWORD: installation.password });
      await runProgram(join(installation.programs, 'pg_basebackup'), [...from, ...how], {
        user: installation.user,
        cwd: folder.path,
        env,
      });
      await standby.start();
      await until(`the standby ${name} streams`, async () => (await this.#replication(name))?.state === 'streaming');
    });
  }

  /** Makes a standby a primary, and resolves once it accepts writes. */
  async promote(): Promise<void> {
    await this.query('select pg_promote()');
    const [row] = await this.query<{ read_only: string }>(
      `select current_setting('transaction_read_only') as read_only`,
    );
    if (row?.read_only !== 'off') throw new Error(`the standby ${this.name} was promoted and is read-only still`);
  }

  /** Resolves once the standby shows all that is committed here now. */
  async awaitReplay(name: string): Promise<void> {
    const [row] = await this.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
    const replayed = 'select from pg_stat_replication where application_name = $1 and replay_lsn >= $2';
    await until(`the standby ${name} catches up`, async () => {
      return (await this.query(replayed, [name, row?.lsn])).length === 1;
    });
  }

  /** Makes a standby receive nothing more; it keeps what it has. */
  async disconnect(): Promise<void> {
    await this.query(`alter system set primary_conninfo = ''`);
    await this.query('select pg_reload_conf()');
    await until(`the standby ${this.name} receives nothing`, async () => {
      return (await this.query('select from pg_stat_wal_receiver')).length === 0;
    });
  }

  /** Whose confirmation a commit waits for, as in `synchronous_standby_names`; nobody's where empty. */
  async awaitStandbys(names: string): Promise<void> {
    await this.query(`alter system set synchronous_standby_names = '${names.replaceAll("'", "''")}'`);
    await this.query('select pg_reload_conf()');
    await until(`commits wait for ${names || 'nobody'}`, async () => {
      const [row] = await this.query<{ names: string }>(`select current_setting('synchronous_standby_names') as names`);
      return row?.names === names;
    });
  }

  /** Whether commits wait for that standby now. */
  async isSynchronous(name: string): Promise<boolean> {
    return ['sync', 'quorum'].includes((await this.#replication(name))?.sync_state ?? '');
  }

  /** One statement on a connection of its own. */
  query<T extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return queryOnce<T>(this.url, sql, values);
  }

  get #data(): string {
    return join(this.#folder.path, 'data');
  }

  async #replication(name: string): Promise<{ state: string; sync_state: string } | undefined> {
    const rows = await this.query<{ state: string; sync_state: string }>(
      'select state, sync_state from pg_stat_replication where application_name = $1',
      [name],
    );
    return rows[0];
  }

  async #initialize(): Promise<void> {
    const { programs, user, password } = this.#installation;
    const passwordFile = join(this.#folder.path, 'password');
    writeFileSync(passwordFile, password, { mode: 0o644 });
    const args = ['-D', this.#data, '-U', SUPERUSER, '-A', 'scram-sha-256', '--pwfile', passwordFile];
    await runProgram(join(programs, 'initdb'), [...args, '-E', 'UTF8', '--locale=C', '--no-sync'], {
      user,
      cwd: this.#folder.path,
    });
    rmSync(passwordFile);
    appendFileSync(join(this.#data, 'postgresql.conf'), SETTINGS);
  }

  async #orRemove(begin: () => Promise<void>): Promise<PostgresServer> {
    try {
      await begin();
      return this;
    } catch (error) {
      await this.remove();
      throw error;
    }
  }
}

/** One statement on a connection of its own. */
export async function queryOnce<T extends QueryResultRow>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  // Its queries are told too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<T>(sql, [...values])).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

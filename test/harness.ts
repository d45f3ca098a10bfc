import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../src/config.ts';
import { type SessionServer, startServer } from '../src/server.ts';
import { createLog } from '../src/telemetry/log.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { SessionClient } from './grpc/client.ts';
import type { TestDatabase } from './servers/database.ts';
import { describeOn, serverUrl } from './servers/stores.ts';
import { newPrefix } from './store/redis/harness.ts';
import { migratedDatabase } from './store/postgres/database.ts';

export type Env = Readonly<Record<string, string>>;

const LOOPBACK: Env = { GRPC_ADDRESS: '127.0.0.1:0', HTTP_ADDRESS: '127.0.0.1:0' };

/** The program beside this compiled file. */
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** A folder that lives until `remove` is called. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'session-authority-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The real server in this process, on a store of its own. */
export class TestServer {
  client!: SessionClient;
  /** Moves the clocks of the server and its store. */
  readonly clock = { ms: 0 };
  /** Every line that the server has logged. */
  readonly log: string[] = [];
  readonly databasePath: string;
  readonly auditPath: string;
  readonly #env: Env;
  readonly #removeFolder: () => void;
  #server: SessionServer | null = null;
  /** Records that were looked at. */
  #audited = 0;

  constructor(store: 'memory' | 'sqlite', env: Env) {
    const folder = temporaryFolder();
    this.#removeFolder = folder.remove;
    this.databasePath = join(folder.path, 'sessions.db');
    const storeUrl = store === 'memory' ? 'memory:' : `sqlite:${this.databasePath}`;
    this.auditPath = join(folder.path, 'audit.log');
    this.#env = { ...LOOPBACK, STORE_URL: storeUrl, AUDIT_FILE: this.auditPath, ...env };
  }

  /** Starts, or starts again on the same database. */
  async start(env: Env = {}): Promise<this> {
    const log = createLog('debug', { write: (line) => this.log.push(line) });
    this.#server = await startServer(readConfig({ ...this.#env, ...env }), log, this.clock);
    this.client = new SessionClient(this.#server.grpcPort);
    return this;
  }

  /** Ends the server and keeps the database. */
  async halt(): Promise<void> {
    this.client?.close();
    await this.#server?.stop();
    this.#server = null;
  }

  async restart(env: Env = {}): Promise<void> {
    await this.halt();
    await this.start(env);
  }

  /** Ends the server and removes the database. */
  async stop(): Promise<void> {
    await this.halt();
    this.#removeFolder();
  }

  get grpcPort(): number {
    return this.#server?.grpcPort ?? 0;
  }

  httpUrl(path: string): string {
    return `http://127.0.0.1:${this.#server?.httpPort}${path}`;
  }

  /** What was recorded in the audit since the last look. */
  audited(): Record<string, unknown>[] {
    const lines = readFileSync(this.auditPath, 'utf8').split('\n').slice(0, -1);
    return lines
      .slice(this.#audited, (this.#audited = lines.length))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Time passes. */
  advance(ms: number): void {
    this.clock.ms += ms;
  }

  /** Now, by the server's clock. */
  now(): number {
    return Date.now() + this.clock.ms;
  }
}

export function startTestServer(store: 'memory' | 'sqlite' = 'memory', env: Env = {}): Promise<TestServer> {
  return new TestServer(store, env).start();
}

/** Defines the same tests for each store that is not left out; the server is theirs alone. */
export function onEachStore(title: string, define: (server: () => TestServer) => void, env: Env = {}): void {
  for (const store of ['memory', 'sqlite', 'postgres', 'redis'] as const) {
    describeOn(store, () => {
      describe(title, () => {
        let server: TestServer;
        let database: TestDatabase | null = null;
        before(async () => {
          database = store === 'postgres' ? await migratedDatabase() : null;
          server = new TestServer(store === 'sqlite' ? 'sqlite' : 'memory', {
            ...(store === 'redis' ? onRedis() : onDatabase(database)),
            ...env,
          });
          await server.start();
        });
        after(async () => {
          await server.stop();
          await database?.drop();
        });
        define(() => server);
      });
    });
  }
}

function onRedis(): Env {
  const MASTER_KEY = generateMasterKey().toString('base64');
  return { STORE_URL: serverUrl('redis'), REDIS_KEY_PREFIX: newPrefix(), MASTER_KEY };
}

function onDatabase(database: TestDatabase | null): Env {
  return database === null ? {} : { STORE_URL: database.url, MASTER_KEY: generateMasterKey().toString('base64') };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Those that a test which failed has left behind; they keep nobody waiting, and end with this process. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** The program as a process of its own. */
export class TestProcess {
  /** When it has ended and all its output is read. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #wake: () => void = () => {};

  /** @param limits a command of the shell that the program is started by, such as `ulimit -f 64`; empty = none */
  constructor(args: readonly string[], env: Env, nodeOptions: readonly string[] = [], limits = '') {
    const command = [process.execPath, ...nodeOptions, MAIN, ...args];
    const [file = '', ...rest] = limits === '' ? command : ['/bin/sh', '-c', `${limits}; exec "$@"`, 'sh', ...command];
    this.#child = spawn(file, rest, {
      // Nothing of this process's environment but where to find programs.
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#wake();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    children.add(this.#child);
    for (const handle of [this.#child, this.#child.stdout as Socket, this.#child.stderr as Socket]) handle.unref();
    this.exit = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        children.delete(this.#child);
        resolve({ code, signal });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The first log line with that message; rejects where the process ends without it. */
  async line(message: string): Promise<Record<string, unknown>> {
    const ended = this.exit.then(() => 'ended' as const);
    for (;;) {
      const lines = this.#stdout.split('\n').slice(0, -1);
      const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(({ msg }) => msg === message);
      if (found !== undefined) return found;
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if ((await Promise.race([more, ended])) === 'ended') {
        throw new Error(`the process ended without "${message}": ${this.#stderr}${this.#stdout}`);
      }
    }
  }
}

/** The service as a process, once it serves. */
export class TestService extends TestProcess {
  grpcPort = 0;
  httpPort = 0;
  client!: SessionClient;

  constructor(env: Env, nodeOptions: readonly string[] = [], limits = '') {
    super(['serve'], { ...LOOPBACK, ...env }, nodeOptions, limits);
  }

  async serving(): Promise<this> {
    const line = await this.line('serving');
    this.grpcPort = Number(line['grpcPort']);
    this.httpPort = Number(line['httpPort']);
    this.client = new SessionClient(this.grpcPort);
    return this;
  }

  /** Ends it, gently unless told otherwise, and tells how it ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.client?.close();
    this.signal(signal);
    return this.exit;
  }
}

export function startService(env: Env, nodeOptions: readonly string[] = [], limits = ''): Promise<TestService> {
  return new TestService(env, nodeOptions, limits).serving();
}

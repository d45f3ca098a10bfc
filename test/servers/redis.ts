import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ServerFolder } from './folder.ts';
import { runProgram, type ServerProcess, serverUser, type ServerUser, unusedPort, until } from './process.ts';
import { programsOf } from './programs.ts';

/** One process of Redis, or of a sentinel, on loopback. */
export class RedisNode {
  readonly port: number;
  readonly #folder: ServerFolder;
  readonly #command: readonly string[];
  readonly #password: string | undefined;
  #process: ServerProcess | null = null;
  #isFrozen = false;

  constructor(port: number, folder: ServerFolder, command: readonly string[], password?: string) {
    this.port = port;
    this.#folder = folder;
    this.#command = command;
    this.#password = password;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Whether it was neither ended nor frozen. */
  get isUp(): boolean {
    return this.#process !== null && !this.#process.hasEnded && !this.#isFrozen;
  }

  /** What it has logged. */
  get logFile(): string {
    return join(this.#folder.path, `${this.port}.log`);
  }

  /** Starts, or starts again on the same port: without the keys it had, yet with its place in a cluster. */
  async start(): Promise<void> {
    const started = this.#folder.start(String(this.port), this.#command, 'KILL');
    this.#process = started;
    this.#isFrozen = false;
    await until(`Redis answers on port ${this.port}`, async () => {
      started.assertRunning();
      return (await this.command('PING')) === 'PONG';
    });
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Takes connections and bytes, and answers nothing until `thaw`. */
  freeze(): void {
    this.#isFrozen = true;
    this.#process?.signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#process?.signalAll('SIGCONT');
  }

  /** One command on a connection of its own. */
  async command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const redis = new Redis({
      host: '127.0.0.1',
      port: this.port,
      protocol: 2,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      connectTimeout: 2000,
      commandTimeout: 5000,
      ...(this.#password === undefined ? {} : { password: this.#password }),
    });
    // What a command throws says it too.
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.call(name, ...args);
    } finally {
      redis.disconnect();
    }
  }

  /** A section of INFO, by its keys. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const lines = String(await this.command('INFO', section)).split('\r\n');
    return new Map(
      lines.flatMap((line) => {
        const colon = line.indexOf(':');
        return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
      }),
    );
  }

  /** Whether it is a replica that has all of its master's data. */
  async isInSync(): Promise<boolean> {
    return (await this.info('replication')).get('master_link_status') === 'up';
  }
}

/** The folder of nodes that belong together. */
export class RedisFolder {
  readonly #programs: string;
  readonly #user: ServerUser;
  readonly #folder: ServerFolder;

  private constructor(programs: string, user: ServerUser) {
    this.#programs = programs;
    this.#user = user;
    this.#folder = new ServerFolder(user);
  }

  /** What is built in a new folder; the folder goes where that fails. */
  static async build<T>(build: (folder: RedisFolder) => Promise<T>): Promise<T> {
    const folder = new RedisFolder(programsOf('redis'), await serverUser(['redis', 'nobody']));
    try {
      return await build(folder);
    } catch (error) {
      await folder.remove();
      throw error;
    }
  }

  /** Starts a node that keeps no keys on disk and refuses writes when it is full. */
  async startData(settings: readonly string[] = [], password?: string): Promise<RedisNode> {
    const secrets = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
    const memory = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
    const replication = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
    return this.#start([], [...memory, ...replication, ...secrets, ...settings], password);
  }

  /** Starts a sentinel, which keeps what it knows in its file. */
  async startSentinel(config: string): Promise<RedisNode> {
    const file = join(this.#folder.path, `${randomUUID()}.conf`);
    writeFileSync(file, config);
    if (this.#user !== null) chownSync(file, this.#user.uid, this.#user.gid);
    return this.#start([file, '--sentinel'], []);
  }

  async redisCli(args: readonly string[]): Promise<void> {
    await runProgram(join(this.#programs, 'redis-cli'), args, { user: this.#user, cwd: this.#folder.path });
  }

  /** Ends all nodes and removes all that they had. */
  remove(): Promise<void> {
    return this.#folder.remove();
  }

  async #start(first: readonly string[], settings: readonly string[], password?: string): Promise<RedisNode> {
    const port = await unusedPort();
    const directory = join(this.#folder.path, String(port));
    mkdirSync(directory);
    if (this.#user !== null) chownSync(directory, this.#user.uid, this.#user.gid);
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
    const command = [join(this.#programs, 'redis-server'), ...first, ...place, ...settings];
    const node = new RedisNode(port, this.#folder, command, password);
    await node.start();
    return node;
  }
}

/** One node. */
export class RedisStandalone {
  readonly node: RedisNode;
  readonly url: string;
  readonly #folder: RedisFolder;

  private constructor(node: RedisNode, folder: RedisFolder, password: string | undefined) {
    this.node = node;
    this.url = `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${node.address}`;
    this.#folder = folder;
  }

  /** A new, empty server. */
  static create(password?: string): Promise<RedisStandalone> {
    return RedisFolder.build(
      async (folder) => new RedisStandalone(await folder.startData([], password), folder, password),
    );
  }

  remove(): Promise<void> {
    return this.#folder.remove();
  }
}

import type { Socket } from 'node:net';
import pg from 'pg';
import type { PostgresHost } from './location.ts';

/** How long a server may take to take leave. */
const END_TIMEOUT_MS = 1000;

/** Which of the hosts takes writes. What was connected before another was found to is of an earlier turn, and not kept. */
export class Hosts {
  readonly #hosts: readonly PostgresHost[];
  #trusted: PostgresHost | null = null;
  #next = 0;
  #turn = 0;

  constructor(hosts: readonly PostgresHost[]) {
    this.#hosts = hosts;
  }

  get count(): number {
    return this.#hosts.length;
  }

  /** Where the next connection is made to. */
  get next(): PostgresHost {
    return this.#hosts[this.#next % this.#hosts.length] as PostgresHost;
  }

  get turn(): number {
    return this.#turn;
  }

  /** It takes writes; gives the turn of its connections. */
  trust(host: PostgresHost): number {
    if (this.#trusted !== host) this.#turn += 1;
    this.#trusted = host;
    return this.#turn;
  }

  /** It can not be reached now: what is connected to it may still be good. */
  pass(host: PostgresHost): void {
    if (this.next === host) this.#next += 1;
  }

  /** It takes no writes any more. */
  distrust(host: PostgresHost): void {
    this.pass(host);
    if (this.#trusted !== host) return;
    this.#trusted = null;
    this.#turn += 1;
  }
}

/** A connection, and the host that it was made to. */
export interface HostClient extends pg.Client {
  readonly server: PostgresHost;
  turn: number;
  expireAtMs: number;
  /** Whether the server gave up waiting for its standby since the connection was made. */
  readonly commitUnconfirmed: boolean;
  /** Cuts it off, whatever it does; what it was asked fails. */
  abandon(): void;
}

/** Clients that are made to the host that is next. */
export function clientClass(hosts: Hosts, config: pg.ClientConfig): new () => HostClient {
  return class extends pg.Client implements HostClient {
    readonly server: PostgresHost;
    turn = 0;
    expireAtMs = 0;
    commitUnconfirmed = false;

    constructor() {
      const server = hosts.next;
      super({ ...config, ...server });
      this.server = server;
      // The pool listens only while nobody uses the connection; its queries are told too.
      this.on('error', () => {});
      this.on('notice', ({ routine }) => {
        // A cancelled wait is answered with OK and a warning.
        if (routine === 'SyncRepWaitForLSN') this.commitUnconfirmed = true;
      });
      // A server that hangs would keep the socket of a connection that was given up, and with it this process.
      this.once('end', () => {
        this.#hasEnded = true;
        clearTimeout(this.#destroyer);
      });
    }

    abandon(): void {
      streamOf(this).destroy();
    }

    #hasEnded = false;
    #destroyer: NodeJS.Timeout | undefined;

    override end(): Promise<void>;
    override end(callback: (error: Error) => void): void;
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      if (!this.#hasEnded) this.#destroyer = setTimeout(() => this.abandon(), END_TIMEOUT_MS);
      if (callback === undefined) return super.end();
      super.end(callback);
      return undefined;
    }
  };
}

/** Which the driver's types leave out. */
function streamOf(client: pg.Client): Socket {
  return (client as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream;
}

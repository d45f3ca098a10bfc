import cluster, { type Worker } from 'node:cluster';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from './config.ts';
import { type SessionServer, startServer } from './server.ts';
import { openStore } from './store/open.ts';
import type { Log, LogFields } from './telemetry/log.ts';

/** A worker that has served for this long is none of those that end as soon as they start. */
const HEALTHY_MS = 10_000;

/** How many of those may follow each other in one place, where no other worker is healthy. */
const MAX_SHORT_LIVES = 5;

/** Before a worker is replaced; doubled with each that ended early. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** How much longer than SHUTDOWN_TIMEOUT a worker may take to end, as where its store does not answer. */
const STOP_GRACE_MS = 10_000;

type Ports = Pick<SessionServer, 'grpcPort' | 'httpPort'>;

/** What a worker tells the primary: once it serves, or why it can't. */
type Report = { readonly ports: Ports } | { readonly fault: string };

/** What the primary tells a worker. */
type Order = 'stop' | 'reopen';

/** How a worker ended. */
interface Life {
  /** How long it served. */
  readonly servedMs: number;
  /** Why it did not start; empty where it did, or could not say. */
  readonly fault: string;
  readonly exit: Pick<LogFields, 'exitCode' | 'signal'>;
}

/** Workers that share both addresses, each an instance by itself. */
export interface WorkerGroup extends SessionServer {
  /** Rejects, with one line for the operator, where workers end as soon as they start; none is left then. */
  readonly failure: Promise<never>;
}

/** Whether this process is one of the workers that `startWorkers` started. */
export function isWorker(config: Config): boolean {
  // A process manager may have workers of its own.
  return config.workers > 1 && cluster.isWorker;
}

/** What tells this worker from others, those that it replaces included; 0 where it is none. */
export function workerId(): number {
  return cluster.worker?.id ?? 0;
}

/**
 * Brings the store's schema up to date where that is asked for, starts the workers, and replaces those that end.
 * Resolves when all of them serve.
 *
 * @throws {Error} with one line for the operator, where the store can not be used or a worker can not start; none is left
 */
export async function startWorkers(config: Config, log: Log): Promise<WorkerGroup> {
  const store = await openStore(config.store, config, { ms: 0 });
  await store.close();
  const workers = new RunningWorkers(config, log);
  await workers.started();
  return workers;
}

/** Serves as one of the workers until told to stop. Resolves to the exit code. */
export async function runWorker(config: Config, log: Log): Promise<number> {
  const starting = startServer(config, log);
  const reopen = () => void starting.then((server) => server.reopenFiles()).catch(() => {});
  process.on('SIGHUP', reopen);
  const stop = new Promise<void>((resolve) => {
    process.on('message', (order: Order) => (order === 'stop' ? resolve() : reopen()));
    // A terminal or a service manager sends them to every process, once or more.
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => resolve());
  });
  try {
    const { grpcPort, httpPort } = await starting;
    report({ ports: { grpcPort, httpPort } });
    await stop;
    await (await starting).stop();
    return 0;
  } catch (error) {
    report({ fault: error instanceof Error ? error.message : String(error) });
    return 1;
  } finally {
    cluster.worker?.disconnect();
  }
}

function report(message: Report): void {
  process.send?.(message);
}

class RunningWorkers implements WorkerGroup {
  readonly failure: Promise<never>;
  readonly #config: Config;
  readonly #log: Log;
  /** Resolves when all have served at once. */
  readonly #started: Promise<void>;
  /** Each keeps one worker running until the stop. */
  readonly #places: readonly Promise<void>[];
  readonly #stopping = new AbortController();
  /** Those that have not ended, and since when they serve; null = not yet. */
  readonly #workers = new Map<Worker, number | null>();
  #ports: Ports = { grpcPort: 0, httpPort: 0 };
  #hasStarted = false;
  #onStarted: () => void = () => {};

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.#places = Array.from({ length: config.workers }, () => this.#keepRunning());
    this.failure = new Promise((_, reject) => {
      Promise.all(this.#places).catch((error: unknown) => this.stop().then(() => reject(error)));
    });
    // It may come before anyone waits for it.
    this.failure.catch(() => {});
  }

  started(): Promise<void> {
    return Promise.race([this.#started, this.failure]);
  }

  get grpcPort(): number {
    return this.#ports.grpcPort;
  }

  get httpPort(): number {
    return this.#ports.httpPort;
  }

  reopenFiles(): void {
    this.#tellAll('reopen');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#tellAll('stop');
    const timer = setTimeout(() => this.#killAll(), this.#config.shutdownTimeoutMs + STOP_GRACE_MS);
    await Promise.allSettled(this.#places);
    clearTimeout(timer);
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping;
    for (let shortLives = 0; !signal.aborted; ) {
      const { servedMs, fault, exit } = await this.#run();
      if (fault !== '' && !this.#hasStarted) throw new Error(fault);
      if (signal.aborted) return;
      shortLives = servedMs < HEALTHY_MS ? shortLives + 1 : 0;
      if (shortLives >= MAX_SHORT_LIVES && !this.#isAnyHealthy()) {
        throw new Error(`workers end again and again as soon as they are started: ${fault || exitText(exit)}`);
      }
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** shortLives, LONGEST_PAUSE_MS);
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The whole life of a worker. */
  async #run(): Promise<Life> {
    const worker = cluster.fork({ MIGRATE_ON_START: 'false' });
    this.#workers.set(worker, null);
    let fault = '';
    worker.on('message', (message: Report) => {
      if ('fault' in message) fault = message.fault;
      else this.#onServing(worker, message.ports);
    });
    const exit = await endOf(worker);
    const servedMs = this.#servedMs(worker);
    this.#workers.delete(worker);
    const isExpected = this.#stopping.signal.aborted && exit.exitCode === 0;
    // Where the start fails, it is the operator who is told of the fault.
    if (!isExpected && this.#hasStarted) {
      this.#log.warn('worker ended', { worker: worker.id, ...exit, ...(fault !== '' && { reason: fault }) });
    }
    return { servedMs, fault, exit };
  }

  #onServing(worker: Worker, ports: Ports): void {
    const { grpcPort, httpPort } = this.#ports;
    // Port 0 stands for others once the last worker of those that shared them has ended.
    if (this.#hasStarted && (ports.grpcPort !== grpcPort || ports.httpPort !== httpPort)) {
      this.#log.warn('serving on other ports', { ...ports });
    }
    this.#ports = ports;
    this.#workers.set(worker, performance.now());
    this.#log.info('worker serving', { worker: worker.id, ...(worker.process.pid && { pid: worker.process.pid }) });
    const serving = [...this.#workers.values()].filter((sinceMs) => sinceMs !== null);
    if (serving.length < this.#config.workers) return;
    this.#hasStarted = true;
    this.#onStarted();
  }

  #isAnyHealthy(): boolean {
    return [...this.#workers.keys()].some((worker) => this.#servedMs(worker) >= HEALTHY_MS);
  }

  /** Till now. */
  #servedMs(worker: Worker): number {
    const sinceMs = this.#workers.get(worker) ?? null;
    return sinceMs === null ? 0 : performance.now() - sinceMs;
  }

  #tellAll(order: Order): void {
    // One that can not be told has ended, or is about to.
    for (const worker of this.#workers.keys()) worker.send(order, () => {});
  }

  #killAll(): void {
    for (const worker of this.#workers.keys()) worker.process.kill('SIGKILL');
  }
}

function exitText({ exitCode, signal }: Life['exit']): string {
  return signal ?? (exitCode === undefined ? 'the system starts no process' : `exit code ${exitCode}`);
}

/** Resolves when a worker has ended, and all that it has told is heard. */
function endOf(worker: Worker): Promise<Life['exit']> {
  return new Promise((resolve) => {
    let exit: Life['exit'] = {};
    let isOver = false;
    const half = () => {
      if (isOver) resolve(exit);
      isOver = true;
    };
    worker.once('disconnect', half);
    worker.once('exit', (exitCode: number | null, signal: string | null) => {
      exit = { ...(exitCode !== null && { exitCode }), ...(signal !== null && { signal }) };
      half();
    });
    // A process that was never started has no end.
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve(exit);
    });
  });
}

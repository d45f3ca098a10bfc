import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What a process used, as it tells itself. */
export interface Usage {
  /** User and system time since this was last asked, in µs. */
  readonly cpuUs: number;
  /** On the heap and in buffers, once garbage is collected. */
  readonly liveBytes: number;
  /** What the machine has given it, then. */
  readonly residentBytes: number;
  /** The most that it held at once, with garbage, since this was last asked. */
  readonly mostBytes: number;
  /** How late timers ran since this was last asked: 99 of 100, and the latest. */
  readonly delayMs: { readonly p99: number; readonly max: number };
}

interface Question {
  readonly ask: string;
  readonly args: readonly unknown[];
}

type Answer = { readonly value: unknown } | { readonly error: string };

/** One program of this folder in a process of its own, which is asked one question at a time. */
export class BenchProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts `program`.ts of this folder and waits until it answers. */
  static async start(program: string, env: Readonly<Record<string, string>> = {}): Promise<BenchProcess> {
    const file = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    const started = new BenchProcess(
      fork(file, [], {
        execArgv: ['--expose-gc'],
        env: { PATH: process.env['PATH'], ...env },
        // Which takes bytes as they are.
        serialization: 'advanced',
      }),
    );
    await started.ask('begun');
    return started;
  }

  async ask<T = void>(ask: string, ...args: unknown[]): Promise<T> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const onExit = () => reject(new Error(`the process ended before it answered ${ask}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        resolve(message as Answer);
      });
      this.#child.send({ ask, args } satisfies Question);
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer.value as T;
  }

  usage(): Promise<Usage> {
    return this.ask('usage');
  }

  /** User and system time of all its threads since it began, in µs. */
  cpuUs(): Promise<number> {
    return this.ask('cpuUs');
  }

  /** Collects its garbage. */
  collect(): Promise<void> {
    return this.ask('collect');
  }

  /** Writes a CPU profile of the process while `run` runs. */
  async profiled(file: string, run: () => Promise<unknown>): Promise<void> {
    await this.ask('startProfile');
    await run();
    await this.ask('endProfile', file);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exit;
  }
}

export type StartProcess = typeof BenchProcess.start;

/** Ends all processes that `run` has started, however it ends. */
export async function withProcesses<T>(run: (start: StartProcess) => Promise<T>): Promise<T> {
  const started: BenchProcess[] = [];
  try {
    return await run(async (program, env) => {
      const process = await BenchProcess.start(program, env);
      started.push(process);
      return process;
    });
  } finally {
    await Promise.all(started.map((process) => process.end()));
  }
}

/** By a clock that all processes of the machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The other side of BenchProcess: answers questions by their names until nobody is there to ask any more. */
export function answerQuestions(answers: Answers): void {
  let usage: (() => Promise<Usage>) | null = null;
  const known: Answers = {
    begun: () => undefined,
    // To look costs time, and not every process is looked at.
    usage: () => (usage ??= usageOfThis())(),
    cpuUs,
    collect: () => globalThis.gc?.(),
    residentBytes: () => process.memoryUsage.rss(),
    ...profiler(),
    ...answers,
  };
  process.on('message', ({ ask, args }: Question) => {
    Promise.resolve()
      .then(() => known[ask]?.(...(args as never[])))
      .then(
        (value) => process.send?.({ value } satisfies Answer),
        (error: unknown) => process.send?.({ error: String(error) } satisfies Answer),
      );
  });
  process.on('disconnect', () => process.exit());
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const PROFILE_INTERVAL_US = 200;

function profiler(): Answers {
  const session = new Session();
  return {
    startProfile: async () => {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: PROFILE_INTERVAL_US });
      await session.post('Profiler.start');
    },
    endProfile: async (file: string) => {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      writeFileSync(file, JSON.stringify(profile));
    },
  };
}

/** How often memory is looked at. */
const LOOK_MS = 20;

function usageOfThis(): () => Promise<Usage> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  let mostBytes = 0;
  let since = process.cpuUsage();
  setInterval(() => {
    mostBytes = Math.max(mostBytes, heldBytes());
  }, LOOK_MS).unref();
  return async () => {
    const delayMs = { p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
    const most = mostBytes;
    const { user, system } = process.cpuUsage(since);
    globalThis.gc?.();
    const liveBytes = heldBytes();
    const residentBytes = process.memoryUsage.rss();
    // The timer that runs late now tells of the collection.
    await sleep(LOOK_MS);
    mostBytes = 0;
    delays.reset();
    since = process.cpuUsage();
    return { cpuUs: user + system, liveBytes, residentBytes, mostBytes: most, delayMs };
  };
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

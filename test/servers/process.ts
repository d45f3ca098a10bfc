import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Whom a server runs as; `null` is whoever runs the tests. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null;

const run = promisify(execFile);

/** The first of those users that exists, where the tests run as root: Postgres refuses root, and Redis needs no root. */
export async function serverUser(names: readonly string[]): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null;
  for (const name of names) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      continue;
    }
  }
  throw new Error(`servers must not run as root, and there is no user ${names.join(' or ')}: add one`);
}

/** What a server sees of this process's environment, which may hold variables that change its ways. */
export function serverEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', ...extra };
}

/** Runs a program to its end and returns what it wrote; its last words are the message where it fails. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { user?: ServerUser; cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const { user = null, cwd = '/', env = serverEnv() } = options;
  try {
    return (await run(file, args, { ...user, cwd, env, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${basename(file)} failed: ${lastLines(stderr) || lastLines(stdout) || message}`, { cause: error });
  }
}

/** The last few lines, as one. */
export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join(' | ');
}

/**
 * Below the range from which systems choose ports for connections, so that a server that is down finds its own free again;
 * and a Redis Cluster node listens 10,000 above as well. Processes that run side by side mostly have blocks of their own.
 */
const BLOCK = 500;
const FIRST_PORT = 10_240 + (process.pid % 23) * BLOCK;
let nextPort = Math.floor(Math.random() * BLOCK);

/** A port of the loopback interface that was free a moment ago, and so was the one 10,000 above. */
export async function unusedPort(): Promise<number> {
  for (let tries = 0; tries < BLOCK; tries += 1) {
    const port = FIRST_PORT + nextPort;
    nextPort = (nextPort + 1) % BLOCK;
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error(`no port is free between ${FIRST_PORT} and ${FIRST_PORT + BLOCK}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Asks until the answer is yes. When time is up, the error says what was last thrown. */
export async function until(what: string, ask: () => Promise<boolean>, ms = 45_000): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    let reason: unknown;
    try {
      if (await ask()) return;
    } catch (error) {
      if (error instanceof ServerEnded) throw error;
      reason = error;
    }
    if (performance.now() > deadline) {
      const detail = reason instanceof Error ? `: ${reason.message}` : '';
      throw new Error(`after ${ms} ms still not true: ${what}${detail}`, { cause: reason });
    }
    await sleep(20);
  }
}

/** Waiting for this server has no use any more. */
export class ServerEnded extends Error {}

/** A server's main process, which has no terminal and keeps nobody waiting. */
export class ServerProcess {
  readonly pid: number;
  /** When it has ended. */
  readonly exit: Promise<void>;
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor(child: ChildProcess, logFile: string, onExit: () => void) {
    if (child.pid === undefined) throw new Error('no process could be started');
    this.pid = child.pid;
    this.#child = child;
    this.#logFile = logFile;
    child.unref();
    this.exit = new Promise((resolve) => {
      child.once('exit', () => {
        onExit();
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Throws what it last wrote where it has ended. */
  assertRunning(): void {
    if (!this.hasEnded) return;
    throw new ServerEnded(`${this.#child.spawnfile} has ended: ${lastLines(readFileSync(this.#logFile, 'utf8'))}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** To its children too; to itself first, so that no more are made. */
  signalAll(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.signal(name);
    for (const pid of this.#childPids()) signalPid(pid, name);
  }

  /** Ends it, gently or not, and resolves when it has ended; killed, when its children have too. Being stopped spares none. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return;
    // Awaited with nothing else to do, it must keep this process alive after all.
    this.#child.ref();
    this.signalAll(signal === 'SIGKILL' ? 'SIGSTOP' : 'SIGCONT');
    const children = signal === 'SIGKILL' ? this.#childPids() : [];
    for (const pid of [this.pid, ...children]) signalPid(pid, signal);
    await this.exit;
    await until('its children have ended', async () => !livingPids().some(({ pid }) => children.includes(pid)));
  }

  #childPids(): number[] {
    if (this.hasEnded) return [];
    return livingPids().flatMap(({ pid, parent }) => (parent === this.pid ? [pid] : []));
  }
}

function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
}

/** From /proc where there is one, for small images have no `ps`; without those that have only not been waited for. */
function livingPids(): LivingProcess[] {
  const lines = existsSync('/proc/self/stat') ? procTable() : psTable();
  return lines.flatMap((line) => {
    const [pid, state = 'Z', parent] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  });
}

function procTable(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      // The name in brackets may hold anything.
      return [`${pid} ${readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')}`];
    } catch {
      return [];
    }
  });
}

function psTable(): string[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,stat=,ppid='], { encoding: 'utf8' }).trim().split('\n');
}

/** Starts a program in a session of its own, so that an interrupt from the terminal does not reach it. */
export function spawnDetached(
  file: string,
  args: readonly string[],
  options: { user: ServerUser; cwd: string; output: number },
): ChildProcess {
  return spawn(file, args, {
    ...options.user,
    cwd: options.cwd,
    env: serverEnv(),
    detached: true,
    stdio: ['ignore', options.output, options.output],
  });
}

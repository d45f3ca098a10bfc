import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverEnv, ServerProcess, type ServerUser, spawnDetached } from './process.ts';

/**
 * Waits until nobody holds the other end of its standard input any more, be it that the process which held it was killed, then
 * ends all servers of the folder $1 and removes it. NAME.pid holds a process id and the signal that ends it without delay.
 * A Postgres that was killed leaves a shared memory segment behind, which its own lock file names.
 */
const WATCHDOG = `
while read -r ignored; do :; done
for file in "$1"/*.pid; do
  [ -f "$file" ] || continue
  read -r pid signal < "$file"
  kill -s "$signal" "$pid"
  kill -s CONT "$pid"
  tries=0
  while kill -0 "$pid" && [ $((tries += 1)) -le 200 ]; do sleep 0.05; done
  kill -s KILL "$pid"
done
for file in "$1"/*/postmaster.pid; do
  [ -f "$file" ] || continue
  set -- "$1" $(sed -n 7p "$file")
  [ -z "$3" ] || ipcrm -m "$3"
done
rm -rf "$1"
`;

/** Its shell becomes the server, so that no moment passes in which the server runs unrecorded. */
const RECORDED = 'echo "$$ $2" > "$1"; shift 2; exec "$@"';

/**
 * A folder of the user that servers run as, and the servers that live in it: both are gone once `remove` has been called,
 * or this process has ended, however it did.
 */
export class ServerFolder {
  readonly path: string;
  readonly #user: ServerUser;
  readonly #watchdog: ChildProcess;
  readonly #gone: Promise<void>;

  constructor(user: ServerUser) {
    this.#user = user;
    this.path = mkdtempSync(join(tmpdir(), 'session-authority-server-'));
    if (user !== null) chownSync(this.path, user.uid, user.gid);
    this.#watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'session-authority-watchdog', this.path], {
      ...user,
      cwd: '/',
      env: serverEnv(),
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#gone = new Promise((resolve) => {
      this.#watchdog.once('exit', () => resolve());
    });
    this.#watchdog.unref();
    (this.#watchdog.stdin as Socket).unref();
  }

  /** Starts a server of that name; `signal` ends it without delay. What it writes goes to NAME.log. */
  start(name: string, command: readonly string[], signal: 'QUIT' | 'KILL'): ServerProcess {
    const [pidFile, logFile] = [this.#file(`${name}.pid`), this.#file(`${name}.log`)];
    const output = openSync(logFile, 'a');
    try {
      const child = spawnDetached('/bin/sh', ['-c', RECORDED, 'sh', pidFile, signal, ...command], {
        user: this.#user,
        cwd: this.path,
        output,
      });
      // Its process id may soon be another's.
      return new ServerProcess(child, logFile, () => rmSync(pidFile, { force: true }));
    } finally {
      closeSync(output);
    }
  }

  async remove(): Promise<void> {
    this.#watchdog.ref();
    this.#watchdog.stdin?.end();
    await this.#gone;
    rmSync(this.path, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}

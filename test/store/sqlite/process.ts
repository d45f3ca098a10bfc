import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';

/** A second process on the same file, which stops where its script says so. */
export interface OtherProcess {
  /** Resolves once the script has called `await pause()`. */
  paused(): Promise<void>;
  resume(): void;
  kill(): Promise<void>;
  /** What the script gave to `say`, after it has ended well. */
  said(): Promise<string>;
}

const PRELUDE = `
import { connect, openDatabase } from '${new URL('../../../src/store/sqlite/database.js', import.meta.url).href}';
import { migrateSqlite, openSqliteKnex } from '${new URL('../../../src/store/sqlite/migrate.js', import.meta.url).href}';
const path = process.argv[1];
const say = (text) => process.stdout.write(text);
const pause = () => new Promise((resolve) => { process.once('message', resolve); process.send('paused'); });
`;

/**
 * Runs `script`, an ES module to which connect, openDatabase, migrateSqlite, openSqliteKnex, path, say and pause are known,
 * in a working directory other than the project's.
 */
export function startProcess(script: string, path: string): OtherProcess {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', `${PRELUDE}${script}\nprocess.disconnect();`, path],
    { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  const paused = once(child, 'message').then(() => undefined);
  const ended = outputOf(child);
  // Whoever kills it does not ask how it ended.
  ended.catch(() => undefined);
  return {
    paused: () => Promise.race([paused, ended.then(() => undefined)]),
    resume: () => void child.send('resume'),
    kill: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    said: () => ended,
  };
}

/** Fails unless the process exits with 0 and writes nothing to stderr. */
async function outputOf(child: ChildProcess): Promise<string> {
  let said = '';
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0 || complaint !== '') throw new Error(`exit ${String(code)}: ${complaint}`);
  return said;
}

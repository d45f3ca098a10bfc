import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Log } from '../telemetry/log.ts';

/** How often files are read again. */
const PERIOD_MS = 1000;

/** A file, and the variable of the configuration that names it. */
export interface NamedFile {
  readonly variable: string;
  readonly path: string;
}

/** What makes a value of files. */
export interface FileSource<T> {
  readonly files: readonly NamedFile[];
  /** From what the files hold, in their order. What it throws is shown to the operator: it must hold no secret. */
  readonly parse: (contents: readonly Buffer[]) => T;
}

/** What files held when they were last read; their content itself is not kept. */
interface Reading {
  readonly digest: string;
  readonly contents: readonly Buffer[] | Error;
}

/**
 * A value that is made of one or several files, and made again when they change.
 *
 * Files are compared by content, so that replacing them in any way works, by renaming or by another target of a link
 * too. A change counts once two readings a second apart agree, so that files that are being written, one after the
 * other, are not taken for broken. What can not be read or parsed is logged once as a warning, and the last good value
 * stays.
 */
export class ReloadedFiles<T> {
  readonly #source: FileSource<T>;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((value: T) => void)[] = [];
  #value: T;
  /** Of what the value was made of. */
  #good: string;
  /** Of what was last judged, good or not. */
  #judged: string;
  #last: string;
  #isReading = false;

  /**
   * Reads the files at once, and every second until `close`.
   *
   * @throws {Error} of one line, where a file can not be read; and what `parse` throws
   */
  constructor(source: FileSource<T>, log: Log) {
    this.#source = source;
    this.#log = log;
    const contents = source.files.map(readNow);
    this.#value = source.parse(contents);
    this.#good = this.#judged = this.#last = digestOf(contents);
    this.#timer = setInterval(() => void this.#readAgain(), PERIOD_MS);
    this.#timer.unref();
  }

  /** The last good one. */
  get value(): T {
    return this.#value;
  }

  /** Calls `listener` with each new good value from now on. */
  onChange(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #readAgain(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const reading = await read(this.#source.files);
    this.#isReading = false;
    const isSettled = reading.digest === this.#last;
    this.#last = reading.digest;
    if (isSettled && reading.digest !== this.#judged) this.#judge(reading);
  }

  #judge({ digest, contents }: Reading): void {
    this.#judged = digest;
    if (digest === this.#good) return;
    try {
      if (contents instanceof Error) throw contents;
      this.#value = this.#source.parse(contents);
      this.#good = digest;
      for (const listener of this.#listeners) listener(this.#value);
    } catch (error) {
      this.#log.warn('changed files are not taken; what they held before stays in use', {
        task: this.#source.files.map(({ variable }) => variable).join(', '),
        error,
      });
    }
  }
}

async function read(files: readonly NamedFile[]): Promise<Reading> {
  const contents: Buffer[] = [];
  for (const file of files) {
    try {
      contents.push(await readFile(file.path));
    } catch (cause) {
      const error = unreadable(file, cause);
      return { digest: error.message, contents: error };
    }
  }
  return { digest: digestOf(contents), contents };
}

function readNow(file: NamedFile): Buffer {
  try {
    return readFileSync(file.path);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable({ variable, path }: NamedFile, cause: unknown): Error {
  const text = `${variable}: can not read ${path} (${codeOf(cause)}); give a file that the service may read`;
  return new Error(text, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function digestOf(contents: readonly Buffer[]): string {
  return contents.map((content) => createHash('sha256').update(content).digest('hex')).join(' ');
}

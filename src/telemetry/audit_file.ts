import { closeSync, openSync, writeSync } from 'node:fs';
import type { Log } from './log.ts';

/** What can not be written is kept up to this. */
const MAX_KEPT_BYTES = 64 * 1024;

/**
 * Lines that are appended to a file, each before `write` returns. While that fails lines are kept and tried again with the
 * next one, and those that are too many are lost; the log is told when it begins and when it is over. Nothing is thrown.
 */
export class AuditFile {
  readonly #path: string;
  readonly #log: Log;
  #file: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  /** How much of the first kept line is written. */
  #begun = 0;
  #lost = 0;
  #isFailing = false;

  /** Opens the file, which only its owner may read where it is made; throws what the system says. */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#file = openFile(path);
  }

  write(text: string): void {
    const line = Buffer.from(text);
    if (this.#keptBytes + line.length > MAX_KEPT_BYTES) this.#writeKept();
    if (this.#keptBytes + line.length > MAX_KEPT_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#kept.push(line);
    this.#keptBytes += line.length;
    this.#writeKept();
  }

  /** Opens the path again, after the file was renamed; where that fails, the file that was open stays in use. */
  reopen(): void {
    try {
      const former = this.#file;
      this.#file = openFile(this.#path);
      this.#begun = 0;
      closeSync(former);
    } catch (error) {
      this.#log.error('the audit file was not opened again; the one that was renamed stays in use', { error });
    }
  }

  close(): void {
    this.#writeKept();
    closeSync(this.#file);
  }

  #writeKept(): void {
    try {
      for (let line = this.#kept[0]; line !== undefined; line = this.#kept[0]) {
        while (this.#begun < line.length) this.#begun += writeSync(this.#file, line, this.#begun);
        this.#kept.shift();
        this.#keptBytes -= line.length;
        this.#begun = 0;
      }
    } catch (error) {
      if (!this.#isFailing) this.#log.error('audit records can not be written', { error });
      this.#isFailing = true;
      return;
    }
    if (!this.#isFailing) return;
    this.#log.warn('audit records are written again; so many were lost', { count: this.#lost });
    this.#isFailing = false;
    this.#lost = 0;
  }
}

function openFile(path: string): number {
  return openSync(path, 'a', 0o600);
}

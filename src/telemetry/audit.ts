import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import type { AuditRecord } from '../domain/audit.ts';
import { deriveKey } from '../token/master_key.ts';
import { AuditFile } from './audit_file.ts';
import { type Log, redacted, standardOutput } from './log.ts';

/** Denials that are alike within this time are one record, with how many there were. */
const ALIKE_MS = 1_000;

/** 128 bits. */
const PSEUDONYM_BYTES = 16;

/** Names in place of users' and sessions'; the same under the same master key, and not to be undone without it. */
export class Pseudonyms {
  readonly #key: Buffer;

  constructor(masterKey: Uint8Array) {
    this.#key = deriveKey(masterKey, 'audit pseudonym');
  }

  user(tenantId: string, userId: string): string {
    return this.#of(['user', tenantId, userId]);
  }

  session(sessionId: string): string {
    return this.#of(['session', sessionId]);
  }

  #of(name: readonly string[]): string {
    const digest = createHmac('sha256', this.#key).update(JSON.stringify(name)).digest();
    return digest.subarray(0, PSEUDONYM_BYTES).toString('base64url');
  }
}

/** The audit: one JSON line a record, on stdout or in a file of its own, written before the call returns. */
export class Audit {
  readonly #pseudonyms: Pseudonyms;
  /** Null: stdout. */
  readonly #file: AuditFile | null;
  readonly #write: (record: Readonly<Record<string, unknown>>) => void;
  /** Denials that were recorded within ALIKE_MS: how many more there were like it. */
  readonly #alike = new Map<string, { more: number; readonly record: AuditRecord; readonly timer: NodeJS.Timeout }>();

  private constructor(file: AuditFile | null, pseudonyms: Pseudonyms) {
    this.#file = file;
    this.#pseudonyms = pseudonyms;
    const options = {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: () => ({ log: 'audit' }) },
      hooks: { streamWrite: redacted },
    };
    const logger = pino(options, file ?? standardOutput());
    this.#write = (record) => logger.info(record);
  }

  /**
   * @param path of a file to append to, which only its owner may read where it is made; empty = stdout
   * @throws {Error} of one line, where the file can not be written
   */
  static open(path: string, masterKey: Uint8Array, log: Log): Audit {
    try {
      return new Audit(path === '' ? null : new AuditFile(path, log), new Pseudonyms(masterKey));
    } catch (cause) {
      throw new Error(`AUDIT_FILE: can not write ${path}; name a file that the service may append to`, { cause });
    }
  }

  record(record: AuditRecord): void {
    if (record.action === 'denied') this.#recordDenial(record);
    else this.#write(this.#line(record));
  }

  /** Opens the file again, after it was renamed. */
  reopen(): void {
    this.#file?.reopen();
  }

  /** Writes what is left to be written. */
  close(): void {
    for (const key of this.#alike.keys()) this.#summarize(key);
    this.#file?.close();
  }

  /** So that whoever is denied again and again does not fill the disk. */
  #recordDenial(record: AuditRecord): void {
    const key = JSON.stringify([record.caller, record.rpc, record.reason]);
    const alike = this.#alike.get(key);
    if (alike !== undefined) {
      alike.more += 1;
      return;
    }
    const timer = setTimeout(() => this.#summarize(key), ALIKE_MS).unref();
    this.#alike.set(key, { more: 0, record, timer });
    this.#write(this.#line(record));
  }

  #summarize(key: string): void {
    const alike = this.#alike.get(key);
    if (alike === undefined) return;
    clearTimeout(alike.timer);
    this.#alike.delete(key);
    const { more, record } = alike;
    const { action, caller, rpc, reason } = record;
    if (more > 0) this.#write({ action, caller, rpc, reason, count: more });
  }

  /** All that a record may say, and nothing else. */
  #line(record: AuditRecord): Readonly<Record<string, unknown>> {
    const { tenantId, userId, sessionId, exceptSessionId, actor } = record;
    return {
      action: record.action,
      caller: record.caller,
      tenant_id: tenantId,
      user: userId === undefined ? undefined : this.#pseudonyms.user(tenantId, userId),
      session: sessionId === undefined ? undefined : this.#pseudonyms.session(sessionId),
      client_id: record.clientId,
      request_id: record.requestId,
      rpc: record.rpc,
      peer: record.peer,
      reason: record.reason,
      actor:
        actor === undefined
          ? undefined
          : {
              user: this.#pseudonyms.user(actor.tenantId, actor.userId),
              tenant_id: actor.tenantId,
              reason: actor.reason,
            },
      by_device: record.byDevice,
      except_session: exceptSessionId === undefined ? undefined : this.#pseudonyms.session(exceptSessionId),
      create_time_before: record.createTimeBefore,
      deny_create_until_time: record.denyCreateUntil,
      count: record.count,
    };
  }
}

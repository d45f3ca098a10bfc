import type { Caller } from '../domain/caller.ts';
import type { Log } from '../telemetry/log.ts';
import { ANYONE, CallerTable, type KnownCaller } from './callers.ts';
import type { Credential } from './credential.ts';
import { ReloadedFiles } from './reloaded_file.ts';

/** Who may call now. */
export interface Callers {
  /** Undefined where nobody is known by it. */
  find(credential: Credential): KnownCaller | undefined;
  /** Whether a caller that was found before may still do what it could do then. */
  has(caller: Caller): boolean;
  /** Tells that there are other callers now. */
  onChange(listener: () => void): void;
  close(): void;
}

/** Callers are not told apart. */
export function openToAnyone(): Callers {
  return { find: () => ANYONE, has: () => true, onChange: () => {}, close: () => {} };
}

/**
 * Reads CALLERS_FILE, and again when it changes.
 *
 * @param hasClientCa whether certificates of callers can be verified
 * @throws {Error} of one line, where the file can not be used
 */
export function openCallers(path: string, hasClientCa: boolean, log: Log): Callers {
  let former: CallerTable | null = null;
  const parse = ([content]: readonly Buffer[]) => {
    try {
      const table = CallerTable.parse((content ?? Buffer.alloc(0)).toString(), former);
      if (table.usesCertificates && !hasClientCa) {
        throw new Error('certificate_names need TLS_CLIENT_CA_FILE, against which certificates are verified');
      }
      former = table;
      return table;
    } catch (error) {
      throw new Error(`CALLERS_FILE: ${(error as Error).message}`, { cause: error });
    }
  };
  const file = new ReloadedFiles({ files: [{ variable: 'CALLERS_FILE', path }], parse }, log);
  file.onChange(({ names }) => log.info('callers have changed', { count: names.length }));
  return {
    find: (credential) => file.value.find(credential),
    has: (caller) => file.value.has(caller),
    onChange: (listener) => file.onChange(listener),
    close: () => file.close(),
  };
}

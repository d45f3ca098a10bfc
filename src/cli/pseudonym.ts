import { parseArgs } from 'node:util';
import type { Config } from '../config.ts';
import { Pseudonyms } from '../telemetry/audit.ts';
import { readMasterKeyFile } from '../token/master_key.ts';

/** Whose pseudonym `pseudonym` was asked for. */
export type PseudonymArguments =
  | { readonly kind: 'user'; readonly tenantId: string; readonly id: string }
  | { readonly kind: 'session'; readonly id: string };

/** Reads `user ID [--tenant ID]` or `session ID`; null where that is not what the arguments are. */
export function readPseudonymArguments(args: readonly string[]): PseudonymArguments | null {
  const parsed = parse(args);
  const [kind, id, ...rest] = parsed?.positionals ?? [];
  if (parsed === null || id === undefined || rest.length > 0) return null;
  const { tenant } = parsed.values;
  if (kind === 'user') return { kind, tenantId: tenant ?? '', id };
  return kind === 'session' && tenant === undefined ? { kind, id } : null;
}

/**
 * Prints what stands for a user or a session in the audit. Returns the exit code.
 *
 * @throws {Error} of one line, where there is no master key, or it can not be read
 */
export function runPseudonym(asked: PseudonymArguments, config: Config, print: (line: string) => void): number {
  const masterKey = masterKeyOf(config);
  if (masterKey === null) {
    throw new Error('memory: its master key is made at start and known to the running service alone: set MASTER_KEY');
  }
  const pseudonyms = new Pseudonyms(masterKey);
  print(asked.kind === 'user' ? pseudonyms.user(asked.tenantId, asked.id) : pseudonyms.session(asked.id));
  return 0;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { tenant: { type: 'string' } } });
  } catch {
    return null;
  }
}

/** Null where it is known to a running service alone. */
function masterKeyOf({ masterKey, store }: Config): Buffer | null {
  switch (masterKey.kind) {
    case 'value':
      return masterKey.bytes;
    case 'file':
      return readMasterKeyFile(masterKey.path);
    case 'beside_database':
      return store.kind === 'sqlite' ? readMasterKeyFile(`${store.path}.master-key`) : null;
    case 'ephemeral':
      return null;
  }
}

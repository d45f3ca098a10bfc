import { parseArgs } from 'node:util';
import { CallerTable } from '../access/callers.ts';
import { hashServiceToken, newServiceToken } from '../access/credential.ts';

/**
 * `new NAME --scopes SCOPE,... [--tenants ID,...]`: makes a service token, which is shown once and kept nowhere, and the
 * entry of CALLERS_FILE that knows it. Returns the exit code: 2 where the entry would not be one; null where
 * that is not what the arguments are.
 */
export function runCallers(
  args: readonly string[],
  print: (line: string) => void,
  printFault: (line: string) => void,
): number | null {
  const parsed = parse(args);
  const [verb, name, ...rest] = parsed?.positionals ?? [];
  if (parsed === null || verb !== 'new' || name === undefined || rest.length > 0) return null;
  const { scopes, tenants } = parsed.values;
  const token = newServiceToken();
  const entry = {
    name,
    tenants: tenants.length === 0 ? 'all' : tenants.flatMap((list) => list.split(',')),
    scopes: scopes.flatMap((list) => list.split(',')),
    tokens_sha256: [hashServiceToken(token)],
  };
  try {
    CallerTable.parse(JSON.stringify({ callers: [entry] }), null);
  } catch (error) {
    // It speaks of the entry as the first one of a file.
    printFault((error as Error).message.replaceAll('callers[0].', ''));
    return 2;
  }
  print('The service token, which is shown this once; give it to the caller alone:');
  print(`\n  ${token}\n`);
  print('The entry to add to "callers" in CALLERS_FILE:\n');
  print(JSON.stringify(entry, null, 2));
  return 0;
}

function parse(args: readonly string[]) {
  const list = { type: 'string', multiple: true, default: [] as string[] } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { scopes: list, tenants: list } });
  } catch {
    return null;
  }
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashServiceToken, newServiceToken } from '../../src/access/credential.ts';
import type { Scope } from '../../src/access/scopes.ts';
import { temporaryFolder } from '../harness.ts';

/** A caller of a test's making. */
export interface Identity {
  readonly name: string;
  readonly token: string;
  readonly scopes: readonly Scope[];
  readonly tenants: 'all' | readonly string[];
  /** Other fields of its entry. */
  readonly limits?: { readonly calls_per_second?: number; readonly concurrent_calls?: number };
}

export function identity(name: string, scopes: readonly Scope[], tenants: Identity['tenants'] = 'all'): Identity {
  return { name, scopes, tenants, token: newServiceToken() };
}

/** A CALLERS_FILE that knows them; it goes with the process. */
export function callersFile(identities: readonly Identity[]): string {
  const folder = temporaryFolder();
  process.once('exit', folder.remove);
  const path = join(folder.path, 'callers.json');
  writeCallers(path, identities);
  return path;
}

export function writeCallers(path: string, identities: readonly Identity[]): void {
  const callers = identities.map(({ name, token, scopes, tenants, limits }) => {
    return { name, scopes, tenants, tokens_sha256: [hashServiceToken(token)], ...limits };
  });
  writeFileSync(path, JSON.stringify({ callers }));
}

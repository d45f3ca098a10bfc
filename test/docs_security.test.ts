import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CallerTable } from '../src/access/callers.ts';
import { type Rpc, scopesNeeded } from '../src/access/policy.ts';
import { SCOPES } from '../src/access/scopes.ts';
import { loadSessionService } from '../src/wire/loader.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');

describe('docs/security.md', () => {
  const text = read('docs/security.md');

  it('names files that there are', () => {
    const paths = [...text.matchAll(/`((?:src|test)\/[^`]+)`/g)].map(([, path]) => path ?? '');
    assert(paths.length > 50);
    for (const path of paths) assert(existsSync(`${ROOT}/${path}`), path);
  });

  it('names functions where they are', () => {
    const named = [...text.matchAll(/`#?(\w+)` \(`(src\/[^`]+)`\)/g)];
    assert(named.length > 20);
    for (const [, name = '', path = ''] of named)
      assert(new RegExp(`\\b${name}\\b`).test(read(path)), `${name}, ${path}`);
  });

  it('names tests that there are', () => {
    const cited = [...text.matchAll(/`((?:src|test)\/[^`]+\.ts)`: ("[^"]+"(?:; "[^"]+")*)/g)];
    assert(cited.length > 30);
    for (const [, path = '', titles = ''] of cited) {
      const source = read(path);
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) assert(source.includes(title), `${path}: ${title}`);
    }
  });

  it('shows a callers file that can be read, and its scopes alone', () => {
    const [, file = ''] = /^```json\n([^]*?)^```/m.exec(text) ?? [];
    const table = CallerTable.parse(file, null);
    assert.deepEqual(table.names, ['login', 'gateway']);
    const shown = new Set([...text.matchAll(/`((?:sessions|revocations)\.\w+|admin)`/g)].map(([, scope]) => scope));
    assert.deepEqual(shown, new Set(SCOPES));
  });

  it('has a row of scopes for each RPC, with what each takes', () => {
    for (const rpc of Object.keys(loadSessionService()) as Rpc[]) {
      const [, row = ''] = new RegExp(`^\\| ${rpc} \\| (.*) \\|$`, 'm').exec(text) ?? [];
      const [base = '', more = ''] = row.split('; with');
      const scopesIn = (part: string) =>
        [...part.matchAll(/`(sessions\.\w+|revocations\.\w+|admin)`/g)].map(([, scope]) => scope);
      assert.deepEqual(scopesNeeded(rpc, BARE[rpc] as never), scopesIn(base), rpc);
      if (more === '') continue;
      assert.deepEqual(
        scopesNeeded(rpc, FULL[rpc] as never).slice(rpc === 'RevokeSessions' ? 0 : 1),
        scopesIn(more),
        rpc,
      );
    }
  });

  it('makes the caller of its sample', async () => {
    const [, command = ''] = /^```sh\n([^]*?)^```/m.exec(text) ?? [];
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: ROOT });
    const { callers } = JSON.parse(/^```json\n([^]*?)^```/m.exec(text)?.[1] ?? '') as {
      callers: { tokens_sha256: unknown }[];
    };
    const entry = JSON.parse(stdout.slice(stdout.indexOf('\n{'))) as { tokens_sha256: unknown };
    assert.deepEqual({ ...entry, tokens_sha256: callers[0]?.tokens_sha256 }, callers[0]);
  });
});

const VALIDATION = { includeSession: false };
const BY_TOKEN = { session: { handle: 'accessToken', accessToken: '' } };
const BY_ID = { session: { handle: 'sessionId', sessionId: '' } };

/** The part of requests that scopes go by, as it is where nothing is asked for that takes more. */
const BARE: Readonly<Record<Rpc, object>> = {
  CreateSession: { actor: null },
  RefreshSession: {},
  ValidateSession: VALIDATION,
  BatchValidateSessions: { requests: [VALIDATION] },
  GetSession: BY_TOKEN,
  ListSessions: {},
  UpdateSession: BY_TOKEN,
  RotateSession: BY_TOKEN,
  RevokeSession: BY_TOKEN,
  RevokeSessions: { userId: 'ann' },
  WatchRevocations: {},
  GetJwks: {},
};

/** The same where it is. */
const FULL: Readonly<Record<Rpc, object>> = {
  ...BARE,
  CreateSession: { actor: { userId: 'support' } },
  ValidateSession: { includeSession: true },
  BatchValidateSessions: { requests: [VALIDATION, { includeSession: true }] },
  GetSession: BY_ID,
  UpdateSession: BY_ID,
  RotateSession: BY_ID,
  RevokeSession: BY_ID,
  RevokeSessions: { wholeTenant: true },
};

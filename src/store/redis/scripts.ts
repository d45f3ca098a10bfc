import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CLOCK_SKEW_MS,
  LIMITS,
  REMEMBERED_GENERATIONS,
  REQUEST_RETENTION_MS,
  STORE_DEADLINE_MS,
} from '../../domain/limits.ts';
import { GARBAGE_MS } from './keys.ts';
import { EPOCH_FIELDS, REQUEST_FIELDS, ROW_FIELDS, STATE_NUMBERS } from './rows.ts';

/** The integers by which scripts name an outcome; there each is KIND_NAME. */
export const KIND = {
  created: 1,
  repeated: 2,
  request_reused: 3,
  superseded: 4,
  blocked: 5,
  limit: 6,
  rotated: 7,
  replayed: 8,
  reused: 9,
  expired: 10,
  revoked: 11,
  unknown: 12,
  found: 13,
  updated: 14,
  moved_on: 15,
  etag_mismatch: 16,
  too_large_claims: 17,
  too_large_data: 18,
  ended: 19,
  done: 20,
  other_user: 21,
  timeout_passed: 22,
  login_begun: 23,
  left: 24,
  except_unknown: 25,
  except_ended: 26,
  counted: 27,
  compacted: 28,
  truncated: 29,
} as const;

export type Kind = keyof typeof KIND;

const KINDS = new Map<number, Kind>((Object.keys(KIND) as Kind[]).map((kind) => [KIND[kind], kind]));

export function kindOf(number: number): Kind {
  const kind = KINDS.get(number);
  if (kind === undefined) throw new TypeError('the script gave an unknown kind');
  return kind;
}

/** Lifetimes are announced this long beyond their need, so that most steps need not write one. */
const ANNOUNCE_AHEAD_MS = 3_600_000;

/** How often a session that lives on is looked at by the sweeper: an epoch may have ended it unnoticed. */
const LOOK_AGAIN_MS = 24 * 3_600_000;

/** Names in capitals that scripts know, and the number that is put in the place of each. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(KIND).map(([name, number]) => [`KIND_${name}`, number] as const),
  ...Object.entries(STATE_NUMBERS).map(([name, number]) => [`STATE_${name}`, number] as const),
  ...ROW_FIELDS.map((name, index) => [`ROW_${name}`, index + 1] as const),
  ...EPOCH_FIELDS.map((name, index) => [`EPOCH_${name}`, index + 1] as const),
  ...REQUEST_FIELDS.map((name, index) => [`REQUEST_${name}`, index + 1] as const),
  ['LIMIT_announce_ahead_ms', ANNOUNCE_AHEAD_MS],
  ['LIMIT_claims', LIMITS.claims],
  ['LIMIT_clock_skew_ms', CLOCK_SKEW_MS],
  ['LIMIT_data', LIMITS.data],
  ['LIMIT_garbage_ms', GARBAGE_MS],
  ['LIMIT_look_again_ms', LOOK_AGAIN_MS],
  ['LIMIT_remembered_generations', REMEMBERED_GENERATIONS],
  ['LIMIT_request_retention_ms', REQUEST_RETENTION_MS],
  ['LIMIT_store_deadline_ms', STORE_DEADLINE_MS],
]);

export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** The operations of which each is one file. */
const NAMES = [
  'count_page',
  'count_user',
  'create',
  'fence',
  'heal',
  'hold_lease',
  'list',
  'log_after',
  'login_begin',
  'login_enter',
  'login_leave',
  'login_look',
  'open_partition',
  'open_store',
  'raise_anonymous',
  'raise_claim',
  'raise_look',
  'raise_user',
  'raise_write',
  'read',
  'refresh',
  'revoke',
  'rotate',
  'sweep',
  'update',
] as const;

export type ScriptName = (typeof NAMES)[number];

export const SCRIPTS = Object.fromEntries(NAMES.map((name) => [name, loadScript(name)])) as Readonly<
  Record<ScriptName, Script>
>;

function loadScript(name: string): Script {
  const whole = readLua(`${name}.lua`).replace(/^-- @include (.+)$/m, (_, names: string) =>
    names
      .split(' ')
      .map((shared) => readLua(`shared/${shared}.lua`))
      .join('\n'),
  );
  const source = withoutUnused(whole).replace(
    /\b(KIND|STATE|ROW|EPOCH|REQUEST|LIMIT)_([A-Z_]+)\b/g,
    (_, group: string, rest: string) => {
      const number = NUMBERS.get(`${group}_${rest.toLowerCase()}`);
      if (number === undefined) throw new Error(`${name}.lua: ${group}_${rest} is not defined`);
      return String(number);
    },
  );
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

/** To define a function takes its time in every run, whether it is called or not: what no line names goes. */
function withoutUnused(source: string): string {
  const functions = [...source.matchAll(/^local function (\w+)\(.*?^end\n/gms)];
  const unused = functions.find(([, name]) => source.match(new RegExp(`\\b${name}\\(`, 'g'))?.length === 1);
  return unused === undefined ? source : withoutUnused(source.replace(unused[0], () => ''));
}

function readLua(path: string): string {
  return readFileSync(new URL(import.meta.resolve(`#root/src/store/redis/lua/${path}`)), 'utf8');
}

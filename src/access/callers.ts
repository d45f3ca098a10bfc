import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Caller } from '../domain/caller.ts';
import { LIMITS } from '../domain/limits.ts';
import type { Credential } from './credential.ts';
import { SCOPES, type Scope } from './scopes.ts';

/** A caller, and what it may do. */
export interface KnownCaller extends Caller {
  readonly scopes: ReadonlySet<Scope>;
  /** Its own limits; null = those that all have. */
  readonly callsPerSecond: number | null;
  readonly concurrentCalls: number | null;
}

/** Whoever calls, where callers are not told apart. */
export const ANYONE: KnownCaller = {
  name: '',
  tenantIds: null,
  scopes: new Set<Scope>(['admin']),
  callsPerSecond: 0,
  concurrentCalls: 0,
};

const MAX_CALLERS = 1000;
const MAX_CREDENTIALS = 16;
const MAX_LIMIT = 1_000_000;

const LIMIT = z.int().min(0).max(MAX_LIMIT).optional();

const TENANTS = `must be "all", or a list of 1 to ${LIMITS.watchTenants} tenant ids of at most ${LIMITS.tenantId} bytes`;

const ENTRY = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores'),
  tenants: z.union(
    [
      z.literal('all'),
      z
        .array(z.string().refine((id) => Buffer.byteLength(id) <= LIMITS.tenantId, TENANTS))
        .min(1, TENANTS)
        .max(LIMITS.watchTenants, TENANTS),
    ],
    TENANTS,
  ),
  scopes: z.array(z.enum(SCOPES, `must be one of ${SCOPES.join(', ')}`)).min(1, 'must name a scope'),
  tokens_sha256: z
    .array(z.string().regex(/^[\da-f]{64}$/, 'must be the SHA-256 of a service token, as 64 hexadecimal digits'))
    .max(MAX_CREDENTIALS)
    .default([]),
  certificate_names: z
    .array(
      z
        .string()
        .regex(/^(?:DNS|URI):[^",\s]+$/, 'must be a name such as DNS:login.internal or URI:spiffe://fleet/login'),
    )
    .max(MAX_CREDENTIALS)
    .default([]),
  calls_per_second: LIMIT,
  concurrent_calls: LIMIT,
});

const FILE = z.strictObject({ callers: z.array(ENTRY).min(1, 'must name a caller').max(MAX_CALLERS) });

type Entry = z.infer<typeof ENTRY>;

/** Who may call, by what it shows. */
export class CallerTable {
  readonly #entries: readonly { readonly entry: Entry; readonly caller: KnownCaller }[];
  readonly #byCredential = new Map<string, KnownCaller>();

  private constructor(entries: readonly Entry[], former: CallerTable | null) {
    const before = new Map(former === null ? [] : former.#entries.map((known) => [known.entry.name, known]));
    this.#entries = entries.map((entry) => {
      const known = before.get(entry.name);
      const isSame = known !== undefined && isDeepStrictEqual(known.entry, entry);
      return { entry, caller: isSame ? known.caller : callerOf(entry) };
    });
    for (const { entry, caller } of this.#entries) {
      for (const credential of credentialsOf(entry)) this.#byCredential.set(credential, caller);
    }
  }

  /**
   * Reads the text of a callers file.
   *
   * @param former what was read before: who has not changed is the same object
   * @throws {Error} whose message says where and what to do, and holds nothing of what was read there
   */
  static parse(text: string, former: CallerTable | null): CallerTable {
    const read = FILE.safeParse(json(text));
    if (!read.success) throw new Error(read.error.issues.map(issueText).join('; '));
    const { callers } = read.data;
    const fault =
      callers.map((entry, index) => withoutCredential(entry, index)).find((text) => text !== null) ??
      duplicate(
        'name',
        callers.map(({ name }) => [name]),
      ) ??
      duplicate('tokens_sha256 or certificate_names', callers.map(credentialsOf));
    if (fault !== null) throw new Error(fault);
    return new CallerTable(callers, former);
  }

  get names(): readonly string[] {
    return this.#entries.map(({ entry }) => entry.name);
  }

  /** Whether some caller can prove itself by a certificate alone. */
  get usesCertificates(): boolean {
    return this.#entries.some(({ entry }) => entry.certificate_names.length > 0);
  }

  /** Undefined where nobody is known by it, or where the names of one certificate are of several callers. */
  find(credential: Credential): KnownCaller | undefined {
    switch (credential.kind) {
      case 'none':
        return undefined;
      case 'token':
        return this.#byCredential.get(credential.sha256);
      case 'certificate': {
        const found = new Set(credential.names.map((name) => this.#byCredential.get(name)));
        found.delete(undefined);
        return found.size === 1 ? [...found][0] : undefined;
      }
    }
  }

  /** Whether it is one of these callers, with all that it could do when it was found. */
  has(caller: Caller): boolean {
    return this.#entries.some((known) => known.caller === caller);
  }
}

function callerOf(entry: Entry): KnownCaller {
  return {
    name: entry.name,
    tenantIds: entry.tenants === 'all' ? null : entry.tenants,
    scopes: new Set(entry.scopes),
    callsPerSecond: entry.calls_per_second ?? null,
    concurrentCalls: entry.concurrent_calls ?? null,
  };
}

/** The names of certificates hold a colon, which digests do not. */
function credentialsOf({ tokens_sha256, certificate_names }: Entry): readonly string[] {
  return [...tokens_sha256, ...certificate_names];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The rest of the message repeats what was read.
    const [, at] = /at position (\d+)/.exec((error as Error).message) ?? [];
    throw new Error(`is not JSON${at === undefined ? '' : ` (at character ${at})`}`, { cause: error });
  }
}

function issueText({ path, code, message }: z.core.$ZodIssue): string {
  const where = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const what = code === 'unrecognized_keys' ? 'has a field that is not known' : message;
  return where === '' ? what : `${where.slice(1)}: ${what}`;
}

function withoutCredential(entry: Entry, index: number): string | null {
  if (credentialsOf(entry).length > 0) return null;
  return `callers[${index}]: can not prove itself; give it tokens_sha256 or certificate_names`;
}

function duplicate(what: string, lists: readonly (readonly string[])[]): string | null {
  const seen = new Set<string>();
  for (const [index, list] of lists.entries()) {
    for (const value of list) {
      if (seen.has(value)) return `callers[${index}]: has a ${what} that another has, or twice`;
      seen.add(value);
    }
  }
  return null;
}

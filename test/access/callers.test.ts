import assert from 'node:assert/strict';
import { CallerTable } from '../../src/access/callers.ts';
import type { Credential } from '../../src/access/credential.ts';

const [ONE, TWO, THREE] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];

type Entry = Readonly<Record<string, unknown>>;

const entry = (changes: Entry = {}): Entry => ({
  name: 'login',
  tenants: 'all',
  scopes: ['sessions.create'],
  tokens_sha256: [ONE],
  ...changes,
});

function table(callers: readonly Entry[], former: CallerTable | null = null): CallerTable {
  return CallerTable.parse(JSON.stringify({ callers }), former);
}

const token = (sha256: string): Credential => ({ kind: 'token', sha256 });
const certificate = (...names: readonly string[]): Credential => ({ kind: 'certificate', names });

describe('a callers file', () => {
  it('tells who may do what', () => {
    const all = table([
      entry(),
      entry({ name: 'edge', tenants: ['acme', ''], scopes: ['admin', 'sessions.read'], tokens_sha256: [TWO, THREE] }),
      entry({
        name: 'limited',
        tokens_sha256: [],
        certificate_names: ['DNS:a.b'],
        calls_per_second: 0,
        concurrent_calls: 7,
      }),
    ]);
    assert.deepEqual(all.names, ['login', 'edge', 'limited']);
    assert.deepEqual(all.find(token(ONE)), {
      name: 'login',
      tenantIds: null,
      scopes: new Set(['sessions.create']),
      callsPerSecond: null,
      concurrentCalls: null,
    });
    assert.deepEqual(all.find(token(TWO)), {
      name: 'edge',
      tenantIds: ['acme', ''],
      scopes: new Set(['admin', 'sessions.read']),
      callsPerSecond: null,
      concurrentCalls: null,
    });
    assert.equal(all.find(token(THREE)), all.find(token(TWO)));
    const limited = all.find(certificate('DNS:a.b'));
    assert.deepEqual([limited?.callsPerSecond, limited?.concurrentCalls], [0, 7]);
    for (const stranger of [token('4'.repeat(64)), certificate('DNS:b'), { kind: 'none' } as const]) {
      assert.equal(all.find(stranger), undefined);
    }
  });

  it('says of each fault where it is, and of no value what it was', () => {
    const canary = 'c4n4ry';
    for (const [callers, message] of [
      [[entry({ name: `${canary}!` })], /^callers\[0\]\.name: must be 1 to 64/],
      [[entry({ name: 'x'.repeat(65) })], /^callers\[0\]\.name: /],
      [[entry({ name: 1 })], /^callers\[0\]\.name: /],
      [[entry(), entry({ scopes: [] })], /^callers\[1\]\.scopes: must name a scope$/],
      [[entry({ scopes: ['admin', canary] })], /^callers\[0\]\.scopes\[1\]: must be one of sessions\.create, /],
      [[entry({ tenants: [] })], /^callers\[0\]\.tenants: must be "all", or a list/],
      [[entry({ tenants: canary })], /^callers\[0\]\.tenants: must be "all"/],
      [[entry({ tenants: ['a', 'é'.repeat(65)] })], /^callers\[0\]\.tenants\[1\]: must be "all"/],
      [[entry({ tenants: Array.from({ length: 257 }, String) })], /^callers\[0\]\.tenants: must be "all"/],
      [[entry({ tokens_sha256: [ONE, `sak_${canary}`] })], /^callers\[0\]\.tokens_sha256\[1\]: must be the SHA-256/],
      [[entry({ tokens_sha256: ['A'.repeat(64)] })], /^callers\[0\]\.tokens_sha256\[0\]: /],
      [[entry({ tokens_sha256: Array.from({ length: 17 }, () => ONE) })], /^callers\[0\]\.tokens_sha256: /],
      [[entry({ certificate_names: ['login.internal'] })], /^callers\[0\]\.certificate_names\[0\]: must be a name/],
      [[entry({ certificate_names: [`DNS:"${canary}"`] })], /^callers\[0\]\.certificate_names\[0\]: /],
      [[entry({ certificate_names: ['DNS:a, DNS:b'] })], /^callers\[0\]\.certificate_names\[0\]: /],
      [[entry({ certificate_names: ['IP Address:10.0.0.1'] })], /^callers\[0\]\.certificate_names\[0\]: /],
      [[entry({ tokens_sha256: [] })], /^callers\[0\]: can not prove itself; /],
      [[entry({ calls_per_second: -1 })], /^callers\[0\]\.calls_per_second: /],
      [[entry({ concurrent_calls: 1.5 })], /^callers\[0\]\.concurrent_calls: /],
      [[entry({ calls_per_second: '10' })], /^callers\[0\]\.calls_per_second: /],
      [[entry({ [canary]: canary })], /^callers\[0\]: has a field that is not known$/],
      [[entry(), entry({ tokens_sha256: [TWO] })], /^callers\[1\]: has a name that another has/],
      [[entry(), entry({ name: 'web' })], /^callers\[1\]: has a tokens_sha256 or certificate_names that another has/],
      [[entry({ tokens_sha256: [ONE, ONE] })], /^callers\[0\]: has a tokens_sha256 or certificate_names .*, or twice$/],
      [
        [
          entry({ certificate_names: ['DNS:a'] }),
          entry({ name: 'b', tokens_sha256: [], certificate_names: ['DNS:a'] }),
        ],
        /^callers\[1\]: has a tokens_sha256 or certificate_names that another has/,
      ],
      [[], /^callers: must name a caller$/],
    ] as const) {
      assert.throws(
        () => table(callers),
        ({ message: said }: Error) => {
          assert.match(said, message);
          assert(!said.includes(canary), said);
          return true;
        },
      );
    }
  });

  it('tells all faults of its form at once', () => {
    const said = /^callers\[0\]\.name: .*; callers\[0\]\.scopes: .*; callers\[1\]\.tenants: /;
    assert.throws(() => table([entry({ name: '', scopes: [] }), entry({ tenants: 1 })]), { message: said });
  });

  it('is JSON of that form alone', () => {
    for (const [text, message] of [
      ['', /^is not JSON/],
      ['{"callers": [c4n4ry', /^is not JSON( \(at character \d+\))?$/],
      ['{"callers":[]} c4n4ry', /^is not JSON( \(at character \d+\))?$/],
      ['[]', /./],
      ['null', /./],
      ['{}', /^callers: /],
      [JSON.stringify({ callers: [entry()], c4n4ry: 1 }), /^has a field that is not known$/],
    ] as const) {
      assert.throws(
        () => CallerTable.parse(text, null),
        ({ message: said }: Error) => message.test(said) && !said.includes('c4n4ry'),
        text,
      );
    }
  });

  it('takes a key that is there twice as its last says, and no name of an object’s own for a credential', () => {
    const text = `{"callers": [{"name": "a", "name": "b", "tenants": "all", "scopes": ["admin"], "tokens_sha256": ["${ONE}"]}]}`;
    const read = CallerTable.parse(text, null);
    assert.deepEqual(read.names, ['b']);
    for (const name of ['__proto__', 'constructor', 'toString']) assert.equal(read.find(token(name)), undefined);
  });

  it('keeps the caller that has not changed as the same object', () => {
    const web = entry({ name: 'web', tokens_sha256: [TWO] });
    const before = table([entry(), web]);
    const [login, formerWeb] = [before.find(token(ONE)), before.find(token(TWO))];
    assert(login !== undefined && formerWeb !== undefined);
    const after = table(
      [entry({ name: 'new', tokens_sha256: [THREE] }), { ...web, scopes: ['admin'] }, entry()],
      before,
    );
    assert.equal(after.find(token(ONE)), login);
    assert(after.has(login));
    const changed = after.find(token(TWO));
    assert.notEqual(changed, formerWeb);
    assert(!after.has(formerWeb));
    assert(changed !== undefined && after.has(changed));
    assert(!before.has(changed));
    // What it can prove itself by is a part of what it is.
    const rotated = table([entry({ tokens_sha256: [ONE, THREE] })], after);
    assert(!rotated.has(login));
  });

  it('knows nobody by a certificate whose names are of several callers', () => {
    const all = table([
      entry({ name: 'a', tokens_sha256: [], certificate_names: ['DNS:a', 'URI:spiffe://fleet/a'] }),
      entry({ name: 'b', tokens_sha256: [], certificate_names: ['DNS:b'] }),
      entry({ name: 'c' }),
    ]);
    const nameOf = (...names: readonly string[]) => all.find(certificate(...names))?.name;
    assert.equal(nameOf('DNS:a'), 'a');
    assert.equal(nameOf('DNS:a', 'URI:spiffe://fleet/a', 'DNS:else'), 'a');
    assert.equal(nameOf('DNS:a', 'DNS:b'), undefined);
    assert.equal(nameOf('DNS:A'), undefined);
    assert.equal(nameOf('URI:a'), undefined);
    assert.equal(nameOf(), undefined);
    assert(all.usesCertificates);
    assert(!table([entry()]).usesCertificates);
  });
});

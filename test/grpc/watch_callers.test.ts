import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { RevocationScope } from '../../src/revocation/revocation.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { type Request, RpcError, SessionClient } from './client.ts';
import { appendRevocations } from './database.ts';
import { assertRefused, open, present, range, seconds } from './expect.ts';
import { callersFile, type Identity, identity, writeCallers } from './identities.ts';
import { Watcher } from './watcher.ts';

const WATCH = ['revocations.watch'] as const;
const BOTH = identity('both', WATCH, ['acme', 'beta']);
const ACME = identity('acme', WATCH, ['acme']);
const NAMELESS = identity('nameless', WATCH, ['']);
const ALL = identity('all', WATCH);
const LOGIN = identity('login', ['sessions.create', 'sessions.revoke', 'sessions.manage']);

const FOREIGN = { status: 'PERMISSION_DENIED', reason: 'CALLER_NOT_ALLOWED' };
const UNKNOWN = { status: 'UNAUTHENTICATED', reason: 'CALLER_UNKNOWN' };

/** As many as one caller may be sent at once. */
const SNAPSHOTS = 8;
/** Enough to fill what is between two ends, and more. */
const MANY = 8_000;

describe('WatchRevocations', () => {
  const file = callersFile([BOTH, ACME, NAMELESS, ALL, LOGIN]);
  const clients: SessionClient[] = [];
  const watchers: Watcher[] = [];
  let server: TestServer;

  const start = async (env: Readonly<Record<string, string>> = {}) => {
    writeCallers(file, [BOTH, ACME, NAMELESS, ALL, LOGIN]);
    server = await startTestServer('sqlite', { CALLERS_FILE: file, ...env });
  };

  afterEach(async () => {
    await Promise.all(watchers.splice(0).map((watcher) => watcher.close()));
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });

  /** On a connection of its own: what is not read on one keeps nothing else back. */
  const clientOf = ({ token }: Identity) => {
    const client = new SessionClient(server.grpcPort, {}, token);
    clients.push(client);
    return client;
  };
  const watch = (caller: Identity, request: Request<'WatchRevocations'> = {}, onFrame = () => {}) => {
    const watcher = new Watcher(clientOf(caller), { heartbeat: seconds(0.25), ...request }, onFrame);
    watchers.push(watcher);
    return watcher;
  };
  const refusal = async (caller: Identity, request: Request<'WatchRevocations'> = {}) => {
    throw present(await watch(caller, request).ended);
  };
  const revoked = async (tenantId: string) => {
    const { session } = await open(clientOf(LOGIN), { tenantId, userId: 'ann' });
    await clientOf(LOGIN).call('RevokeSession', { tenantId, session: { sessionId: session.sessionId } });
    return session.sessionId;
  };
  const append = (...scopes: readonly RevocationScope[]) =>
    appendRevocations(server.databasePath, scopes, server.now() + 600_000);
  const tenantsOf = (watcher: Watcher) => present(watcher.frames[0]?.opened).tenantIds;

  describe('by a caller of some tenants', () => {
    beforeEach(() => start());

    it('tells of these alone, in the snapshot and after it, and names them', async () => {
      const before = [await revoked('acme'), await revoked('beta'), await revoked('gamma'), await revoked('')];
      const [both, acme, nameless, all] = [BOTH, ACME, NAMELESS, ALL].map((caller) => watch(caller)) as [
        Watcher,
        Watcher,
        Watcher,
        Watcher,
      ];
      for (const watcher of [both, acme, nameless, all]) await watcher.checkpoint();
      assert.deepEqual([both, acme, nameless, all].map(tenantsOf), [['acme', 'beta'], ['acme'], [''], []]);
      const after = [await revoked('gamma'), await revoked(''), await revoked('acme'), await revoked('beta')];
      await all.until(() => after.every((id) => all.sessionIds.includes(id)));
      for (const watcher of [both, acme, nameless]) await watcher.checkpoint();
      const [acme1, beta1, , nameless1] = before;
      const [, nameless2, acme2, beta2] = after;
      assert.deepEqual(new Set(both.sessionIds), new Set([acme1, beta1, acme2, beta2]));
      assert.deepEqual(acme.sessionIds, [acme1, acme2]);
      assert.deepEqual(nameless.sessionIds, [nameless1, nameless2]);
      assert.equal(all.sessionIds.length, 8);
    });

    it('tells of keys and of what ends every session, whosever the tenants are', async () => {
      const scopes: readonly RevocationScope[] = [
        { kind: 'tenant', tenantId: 'gamma', minGeneration: 1 },
        { kind: 'key', kid: 'k1' },
        { kind: 'user', tenantId: 'beta', userId: 'ann', minGeneration: 1, exceptSessionId: '' },
        { kind: 'global', minGeneration: 1 },
      ];
      const early = watch(ACME);
      await early.checkpoint();
      await append(...scopes);
      await early.until(() => early.revocations.length === 2, 'a key and what ends everything');
      const late = watch(ACME);
      await late.checkpoint();
      for (const { revocations } of [early, late]) {
        assert.deepEqual(new Set(revocations.map(({ scope }) => scope)), new Set(['global', 'key']));
      }
    });

    it('tells of those of its tenants that it is asked for, and is refused for any other', async () => {
      const acme = watch(BOTH, { tenantIds: ['acme'] });
      await acme.checkpoint();
      assert.deepEqual(tenantsOf(acme), ['acme']);
      const ids = [await revoked('beta'), await revoked('acme')];
      await acme.until(() => acme.sessionIds.length > 0);
      assert.deepEqual(acme.sessionIds, ids.slice(1));
      for (const tenantId of ['gamma', '', 'Acme', 'acme ']) {
        const error = await assertRefused(refusal(BOTH, { tenantIds: ['acme', tenantId] }), FOREIGN);
        assert.match(error.message, /^tenant_ids\[1\]: /);
      }
      await assertRefused(refusal(NAMELESS, { tenantIds: ['acme'] }), FOREIGN);
    });

    it('begins anew behind a cursor of other tenants', async () => {
      const ids = [await revoked('acme'), await revoked('beta')];
      const acme = watch(ACME);
      await acme.checkpoint();
      for (const [caller, tenantIds] of [
        [BOTH, []],
        [ALL, []],
        [BOTH, ['beta']],
      ] as const) {
        const other = watch(caller, { tenantIds: [...tenantIds], cursor: acme.cursor });
        await other.checkpoint();
        assert.deepEqual(other.kinds.slice(0, 3), ['opened', 'reset', 'snapshotChunk']);
        assert.equal(present(other.frames[1]?.reset).cause, 'CAUSE_FOREIGN');
        assert(other.sessionIds.includes(ids[1] ?? ''));
      }
      // The same tenants by another name are the same.
      const same = watch(BOTH, { tenantIds: ['acme'], cursor: acme.cursor });
      await same.checkpoint();
      assert.deepEqual(same.kinds.slice(0, 2), ['opened', 'checkpoint']);
    });
  });

  describe('by a caller that is changed', () => {
    beforeEach(() => start());

    /** Its streams end, each with a word, and those of others go on. */
    async function changed(callers: readonly Identity[]): Promise<Watcher> {
      const ending = [watch(BOTH), watch(BOTH, { tenantIds: ['acme'] })] as const;
      const staying = [watch(ALL), watch(ACME)];
      for (const watcher of [...ending, ...staying]) await watcher.checkpoint();
      writeCallers(file, callers);
      for (const watcher of ending) {
        assert.equal(await watcher.ended, null);
        assert.equal(watcher.kinds.at(-1), 'closing');
        assert(present(watcher.frames.at(-1)?.closing?.retryAfter).seconds < 60);
      }
      const id = await revoked('acme');
      for (const watcher of staying) {
        await watcher.until(() => watcher.sessionIds.includes(id));
        await watcher.checkpoint();
      }
      return ending[0];
    }

    it('ends where it loses a tenant, and goes on with those that it has', async () => {
      const { cursor } = await changed([{ ...BOTH, tenants: ['acme'] }, ACME, ALL, LOGIN]);
      await assertRefused(refusal(BOTH, { tenantIds: ['beta'] }), FOREIGN);
      const again = watch(BOTH, { cursor });
      await again.checkpoint();
      assert.deepEqual(tenantsOf(again), ['acme']);
      assert.equal(again.frames[1]?.reset?.cause, 'CAUSE_FOREIGN');
    });

    it('ends where it gets another tenant, and goes on with that', async () => {
      const id = await revoked('gamma');
      const { cursor } = await changed([{ ...BOTH, tenants: ['acme', 'beta', 'gamma'] }, ACME, ALL, LOGIN]);
      const again = watch(BOTH, { cursor });
      await again.checkpoint();
      assert.deepEqual(tenantsOf(again), ['acme', 'beta', 'gamma']);
      assert.equal(again.frames[1]?.reset?.cause, 'CAUSE_FOREIGN');
      assert(again.sessionIds.includes(id));
    });

    it('ends where it loses the scope, and does not begin again', async () => {
      const { cursor } = await changed([{ ...BOTH, scopes: ['sessions.validate'] }, ACME, ALL, LOGIN]);
      await assertRefused(refusal(BOTH, { cursor }), FOREIGN);
    });

    it('ends where it is taken out, and does not begin again', async () => {
      const { cursor } = await changed([ACME, ALL, LOGIN]);
      await assertRefused(refusal(BOTH, { cursor }), UNKNOWN);
    });
  });

  describe('by one caller of many', () => {
    it('has so many streams at most, whatever others have', async () => {
      await start({ CALLER_WATCH_STREAMS: '2' });
      const held = [watch(BOTH), watch(BOTH)];
      for (const watcher of held) await watcher.checkpoint();
      const error = await assertRefused(refusal(BOTH), { status: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' });
      assert(error.retryAfterMs >= 1000);
      await watch(ACME).checkpoint();
      await held[0]?.close();
      // The server hears of it a moment later.
      let another = watch(BOTH);
      while ((await Promise.race([another.ended, another.checkpoint()])) instanceof RpcError) another = watch(BOTH);
    });

    it('is sent some snapshots at once, and the next wait while others are sent theirs', async () => {
      await start();
      const scopes = range(MANY).map(() => ({ tenantId: 'acme', sessionId: randomUUID(), minVersion: 0 }) as const);
      await append(...scopes.map((scope) => ({ kind: 'session', ...scope }) as const));
      let isRead = false;
      const pauseAt = (index: number) => () => {
        if (!isRead) slow[index]?.pause();
      };
      // None of these is read beyond its first frame.
      const slow: readonly Watcher[] = range(SNAPSHOTS).map((index) => watch(BOTH, {}, pauseAt(index)));
      for (const watcher of slow) await watcher.until(() => watcher.frames.length > 0, 'the first frame');
      const next = watch(BOTH);
      await next.until(() => next.frames.length > 0, 'the first frame');
      const other = watch(ACME);
      await other.checkpoint();
      assert.equal(other.sessionIds.length, MANY);
      assert.equal(next.sessionIds.length, 0);
      isRead = true;
      for (const watcher of slow) watcher.resume();
      for (const watcher of [next, ...slow]) {
        await watcher.checkpoint();
        assert.equal(watcher.sessionIds.length, MANY);
      }
    });
  });
});

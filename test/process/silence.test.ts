import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashServiceToken, newServiceToken } from '../../src/access/credential.ts';
import { RpcError, SessionClient, UNARY_RPCS } from '../grpc/client.ts';
import { struct } from '../grpc/expect.ts';
import { everyString, type Texts } from '../grpc/every_string.ts';
import { forgedAccessTokens, forgedTokens } from '../grpc/forge.ts';
import { startService } from '../harness.ts';
import { authorization, type Hidden, learnTokens, openHidden, SilentService, useStore } from './silent_service.ts';

describe('silence of a running service', function () {
  this.timeout(120_000);
  const silent = new SilentService();
  const { canaries } = silent;
  const serviceToken = (name: string) => canaries.learnToken(name, newServiceToken());
  const [full, narrow, busy, unknown] = ['full', 'narrow', 'busy', 'unknown'].map(serviceToken) as [
    string,
    string,
    string,
    string,
  ];
  const clients: SessionClient[] = [];
  let hidden: Hidden;

  const clientWith = (...headers: readonly string[]): SessionClient => {
    const client = new SessionClient(silent.service.grpcPort, authorization(...headers));
    clients.push(client);
    return client;
  };
  const bearer = (token: string) => clientWith(`Bearer ${token}`);

  before(async () => {
    const hash = (token: string) => canaries.learn('hash of a service token', hashServiceToken(token));
    const callers = [
      { name: 'full', tenants: 'all', scopes: ['admin'], tokens_sha256: [hash(full)] },
      { name: 'narrow', tenants: ['none'], scopes: ['revocations.watch'], tokens_sha256: [hash(narrow)] },
      { name: 'busy', tenants: 'all', scopes: ['admin'], tokens_sha256: [hash(busy)], calls_per_second: 1 },
    ];
    const CALLERS_FILE = join(silent.folder.path, 'callers.json');
    writeFileSync(CALLERS_FILE, JSON.stringify({ callers }));
    await silent.start({ STORE_URL: 'memory:', CALLERS_FILE });
    silent.service.client.close();
    silent.service.client = bearer(full);
    hidden = await openHidden(silent);
  });
  after(() => {
    for (const client of clients) client.close();
    silent.folder.remove();
  });

  /** Every RPC with canaries in all strings, and with bytes that do not decode. */
  async function tryAll(client: SessionClient): Promise<Set<string>> {
    const reasons = new Set<string>();
    const [word, name] = [canaries.make('text'), canaries.make('name')];
    const tenant = silent.audited.make('tenant');
    const spellings: readonly Texts[] = [
      (field) => `${field}-${field.endsWith('tenant') ? tenant : word}`,
      () => word.repeat(300),
      (field) => `${field.endsWith('tenant') ? tenant : word}\n    at ${field} %s %j \${field} "'\\`,
      (field) => `sar_${field.endsWith('tenant') ? tenant : word}${field}`,
    ];
    const contents = [{ [name]: Number.NaN }, { sub: word, [name]: 2 ** 60 }, { [name]: word.repeat(2000) }];
    for (const [index, text] of spellings.entries()) {
      const requests = everyString(text, contents[index % contents.length] ?? {});
      for (const rpc of UNARY_RPCS) {
        const answer = await silent.call(rpc, requests[rpc], client);
        if (answer instanceof RpcError) reasons.add(answer.reason);
        else learnTokens(silent, answer);
        await silent.raw(rpc, Buffer.concat([Buffer.from([0xfa, 0x3e, 100]), Buffer.from(word)]), client);
      }
    }
    return reasons;
  }

  it('keeps to itself what is malformed', async () => {
    const reasons = await tryAll(silent.service.client);
    assert.deepEqual([...reasons].sort(), ['INVALID_FIELD', 'INVALID_TOKEN_PARAMETER', 'SESSION_NOT_FOUND']);
    const word = canaries.make('text');
    const long = { userId: 'ann', claims: struct({ [word]: word.repeat(50_000) }) };
    assert.equal(((await silent.call('CreateSession', long)) as RpcError).status, 'RESOURCE_EXHAUSTED');
    const requests = Array.from({ length: 20_000 }, () => ({ accessToken: word.slice(0, 12) }));
    const batch = (await silent.call('BatchValidateSessions', { requests })) as RpcError;
    assert.equal(batch.reason, 'INVALID_FIELD');
  });

  it('keeps to itself who calls, and what the caller may not do', async () => {
    const word = canaries.make('authorization');
    const cut = `${full.slice(0, -1)}${full.endsWith('A') ? 'B' : 'A'}`;
    for (const client of [
      bearer(unknown),
      bearer(cut),
      clientWith(),
      clientWith(`Basic ${word}`),
      clientWith(`Bearer sak_${word}`),
      clientWith(full),
    ]) {
      assert.deepEqual([...(await tryAll(client))], ['CALLER_UNKNOWN']);
    }
    assert((await tryAll(bearer(narrow))).has('CALLER_NOT_ALLOWED'));
    const slow = bearer(busy);
    await slow.call('BatchValidateSessions', { requests: Array.from({ length: 256 }, () => ({ accessToken: 'x' })) });
    assert((await tryAll(slow)).has('RATE_LIMITED'));
  });

  it('keeps to itself credentials that are not valid', async () => {
    const { client } = silent.service;
    const create = { ...hidden.create, userId: canaries.make('user') };
    const short = { seconds: 0, nanos: 1_000_000 };
    const expired = await client.call('CreateSession', { ...create, absoluteTimeout: short });
    const revoked = await client.call('CreateSession', create);
    const opaque = await client.call('CreateSession', { ...create, tokenMode: 'TOKEN_MODE_OPAQUE' });
    const next = await client.call('RefreshSession', { refreshToken: hidden.refreshToken });
    for (const answer of [expired, revoked, opaque, next]) learnTokens(silent, answer);
    await client.call('RevokeSessions', { tenantId: create.tenantId ?? '', userId: create.userId });
    const foreign = await startService({ STORE_URL: 'memory:' });
    const theirs = await foreign.client.call('CreateSession', {});
    learnTokens(silent, theirs);
    await foreign.end();
    const tokens = [expired, revoked, opaque, next, theirs].flatMap(({ tokens }) =>
      tokens === null ? [] : [tokens.accessToken, tokens.refreshToken, tokens.sessionToken],
    );
    const all = [
      ...tokens.filter((token) => token !== ''),
      ...forgedTokens(hidden.refreshToken).slice(0, 12),
      ...forgedAccessTokens(hidden.accessToken).slice(0, 12),
    ];
    for (const token of all) {
      for (const tenantId of ['', create.tenantId ?? '', canaries.make('tenant of others')]) {
        await silent.call('RefreshSession', { tenantId, refreshToken: token });
        for (const session of [{ accessToken: token }, { sessionToken: token }, { refreshToken: token }]) {
          await silent.call('GetSession', { tenantId, session });
          await silent.call('UpdateSession', { tenantId, session, etag: canaries.make('etag'), deviceName: 'x' });
        }
        await silent.call('ValidateSession', { tenantId, accessToken: token });
        await silent.call('ValidateSession', { tenantId, sessionToken: token });
      }
    }
  });

  it('keeps to itself page tokens, consistency tokens and cursors', async () => {
    const { client } = silent.service;
    const { tenantId = '', userId = '' } = hidden.create;
    const page = await client.call('ListSessions', { tenantId, userId, pageSize: 1 });
    const pageToken = canaries.learn('page token', page.nextPageToken);
    assert.notEqual(pageToken, '');
    const other = await silent.call('ListSessions', { tenantId, userId: canaries.make('user'), pageToken });
    const revoked = await client.call('RevokeSessions', { tenantId, userId, requestId: '' });
    const consistencyToken = Buffer.from(revoked.consistencyToken ?? []);
    // Behind the position stands the tenant, which the audit names; the tag comes last.
    canaries.learn('tag of a consistency token', consistencyToken.subarray(-16));
    const broken = Buffer.concat([consistencyToken.subarray(0, -4), randomBytes(4)]);
    const { accessToken } = hidden;
    const refused = [
      other,
      await silent.call('ListSessions', { tenantId, userId, pageToken: `${pageToken.slice(0, -2)}AA` }),
      await silent.call('ValidateSession', { accessToken, tenantId, consistencyToken: broken }),
    ];
    for (const answer of refused) assert.equal((answer as RpcError).reason, 'INVALID_TOKEN_PARAMETER');
    for (const cursor of [consistencyToken, broken, Buffer.from(canaries.make('cursor'))]) {
      const error = await watchRefusal(client, { cursor, tenantIds: [tenantId], subscriberId: 'gateway' });
      silent.assertSilentRefusal('WatchRevocations', error);
      assert.equal(error.reason, 'INVALID_TOKEN_PARAMETER');
    }
  });

  it('says nothing of all this in its log and its audit, though it has said much', async () => {
    await useStore(silent, hidden);
    const log = await silent.end();
    assert.match(log, /stopped/);
    const audit = silent.audit();
    for (const action of ['session_created', 'session_refreshed', 'sessions_revoked', 'denied']) {
      assert(audit.includes(`"${action}"`), action);
    }
  });
});

function watchRefusal(client: SessionClient, request: object): Promise<RpcError> {
  return client.call('WatchRevocations' as never, request as never).then(
    () => assert.fail('the stream was opened'),
    (error: RpcError) => error,
  );
}

import assert from 'node:assert/strict';
import { LIMITS } from '../../src/domain/limits.ts';
import { RESERVED_CLAIMS } from '../../src/token/access_token.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { type Request, RpcError, type UnaryRpc } from './client.ts';
import { HANDLE, STRINGS } from './bounded_fields.ts';
import { assertInvalid, assertVerdict, claimsOf, open, present, range, refresh, struct, verdict } from './expect.ts';

/** Claims or data whose JSON has exactly that many bytes, each character as long as JSON makes it. */
function jsonOf(bytes: number, character: string): Record<string, unknown> {
  const each = Buffer.byteLength(JSON.stringify(character)) - 2;
  const count = Math.floor((bytes - 8) / each);
  const text = character.repeat(count) + 'x'.repeat(bytes - 8 - count * each);
  return { a: text };
}

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 1; level < levels; level += 1) value = { a: value };
  return value;
}

describe('the fields of requests', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer('sqlite');
  });
  after(() => server.stop());

  const reasonOf = async <R extends UnaryRpc>(rpc: R, request: Request<R>) => {
    try {
      await server.client.call(rpc, request);
      return 'OK';
    } catch (error) {
      assert(error instanceof RpcError);
      assert.notEqual(error.status, 'INTERNAL');
      return error.reason;
    }
  };

  it('are bounded in bytes of UTF-8, and take all that is within', async () => {
    for (const [rpc, field, max, request] of STRINGS) {
      for (const text of [
        'x'.repeat(max),
        '"'.repeat(max),
        '\\'.repeat(max),
        'é'.repeat(max / 2),
        '😀'.repeat(max / 4),
      ]) {
        assert.equal(Buffer.byteLength(text), max);
        assert.notEqual(await reasonOf(rpc, request(text)), 'INVALID_FIELD', `${rpc} ${field}`);
        await assertInvalid(server.client.call(rpc, request(`${text}x`)), field);
      }
    }
  });

  it('hold no control characters, and nothing that is not UTF-8', async () => {
    for (const [rpc, field, , request] of STRINGS) {
      for (const text of ['a\u0000b', '\n', '\u001f', '\u007f', '\ufffd', '\ud800', '\udc00x']) {
        await assertInvalid(server.client.call(rpc, request(text)), field);
      }
    }
  });

  it('are bounded in number', async () => {
    const { client } = server;
    const items = (count: number) => range(count).map(String);
    await open(client, { amr: items(LIMITS.amrItems), audiences: items(LIMITS.audienceItems) });
    const tooMany = { amr: items(LIMITS.amrItems + 1), audiences: items(LIMITS.audienceItems + 1) };
    await assertInvalid(client.call('CreateSession', tooMany), 'amr', 'audiences');
    await assertInvalid(client.call('RotateSession', { ...HANDLE, amr: tooMany.amr }), 'amr');
    await assertInvalid(client.call('CreateSession', { amr: [''], audiences: ['x', ''] }), 'amr[0]', 'audiences[1]');
  });

  it('bound claims and data by their JSON', async () => {
    const { client } = server;
    for (const character of ['x', '"', '\u0001', 'é', '😀']) {
      const [claims, data] = [jsonOf(LIMITS.claims, character), jsonOf(LIMITS.data, character)];
      assert.deepEqual(
        [claims, data].map((json) => Buffer.byteLength(JSON.stringify(json))),
        [LIMITS.claims, LIMITS.data],
      );
      const { session, tokens } = await open(client, { claims: struct(claims), data: struct(data) });
      assert.equal(claimsOf(tokens.accessToken)['a'], claims['a']);
      await assertVerdict(client, tokens.accessToken, 'ACTIVE');
      const handle = { sessionId: session.sessionId };
      const over = { claims: struct({ ...claims, b: 1 }), data: struct({ ...data, b: 1 }) };
      await assertInvalid(client.call('CreateSession', over), 'claims', 'data');
      await assertInvalid(
        client.call('RefreshSession', { refreshToken: tokens.refreshToken, claims: over.claims }),
        'claims',
      );
      await assertInvalid(client.call('RotateSession', { session: handle, ...over }), 'claims', 'data');
      await assertInvalid(client.call('UpdateSession', { session: handle, ...over }), 'claims', 'data');
      const merge = { mergeClaims: over.claims, mergeData: over.data };
      await assertInvalid(client.call('UpdateSession', { session: handle, ...merge }), 'merge_claims', 'merge_data');
      await client.call('UpdateSession', { session: handle, mergeClaims: struct(claims), mergeData: struct(data) });
    }
  });

  it('bound how deep claims and data are nested', async () => {
    const { client } = server;
    const deep = struct(nested(LIMITS.structDepth));
    const { tokens } = await open(client, { claims: deep, data: deep });
    assert.deepEqual(claimsOf(tokens.accessToken)['a'], nested(LIMITS.structDepth)['a']);
    const deeper = struct(nested(LIMITS.structDepth + 1));
    await assertInvalid(client.call('CreateSession', { claims: deeper, data: deeper }), 'claims', 'data');
    let list: unknown[] = [];
    for (const _ of range(LIMITS.structDepth - 2)) list = [list];
    await open(client, { data: struct({ list }) });
    await assertInvalid(client.call('CreateSession', { data: struct({ list: [list] }) }), 'data');
  });

  it('take no reserved claim, and every other', async () => {
    const { client } = server;
    assert(RESERVED_CLAIMS.size >= 15);
    const { session, tokens } = await open(client, {
      data: struct(Object.fromEntries([...RESERVED_CLAIMS].map((name) => [name, 1]))),
    });
    for (const name of RESERVED_CLAIMS) {
      for (const value of [null, 'x', { x: 1 }]) {
        const claims = struct({ ok: 1, [name]: value });
        const handle = { sessionId: session.sessionId };
        await assertInvalid(client.call('CreateSession', { claims }), 'claims');
        await assertInvalid(client.call('RefreshSession', { refreshToken: tokens.refreshToken, claims }), 'claims');
        await assertInvalid(client.call('RotateSession', { session: handle, claims }), 'claims');
        await assertInvalid(client.call('UpdateSession', { session: handle, claims }), 'claims');
        await assertInvalid(client.call('UpdateSession', { session: handle, mergeClaims: claims }), 'merge_claims');
      }
    }
    const odd = [
      '__proto__',
      'constructor',
      'toString',
      'SUB',
      'sub ',
      'Iss',
      '',
      '0',
      'scope',
      'kid',
      'alg',
      '😀',
      'hasOwnProperty',
    ];
    const claims = Object.fromEntries(odd.map((name, index) => [name, { nested: { sub: index } }]));
    const opened = await open(client, { claims: struct(claims) });
    const signed = claimsOf(opened.tokens.accessToken);
    for (const name of odd) assert.deepEqual(Object.getOwnPropertyDescriptor(signed, name)?.value, claims[name], name);
    await assertVerdict(client, opened.tokens.accessToken, 'ACTIVE');
  });

  it('hold numbers that JSON and a double can hold', async () => {
    const { client } = server;
    for (const value of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      2 ** 53,
      -(2 ** 53),
      2 ** 60,
      1e300,
    ]) {
      const bad = struct({ ok: 1, list: [{ value }] });
      await assertInvalid(client.call('CreateSession', { claims: bad, data: bad }), 'claims', 'data');
      await assertInvalid(
        client.call('UpdateSession', { ...HANDLE, mergeClaims: bad, mergeData: bad }),
        'merge_claims',
        'merge_data',
      );
    }
    const good = { max: 2 ** 53 - 1, min: -(2 ** 53) + 1, tiny: 5e-324, third: 1 / 3, large: 123456789.000001 };
    const { tokens } = await open(client, { claims: struct(good) });
    const { max, min, tiny, third, large } = claimsOf(tokens.accessToken);
    assert.deepEqual({ max, min, tiny, third, large }, good);
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  });

  it('hold times that there are', async () => {
    const { client } = server;
    for (const time of [
      { seconds: 0, nanos: -1 },
      { seconds: 0, nanos: 1e9 },
      { seconds: 253_402_300_800, nanos: 0 },
      { seconds: -62_135_596_801, nanos: 0 },
      { seconds: 2 ** 60, nanos: 0 },
    ]) {
      await assertInvalid(client.call('CreateSession', { authTime: time }), 'auth_time');
      await assertInvalid(client.call('RotateSession', { ...HANDLE, authTime: time }), 'auth_time');
      const times = { createTimeBefore: time, denyCreateUntilTime: time };
      await assertInvalid(
        client.call('RevokeSessions', { userId: 'x', ...times }),
        'create_time_before',
        'deny_create_until_time',
      );
    }
    for (const duration of [
      { seconds: 315_576_000_001, nanos: 0 },
      { seconds: 1000, nanos: -1 },
      { seconds: 1000, nanos: 1e9 },
    ]) {
      const both = { idleTimeout: duration, absoluteTimeout: duration };
      await assertInvalid(client.call('CreateSession', both), 'idle_timeout', 'absolute_timeout');
      await assertInvalid(
        client.call('ValidateSession', { accessToken: 'x', maxStaleness: duration }),
        'max_staleness',
      );
    }
  });

  it('refuse an auth_time that no token can carry', async () => {
    const { client } = server;
    const { session } = await open(client, { userId: 'ann' });
    for (const authTime of [
      { seconds: -1, nanos: 0 },
      { seconds: -1, nanos: 999_999_999 },
      { seconds: -62_135_596_800, nanos: 0 },
    ]) {
      await assertInvalid(client.call('CreateSession', { authTime }), 'auth_time');
      await assertInvalid(
        client.call('RotateSession', { session: { sessionId: session.sessionId }, authTime }),
        'auth_time',
      );
    }
  });

  it('refuse an auth_time in the future, but for clocks that differ', async () => {
    const { client } = server;
    const { session } = await open(client, { userId: 'ann' });
    const { sessionId } = session;
    const inSeconds = (seconds: number) => ({ seconds: Math.floor(server.now() / 1000) + seconds, nanos: 0 });
    for (const authTime of [inSeconds(90), inSeconds(10 * 365 * 86_400)]) {
      await assertInvalid(client.call('CreateSession', { authTime }), 'auth_time');
      await assertInvalid(client.call('RotateSession', { session: { sessionId }, authTime }), 'auth_time');
    }
    await client.call('CreateSession', { authTime: inSeconds(5) });
    await client.call('RotateSession', { session: { sessionId }, authTime: inSeconds(5) });
  });

  it('fill an access token to the brim, and it still is one', async () => {
    const text = (bytes: number, at: number) => `${at}`.padEnd(bytes, '"');
    for (const env of [{ SIGNING_ALGORITHM: 'ES256' }, { SIGNING_ALGORITHM: 'RS256' }]) {
      const brim = await startTestServer('memory', env);
      try {
        const claims = struct(jsonOf(LIMITS.claims, '"'));
        const { session, tokens } = await open(brim.client, {
          tenantId: text(LIMITS.tenantId, 1),
          userId: text(LIMITS.userId, 2),
          clientId: text(LIMITS.clientId, 3),
          acr: text(LIMITS.acr, 4),
          amr: range(LIMITS.amrItems).map((at) => text(LIMITS.amrItem, at)),
          audiences: range(LIMITS.audienceItems).map((at) => text(LIMITS.audience, at)),
          actor: {
            userId: text(LIMITS.userId, 5),
            tenantId: text(LIMITS.tenantId, 6),
            reason: text(LIMITS.actorReason, 7),
          },
          claims,
        });
        await assertVerdict(brim.client, tokens.accessToken, 'ACTIVE');
        const next = await refresh(brim.client, tokens.refreshToken, { claims });
        await assertVerdict(brim.client, next.tokens.accessToken, 'ACTIVE');
        const handle = { sessionId: session.sessionId };
        const rotated = await brim.client.call('RotateSession', {
          tenantId: text(LIMITS.tenantId, 1),
          session: handle,
        });
        assert.equal(await verdict(brim.client, { accessToken: present(rotated.tokens).accessToken }), 'ACTIVE');
      } finally {
        await brim.stop();
      }
    }
  });

  it('are all named at once where several are at fault', async () => {
    const error = await assertInvalid(
      server.client.call('CreateSession', {
        requestId: 'x',
        userId: 'x'.repeat(257),
        tokenMode: 9 as never,
        claims: struct({ sub: 'x' }),
        data: struct({ a: Number.NaN }),
        device: { name: '\n' },
        idleTimeout: { seconds: -1, nanos: 0 },
        amr: ['x', ''],
        actor: {},
        replaceDeviceSessions: true,
      }),
      'request_id',
      'user_id',
      'token_mode',
      'claims',
      'data',
      'device.name',
      'idle_timeout',
      'amr[1]',
      'actor.user_id',
      'replace_device_sessions',
    );
    for (const { field, description } of error.violations) {
      assert.notEqual(description, '');
      assert(error.message.includes(field));
    }
  });
});

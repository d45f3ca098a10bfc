import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { LIMITS } from '../../src/domain/limits.ts';
import { onEachStore, startTestServer, type TestServer } from '../harness.ts';
import { encode, type Request, RPCS, SessionClient, UNARY_RPCS, type UnaryRpc } from './client.ts';
import { assertInvalid, assertRefused, assertVerdict, open, present, range, refusalOf, struct } from './expect.ts';

/** A length-delimited field. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** A Struct of that depth, made by hand: the encoder would refuse the deepest. */
function nestedStruct(levels: number): Buffer {
  let fields: Buffer = Buffer.alloc(0);
  for (const _ of range(levels))
    fields = field(1, Buffer.concat([field(1, Buffer.from('a')), field(2, field(5, fields))]));
  return fields;
}

/** The number of the field that holds the SessionHandle. */
const HANDLE_FIELDS = [
  ['GetSession', 2],
  ['UpdateSession', 2],
  ['RotateSession', 3],
  ['RevokeSession', 3],
] as const;

const PAIRS = range(4).flatMap((one) => range(4).flatMap((other) => (one === other ? [] : [[one, other] as const])));

describe('hostile bytes', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.stop());

  const undecodable = (rpc: UnaryRpc, bytes: Buffer) => assertInvalid(server.client.raw(rpc, bytes), 'request');

  it('that do not decode are INVALID_ARGUMENT, of every RPC', async () => {
    for (const rpc of UNARY_RPCS) {
      // A tag without end; a field of no wire type; a field that is cut off; groups in groups that nobody ends.
      for (const bytes of ['ff'.repeat(20), 'ff07', 'fa3e64', 'fb3e'.repeat(200_000)]) {
        await undecodable(rpc, Buffer.from(bytes, 'hex'));
      }
    }
  });

  it('that nest a Struct beyond reason are INVALID_ARGUMENT', async () => {
    const { session } = await open(server.client);
    const handle = encode('UpdateSession', { session: { sessionId: session.sessionId } });
    for (const levels of [17, 49, 50, 100, 1000, 20_000]) {
      const nested = nestedStruct(levels);
      for (const number of [6, 7]) {
        const error = await refusalOf(server.client.raw('CreateSession', field(number, nested)));
        assert.deepEqual([error.status, error.reason], ['INVALID_ARGUMENT', 'INVALID_FIELD'], `${levels} levels`);
      }
      const update = await refusalOf(server.client.raw('UpdateSession', Buffer.concat([handle, field(4, nested)])));
      assert.deepEqual([update.status, update.reason], ['INVALID_ARGUMENT', 'INVALID_FIELD'], `${levels} levels`);
    }
  });

  it('with fields that nobody knows are read without them', async () => {
    const { tokens } = await open(server.client);
    const request = Buffer.concat([
      field(999, Buffer.from('new')),
      encode('ValidateSession', { accessToken: tokens.accessToken }),
    ]);
    const answer = RPCS.ValidateSession.responseDeserialize(await server.client.raw('ValidateSession', request));
    assert.equal(answer.active, true);
  });

  it('with two members of a oneof are refused, whichever comes last', async () => {
    const { client } = server;
    const { session, tokens } = await open(client, { tenantId: 't', userId: 'ann' });
    const bystander = await open(client, { tenantId: 't', userId: 'bob' });
    const both = async <R extends UnaryRpc>(rpc: R, oneof: string, one: Request<R>, other: Request<R>) => {
      const [a, b] = [encode(rpc, one), encode(rpc, other)];
      await assertInvalid(client.raw(rpc, Buffer.concat([a, b])), oneof);
      await assertInvalid(client.raw(rpc, Buffer.concat([b, a])), oneof);
    };
    const { accessToken, refreshToken } = tokens;
    await both('ValidateSession', 'credential', { accessToken }, { sessionToken: 'x' });
    await both('RevokeSessions', 'scope', { tenantId: 't', userId: 'ann' }, { wholeTenant: true });
    await both('RevokeSessions', 'scope', { tenantId: 't', userId: 'ann' }, { clientId: 'default' });
    await both('RevokeSessions', 'scope', { tenantId: 't', clientId: 'default' }, { wholeTenant: true });
    const handles = [session.sessionId, '', refreshToken, accessToken].map((text, index) =>
      field(index + 1, Buffer.from(text)),
    );
    for (const [rpc, number] of HANDLE_FIELDS) {
      for (const [one, other] of PAIRS) {
        const handle = Buffer.concat([handles[one], handles[other]].map(present));
        await assertInvalid(
          client.raw(rpc, Buffer.concat([encode(rpc, { tenantId: 't' }), field(number, handle)])),
          'session',
        );
      }
    }
    for (const opened of [tokens, bystander.tokens]) await assertVerdict(client, opened.accessToken, 'ACTIVE');
  });

  it('with enum numbers that nobody knows are refused', async () => {
    const { client } = server;
    const { session, tokens } = await open(client);
    const handle = { sessionId: session.sessionId };
    for (const number of [55, 99, -1, 2 ** 31 - 1]) {
      const unknown = number as never;
      await assertInvalid(client.call('CreateSession', { tokenMode: unknown }), 'token_mode');
      await assertInvalid(
        client.call('ValidateSession', { accessToken: tokens.accessToken, consistency: unknown }),
        'consistency',
      );
      await assertInvalid(client.call('ValidateSession', { accessToken: tokens.accessToken, view: unknown }), 'view');
      await assertInvalid(client.call('GetSession', { session: handle, view: unknown }), 'view');
      const states = ['SESSION_STATE_ACTIVE', unknown] as const;
      await assertInvalid(
        client.call('ListSessions', { userId: 'x', view: unknown, states: [...states] }),
        'view',
        'states[1]',
      );
      await assertInvalid(client.call('RevokeSession', { session: handle, reason: unknown }), 'reason');
      await assertInvalid(client.call('RevokeSessions', { userId: 'x', reason: unknown }), 'reason');
    }
    await assertInvalid(
      client.call('ListSessions', { userId: 'x', states: ['SESSION_STATE_UNSPECIFIED'] }),
      'states[0]',
    );
    const many = range(LIMITS.states).map(() => 'SESSION_STATE_ACTIVE' as const);
    await client.call('ListSessions', { userId: 'x', states: many });
    const tooMany = [...many, 'SESSION_STATE_ACTIVE' as const];
    await assertInvalid(client.call('ListSessions', { userId: 'x', states: tooMany }), 'states');
    await assertVerdict(client, tokens.accessToken, 'ACTIVE');
  });

  it('with faults beyond number get an answer that every client can receive', async () => {
    const { client } = server;
    const states = range(100_000).map(() => 77 as never);
    const item = {
      tenantId: '\n',
      audience: '\n',
      device: { deviceId: '\n', name: '\n', userAgent: '\n', ipAddress: '\n' },
      view: 9 as never,
    };
    for (const call of [
      () => client.call('ListSessions', { userId: 'x', states }),
      () => client.call('BatchValidateSessions', { requests: range(256).map(() => item) }),
    ]) {
      const error = await refusalOf(call());
      assert.deepEqual([error.status, error.reason], ['INVALID_ARGUMENT', 'INVALID_FIELD']);
      assert(error.violations.length >= 10);
      assert(error.message.endsWith('; and more'));
      // 8 KiB are what many clients accept; details travel as base64.
      const size = encodeURI(error.message).length + Math.ceil((error.detailsBytes.length * 4) / 3);
      assert(size < 8000, `${size} bytes`);
    }
  });

  it('beyond 1 MiB are refused, compressed ones too', async () => {
    const { client } = server;
    await open(client, { userId: 'ann' });
    const large = encode('ValidateSession', { accessToken: 'x'.repeat((1 << 20) + 1) });
    assert.equal((await refusalOf(client.raw('ValidateSession', large))).status, 'RESOURCE_EXHAUSTED');
    const almost = encode('ValidateSession', { accessToken: 'x'.repeat((1 << 20) - 8) });
    const answer = RPCS.ValidateSession.responseDeserialize(await client.raw('ValidateSession', almost));
    assert.equal(answer.inactiveReason, 'INACTIVE_REASON_INVALID');
    const bomb = encode('ValidateSession', { accessToken: 'x'.repeat(64 << 20) });
    assert(gzipSync(bomb).length < 1 << 20);
    const zipping = new SessionClient(server.grpcPort, {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    assert.equal((await refusalOf(zipping.raw('ValidateSession', bomb))).status, 'RESOURCE_EXHAUSTED');
    const small = RPCS.ValidateSession.responseDeserialize(await zipping.raw('ValidateSession', almost));
    assert.equal(small.inactiveReason, 'INACTIVE_REASON_INVALID');
    zipping.close();
  });
});

onEachStore('ids with a meaning elsewhere', (server) => {
  const NAMES = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    '0',
    "'; DROP TABLE nest_auth_sessions; --",
    '%',
    '*',
    'a:b/c',
    '😀',
    ' ',
  ];

  it('are ids like any other, as user, client, device and tenant', async () => {
    const { client } = server();
    const opened = [];
    for (const name of NAMES) {
      const request = {
        tenantId: name,
        userId: name,
        clientId: name,
        device: { deviceId: name, name },
        claims: struct({ [name]: name }),
      };
      opened.push({ name, ...(await open(client, request)) });
    }
    for (const { name, session, tokens } of opened) {
      const query = { tenantId: name, userId: name, clientId: name, deviceId: name };
      const { sessions } = await client.call('ListSessions', query);
      assert.deepEqual(
        sessions.map(({ sessionId }) => sessionId),
        [session.sessionId],
        name,
      );
      const answer = await client.call('ValidateSession', {
        accessToken: tokens.accessToken,
        tenantId: name,
        includeClaims: true,
      });
      assert.deepEqual([answer.active, answer.userId, answer.tenantId, answer.clientId], [true, name, name, name]);
      assert.equal(Object.entries(answer.claims?.fields ?? {})[0]?.[1].stringValue, name);
    }
    const ends: ((name: string) => Request<'RevokeSessions'>)[] = [
      (name) => ({ tenantId: name, userId: name }),
      (name) => ({ tenantId: name, clientId: name }),
      (name) => ({ tenantId: name, wholeTenant: true }),
    ];
    for (const [index, { name, tokens }] of opened.entries()) {
      await client.call('RevokeSessions', (ends[index % 3] as (typeof ends)[0])(name));
      await assertVerdict(client, tokens.accessToken, 'REVOKED');
      const later = opened[index + 1];
      if (later !== undefined) await assertVerdict(client, later.tokens.accessToken, 'ACTIVE');
    }
  });

  it('do not run into each other', async () => {
    const { client } = server();
    const pairs = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['', 'abc'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a/b', 'c'],
      ['a', 'b/c'],
      ['1:a', 'bc'],
      ['1', ':abc'],
      ['é', 'x'],
      ['e\u0301', 'x'],
      ['😀', 'x'],
      ['A', 'bc'],
    ] as const;
    const opened = [];
    for (const [tenantId, userId] of pairs) opened.push(await open(client, { tenantId, userId }));
    for (const [index, [tenantId, userId]] of pairs.entries()) {
      const { sessions } = await client.call('ListSessions', { tenantId, userId });
      assert.deepEqual(
        sessions.map(({ sessionId }) => sessionId),
        [opened[index]?.session.sessionId],
      );
    }
    for (const [index, [tenantId, userId]] of pairs.entries()) {
      await client.call('RevokeSessions', { tenantId, userId });
      for (const [other, { tokens }] of opened.entries())
        await assertVerdict(client, tokens.accessToken, other <= index ? 'REVOKED' : 'ACTIVE');
    }
  });

  it('reads no session of another tenant', async () => {
    const { client } = server();
    const { session } = await open(client, { tenantId: 'mine', userId: 'ann' });
    for (const tenantId of ['', 'MINE', 'mine ', 'other']) {
      const notFound = { status: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND' };
      await assertRefused(client.call('GetSession', { tenantId, session: { sessionId: session.sessionId } }), notFound);
      assert.deepEqual((await client.call('ListSessions', { tenantId, userId: 'ann' })).sessions, []);
    }
  });
});

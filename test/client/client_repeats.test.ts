import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { CallError, SessionAuthorityClient } from '../../src/client/index.ts';
import type { UnaryRpc } from '../grpc/client.ts';
import { freePort } from '../harness.ts';
import { until } from '../servers/process.ts';
import { ScriptedAuthority } from './scripted_authority.ts';

const ID = '00000000-0000-7000-8000-000000000000';
const HANDLE = { session: { sessionId: ID } };

/** Every RPC, and whether it may be sent again when nobody knows whether it was carried out. */
const REPEATED: {
  readonly [R in UnaryRpc]: readonly [again: boolean, (client: SessionAuthorityClient) => Promise<unknown>];
} = {
  CreateSession: [true, (client) => client.createSession()],
  RefreshSession: [true, (client) => client.refreshSession({ refreshToken: 'x' })],
  ValidateSession: [true, (client) => client.validateSession({ accessToken: 'x' })],
  BatchValidateSessions: [true, (client) => client.validateSessions([{ accessToken: 'x' }])],
  GetSession: [true, (client) => client.getSession(HANDLE)],
  ListSessions: [true, (client) => client.listSessions({ userId: 'x' })],
  UpdateSession: [false, (client) => client.updateSession({ ...HANDLE, deviceName: 'x' })],
  RotateSession: [true, (client) => client.rotateSession(HANDLE)],
  RevokeSession: [true, (client) => client.revokeSession(HANDLE)],
  RevokeSessions: [true, (client) => client.revokeSessions({ userId: 'x' })],
  GetJwks: [true, (client) => client.getJwks()],
};
const RPCS = Object.entries(REPEATED);

const ATTEMPTS = 4;
const EMPTY_JWKS = { jwksJson: '{"keys":[]}' };

describe('SessionAuthorityClient, where it is refused', () => {
  let service: ScriptedAuthority;
  let client: SessionAuthorityClient;
  beforeEach(async () => {
    service = await ScriptedAuthority.start();
    client = new SessionAuthorityClient({ target: `127.0.0.1:${service.port}` });
  });
  afterEach(() => {
    client.close();
    service.stop();
  });

  const refusing = (code: status, reason = '', retryAfterMs = 0) => {
    service.onCall = (call) => call.refuse(code, reason, retryAfterMs);
  };
  const called = (count: number) => until('the service is called', async () => service.calls.length === count);
  const requestIds = () => service.calls.map(({ request }) => (request as { requestId?: string }).requestId);

  /** Makes every call at once; returns how often each was sent, and checks that it was the same each time. */
  const attempts = async (expected: object) => {
    service.calls.length = 0;
    await Promise.all(RPCS.map(([rpc, [, call]]) => assert.rejects(call(client), expected, rpc)));
    return Object.fromEntries(
      RPCS.map(([rpc]) => {
        const requests = service.calls.filter((call) => call.rpc === rpc).map(({ request }) => request);
        for (const request of requests) assert.deepEqual(request, requests[0]);
        return [rpc, requests.length];
      }),
    );
  };
  const every = (count: number) => Object.fromEntries(RPCS.map(([rpc]) => [rpc, count]));

  it('repeats what is safe to repeat where its outcome is unknown, with the same request', async () => {
    const expected = Object.fromEntries(RPCS.map(([rpc, [again]]) => [rpc, again ? ATTEMPTS : 1]));
    for (const reason of ['STORE_UNAVAILABLE', 'NOT_REPLICATED', 'NOT_CAUGHT_UP']) {
      refusing(status.UNAVAILABLE, reason);
      assert.deepEqual(await attempts({ name: 'SessionError', code: reason }), expected);
    }
    for (const code of [status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]) {
      refusing(code);
      assert.deepEqual(await attempts({ name: 'CallError', status: status[code] }), expected);
    }
  });

  it('repeats what was turned away', async () => {
    refusing(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 1);
    const error = { name: 'SessionError', code: 'RATE_LIMITED', retryAfterMs: 1 };
    assert.deepEqual(await attempts(error), every(ATTEMPTS));
  });

  it('does not repeat what was answered', async () => {
    for (const [code, reason] of [
      [status.INVALID_ARGUMENT, 'INVALID_FIELD'],
      [status.INVALID_ARGUMENT, 'REQUEST_ID_REUSED'],
      [status.INVALID_ARGUMENT, 'INVALID_TOKEN_PARAMETER'],
      [status.FAILED_PRECONDITION, 'REQUEST_SUPERSEDED'],
      [status.FAILED_PRECONDITION, 'SESSION_STATE'],
      [status.FAILED_PRECONDITION, 'USER_BLOCKED'],
      [status.RESOURCE_EXHAUSTED, 'SESSION_LIMIT'],
      [status.FAILED_PRECONDITION, 'REFRESH_TOKEN_INVALID'],
      [status.FAILED_PRECONDITION, 'REFRESH_TOKEN_REUSED'],
      [status.UNAUTHENTICATED, 'CALLER_UNKNOWN'],
      [status.PERMISSION_DENIED, 'CALLER_NOT_ALLOWED'],
      [status.NOT_FOUND, 'SESSION_NOT_FOUND'],
      [status.ABORTED, 'ETAG_MISMATCH'],
      [status.INTERNAL, 'INTERNAL'],
    ] as const) {
      refusing(code, reason);
      assert.deepEqual(
        await attempts({ name: 'SessionError', code: reason, message: 'as the script says' }),
        every(1),
        reason,
      );
    }
    for (const code of [status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED, status.UNKNOWN]) {
      refusing(code);
      assert.deepEqual(await attempts({ name: 'CallError', status: status[code] }), every(1));
    }
  });

  it('sends its own request id where none is given, another with each call, else the one given', async () => {
    const isFirst = () => service.calls.length % 2 === 1;
    service.onCall = (call) => call.refuse(isFirst() ? status.UNAVAILABLE : status.NOT_FOUND);
    const calls = [
      (requestId?: string) => client.createSession({ requestId }),
      (requestId?: string) => client.refreshSession({ requestId, refreshToken: 'x' }),
      (requestId?: string) => client.rotateSession({ requestId, ...HANDLE }),
      (requestId?: string) => client.revokeSession({ requestId, ...HANDLE }),
      (requestId?: string) => client.revokeSessions({ requestId, userId: 'x' }),
    ];
    for (const call of calls) {
      service.calls.length = 0;
      for (const requestId of [undefined, undefined, '', ID]) await assert.rejects(call(requestId), CallError);
      const [one, two, three, given] = [0, 1, 2, 3].map((index) => requestIds()[index * 2] ?? '');
      assert.equal(new Set(requestIds()).size, 4);
      for (const made of [one, two, three]) assert.match(made ?? '', /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
      assert.equal(given, ID);
    }
  });

  it('answers with what a repeat was answered', async () => {
    service.onCall = (call) => (service.calls.length < 3 ? call.refuse(status.UNAVAILABLE) : call.answer(EMPTY_JWKS));
    assert.deepEqual(await client.getJwks(), { keys: [] });
    assert.equal(service.calls.length, 3);
  });

  it('waits as long as the service asks', async () => {
    service.onCall = (call) =>
      service.calls.length === 1
        ? call.refuse(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 500)
        : call.answer(EMPTY_JWKS);
    const begin = performance.now();
    await client.getJwks({ deadlineMs: 60_000 });
    assert(performance.now() - begin >= 499);
  });

  it('does not wait beyond its deadline', async () => {
    refusing(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 50_000);
    const error = { name: 'SessionError', code: 'RATE_LIMITED', retryAfterMs: 50_000 };
    await assert.rejects(client.getJwks({ deadlineMs: 49_000 }), error);
    assert.equal(service.calls.length, 1);
  });

  it('does not repeat a refresh when that could be theft', async () => {
    refusing(status.UNAVAILABLE, 'STORE_UNAVAILABLE', 5_000);
    const long = { deadlineMs: 60_000 };
    await assert.rejects(client.refreshSession({ refreshToken: 'x' }, long), { code: 'STORE_UNAVAILABLE' });
    assert.equal(service.calls.length, 1);
    const abort = new AbortController();
    const other = client.createSession({}, { ...long, signal: abort.signal });
    await called(2);
    abort.abort(new Error('seen to wait'));
    await assert.rejects(other, { message: 'seen to wait' });
  });

  it('repeats an update with an etag, and does not take a mismatch that it may have made itself for an answer', async () => {
    const update = () => client.updateSession({ ...HANDLE, deviceName: 'x', etag: '1' });
    service.onCall = (call) =>
      service.calls.length === 1
        ? call.refuse(status.UNAVAILABLE, 'STORE_UNAVAILABLE')
        : call.refuse(status.ABORTED, 'ETAG_MISMATCH');
    await assert.rejects(update(), { code: 'STORE_UNAVAILABLE' });
    assert.equal(service.calls.length, 2);
    service.calls.length = 0;
    service.onCall = (call) =>
      service.calls.length === 1
        ? call.refuse(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 1)
        : call.refuse(status.ABORTED, 'ETAG_MISMATCH');
    await assert.rejects(update(), { code: 'ETAG_MISMATCH' });
    service.calls.length = 0;
    refusing(status.UNAVAILABLE);
    await assert.rejects(update(), CallError);
    assert.equal(service.calls.length, ATTEMPTS);
  });

  it('takes another target for each attempt', async () => {
    const other = await ScriptedAuthority.start();
    const both = new SessionAuthorityClient({ target: [`127.0.0.1:${service.port}`, `127.0.0.1:${other.port}`] });
    try {
      service.onCall = (call) => call.answer(EMPTY_JWKS);
      other.onCall = service.onCall;
      await until('both are connected', async () => {
        await both.getJwks();
        return service.calls.length > 0 && other.calls.length > 0;
      });
      for (const [down, up] of [
        [service, other],
        [other, service],
      ] as const) {
        down.onCall = (call) => call.refuse(status.UNAVAILABLE, 'STORE_UNAVAILABLE');
        up.onCall = (call) => call.answer(EMPTY_JWKS);
        for (const { calls } of [down, up]) calls.length = 0;
        for (let round = 0; round < 10; round += 1) await both.getJwks();
        assert.equal(up.calls.length, 10);
        assert(down.calls.length <= 10);
      }
      // Also where another call has had its turn meanwhile.
      let refused = 0;
      for (const each of [service, other]) {
        each.calls.length = 0;
        each.onCall = (call) => {
          if (call.rpc === 'GetJwks') call.answer(EMPTY_JWKS);
          else if ((refused += 1) === 1) call.refuse(status.UNAVAILABLE, 'STORE_UNAVAILABLE', 300);
          else call.refuse(status.RESOURCE_EXHAUSTED, 'SESSION_LIMIT');
        };
      }
      const creating = both.createSession({}, { deadlineMs: 60_000 });
      await until('it is refused once', async () => refused > 0);
      await both.getJwks();
      await assert.rejects(creating, { code: 'SESSION_LIMIT' });
      const creates = [service, other].map(({ calls }) => calls.filter(({ rpc }) => rpc === 'CreateSession').length);
      assert.deepEqual(creates, [1, 1]);
    } finally {
      both.close();
      other.stop();
    }
  });

  it('tells a reason of a later version from what it knows', async () => {
    refusing(status.ABORTED, 'OF_A_LATER_VERSION');
    await assert.rejects(client.getJwks(), {
      name: 'CallError',
      status: 'ABORTED',
      message: 'ABORTED: as the script says (OF_A_LATER_VERSION)',
    });
  });

  it('says that the service is not there, and soon', async () => {
    const nobody = new SessionAuthorityClient({ target: `127.0.0.1:${await freePort()}` });
    const error = { name: 'CallError', status: 'UNAVAILABLE', message: /ECONNREFUSED/ };
    await assert.rejects(nobody.createSession({}, { deadlineMs: 600_000 }), error);
    nobody.close();
  });

  it('gives up at its deadline, and tells the service', async () => {
    const began = performance.now();
    await assert.rejects(client.createSession({}, { deadlineMs: 300 }), {
      name: 'CallError',
      status: 'DEADLINE_EXCEEDED',
    });
    assert(performance.now() - began >= 299);
    assert.equal(service.calls.length, 1);
    await service.calls[0]?.cancelled;
    for (const deadlineMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      await assert.rejects(client.getJwks({ deadlineMs }), RangeError);
    }
    assert.equal(service.calls.length, 1);
  });

  it('has a deadline of 5 s by default', async () => {
    const began = Date.now();
    const calling = client.getJwks();
    await called(1);
    const deadline = service.calls[0]?.deadlineMs ?? 0;
    assert(deadline > began + 3_000 && deadline <= Date.now() + 5_100);
    service.calls[0]?.answer(EMPTY_JWKS);
    await calling;
  });

  it('rejects with the reason of its signal, before, in and between attempts', async () => {
    const reason = new Error('not wanted any more');
    await assert.rejects(client.getJwks({ signal: AbortSignal.abort(reason) }), reason);
    assert.equal(service.calls.length, 0);
    const during = new AbortController();
    const calling = client.getJwks({ signal: during.signal });
    await called(1);
    during.abort(reason);
    await assert.rejects(calling, reason);
    await service.calls[0]?.cancelled;
    const between = new AbortController();
    refusing(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 50_000);
    const waiting = client.getJwks({ signal: between.signal, deadlineMs: 600_000 });
    await called(2);
    setImmediate(() => between.abort(reason));
    await assert.rejects(waiting, reason);
    assert.equal(service.calls.length, 2);
  });

  it('ends its calls where it is closed, and makes no more', async () => {
    const closed = { name: 'CallError', status: 'CANCELLED' };
    const calling = client.getJwks();
    await called(1);
    client.close();
    await assert.rejects(calling, closed);
    await service.calls[0]?.cancelled;
    await assert.rejects(client.getJwks(), closed);
    client.close();
  });
});

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { Connector } from '../../src/client/connection.ts';
import { RevocationStream } from '../../src/client/revocation_stream.ts';
import type { RevocationStreamEvent } from '../../src/client/watch_events.ts';
import type { WatchRevocationsResponse } from '../../src/wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { msToDuration, msToTimestamp } from '../../src/wire/time.ts';
import { freePort } from '../harness.ts';
import { ScriptedService, until } from './scripted_service.ts';

const RESUMED: WatchRevocationsResponse = {
  opened: { start: 'START_RESUMED', heartbeat: msToDuration(1000), maxAccessTokenTtl: msToDuration(86_400_000) },
};
const SNAPSHOT: WatchRevocationsResponse = { opened: { ...RESUMED.opened, start: 'START_SNAPSHOT' } };

/** A frame of a later version. */
const UNKNOWN = Buffer.from([0x7a, 0x02, 0x08, 0x01]);

function ended(sessionId: string) {
  return {
    session: { tenantId: 'acme', sessionId },
    discardAfterTime: msToTimestamp(2000),
    reason: 'REVOCATION_REASON_ADMIN',
    revokeTime: msToTimestamp(1000),
  } as const;
}

function batch(sessionId: string, cursor: string): WatchRevocationsResponse {
  return { batch: { revocations: [ended(sessionId)], cursor: Buffer.from(cursor) } };
}

function chunk(sessionId: string, complete: boolean, cursor: string): WatchRevocationsResponse {
  return { snapshotChunk: { revocations: [ended(sessionId)], complete, cursor: Buffer.from(cursor) } };
}

function checkpoint(cursor: string, stalenessMs = 0, asOfMs = Date.now()): WatchRevocationsResponse {
  const at = { staleness: msToDuration(stalenessMs), asOfTime: msToTimestamp(asOfMs) };
  return { checkpoint: { cursor: Buffer.from(cursor), ...at } };
}

describe('RevocationStream', () => {
  let service: ScriptedService;
  let stream: RevocationStream | null = null;
  let events: RevocationStreamEvent[];

  beforeEach(async () => {
    service = await ScriptedService.start();
    events = [];
  });

  afterEach(async () => {
    stream?.close();
    await service.stop();
  });

  const watch = (port = service.port, tenantIds: readonly string[] = []) => {
    const options = { connector: new Connector({ target: `127.0.0.1:${port}` }), tenantIds };
    stream = new RevocationStream({ ...options, subscriberId: 'test' }, (event) => events.push(event));
    return stream;
  };
  const kinds = () => events.map(({ kind }) => kind);
  const event = async <K extends RevocationStreamEvent['kind']>(kind: K, count = 1) => {
    const found = () =>
      events.filter((event): event is Extract<RevocationStreamEvent, { kind: K }> => event.kind === kind);
    await until(() => found().length >= count);
    return found()[count - 1] as Extract<RevocationStreamEvent, { kind: K }>;
  };

  it('asks for a snapshot, and hands out what comes, in order', async () => {
    watch(service.port, ['acme', 'other']);
    const first = await service.next();
    const { cursor, tenantIds, subscriberId } = first.request;
    assert.deepEqual([cursor.length, tenantIds, subscriberId], [0, ['acme', 'other'], 'test']);
    first.send(SNAPSHOT, chunk('s1', false, ''), chunk('s2', true, 'c1'), batch('s3', 'c2'), checkpoint('c3', 40));
    assert.equal((await event('checkpoint')).stalenessMs, 40);
    assert.deepEqual(kinds(), [
      'opened',
      'revocations',
      'revocations',
      'snapshot_complete',
      'revocations',
      'checkpoint',
    ]);
    assert.deepEqual(events[0], {
      kind: 'opened',
      start: 'snapshot',
      heartbeatMs: 1000,
      maxAccessTokenTtlMs: 86_400_000,
      tenantIds: ['acme', 'other'],
    });
    const scope = { kind: 'session', tenantId: 'acme', sessionId: 's1', minVersion: 0 };
    const revocation = { scope, discardTimeMs: 2000, reason: 'admin', revokeTimeMs: 1000 };
    assert.deepEqual(events[1], { kind: 'revocations', revocations: [revocation], isSnapshot: true });
  });

  it('says whose revocations come, and how old the proof is for all of these', async () => {
    watch();
    const first = await service.next();
    first.send({ opened: { ...RESUMED.opened, tenantIds: ['acme'] } }, checkpoint('c1', 60_000));
    await event('checkpoint');
    assert.deepEqual((await event('opened')).tenantIds, ['acme']);
    assert((stream?.ageMs ?? 0) >= 60_000);
    first.end();
    const second = await service.next();
    second.send({ opened: { ...SNAPSHOT.opened, tenantIds: ['acme', 'other'] } }, chunk('s1', true, 'c2'));
    await event('snapshot_complete');
    assert.deepEqual((await event('opened', 2)).tenantIds, ['acme', 'other']);
    assert.equal(stream?.ageMs, Number.POSITIVE_INFINITY);
    second.send(checkpoint('c3', 600_000));
    await event('checkpoint', 2);
    assert((stream?.ageMs ?? 0) >= 600_000);
    second.end();
    (await service.next()).send(RESUMED);
    assert.deepEqual((await event('opened', 3)).tenantIds, []);
    assert.equal(stream?.ageMs, Number.POSITIVE_INFINITY);
  });

  it('resumes behind what it has handed out, on a connection of its own', async () => {
    watch();
    const first = await service.next();
    first.send(SNAPSHOT, chunk('s1', true, 'c1'), batch('s2', 'c2'));
    await event('revocations', 2);
    first.end();
    const { reason } = await event('disconnected');
    assert.equal(reason, 'broken');
    const second = await service.next();
    assert.equal(second.request.cursor.toString(), 'c2');
    assert.notEqual(second.peer, first.peer);
    second.send(RESUMED, checkpoint('c3'));
    await event('checkpoint');
    second.refuse(status.UNAVAILABLE, 'STORE_UNAVAILABLE');
    assert.equal((await service.next()).request.cursor.toString(), 'c3');
  });

  it('asks for the snapshot again where it has not come whole', async () => {
    watch();
    const first = await service.next();
    first.send(SNAPSHOT, chunk('s1', false, 'c1'), batch('s2', 'c2'), checkpoint('c3'));
    await event('revocations', 2);
    first.end();
    assert.equal((await service.next()).request.cursor.length, 0);
    assert(!kinds().includes('checkpoint'));
  });

  it('comes back after a share of the time that the service asks for when it closes', async () => {
    watch();
    const first = await service.next();
    first.send(SNAPSHOT, chunk('s1', true, 'c1'), { closing: { retryAfter: msToDuration(300) } });
    first.end();
    const { reason, retryMs } = await event('disconnected');
    assert.equal(reason, 'closing');
    assert(retryMs <= 300 + 100);
    assert.equal((await service.next()).request.cursor.toString(), 'c1');
  });

  it('gives a stream up that falls silent, and its connection', async () => {
    watch();
    const first = await service.next();
    first.send({ opened: { ...SNAPSHOT.opened, heartbeat: msToDuration(250) } }, chunk('s1', true, 'c1'));
    assert.equal((await event('disconnected')).reason, 'silence');
    await first.cancelled;
    const second = await service.next();
    assert.equal(second.request.cursor.toString(), 'c1');
    await until(() => service.connections === 1);
  });

  it('shares no connection with another', async () => {
    watch();
    const first = await service.next();
    const one = stream;
    watch();
    assert.notEqual((await service.next()).peer, first.peer);
    one?.close();
  });

  it('keeps a stream up as long as anything comes', async () => {
    watch();
    const first = await service.next();
    first.send({ opened: { ...SNAPSHOT.opened, heartbeat: msToDuration(250) } });
    const sending = setInterval(() => first.sendBytes(UNKNOWN), 50);
    await sleep(2500);
    clearInterval(sending);
    assert.deepEqual(kinds(), ['opened']);
  });

  it('takes an unknown frame for a sign of life, and nothing else', async () => {
    watch();
    const first = await service.next();
    first.sendBytes(UNKNOWN);
    first.sendBytes(Buffer.alloc(0));
    first.send(SNAPSHOT, checkpoint('c1'));
    await event('opened');
    assert.equal(events.length, 1);
  });

  it('asks for a snapshot where its cursor is refused', async () => {
    watch();
    const first = await service.next();
    first.send(SNAPSHOT, chunk('s1', true, 'c1'));
    await event('snapshot_complete');
    first.end();
    const second = await service.next();
    assert.equal(second.request.cursor.toString(), 'c1');
    second.refuse(status.INVALID_ARGUMENT, 'INVALID_TOKEN_PARAMETER');
    assert.equal((await event('disconnected', 2)).reason, 'cursor_refused');
    assert.equal((await service.next()).request.cursor.length, 0);
  });

  it('ends where the service refuses for good', async () => {
    for (const [code, reason] of [
      [status.INVALID_ARGUMENT, 'INVALID_FIELD'],
      [status.INVALID_ARGUMENT, 'INVALID_TOKEN_PARAMETER'],
      [status.UNIMPLEMENTED, ''],
      [status.PERMISSION_DENIED, 'CALLER_NOT_ALLOWED'],
      [status.UNAUTHENTICATED, 'CALLER_UNKNOWN'],
    ] as const) {
      events = [];
      watch();
      const asked = service.asked;
      (await service.next()).refuse(code, reason);
      const { refusal } = await event('refused');
      assert.deepEqual([refusal.status, refusal.reason], [status[code], reason]);
      assert.equal(refusal.text, `${status[code]}: as the script says`);
      await until(() => service.connections === 0);
      assert.deepEqual([kinds(), service.asked], [['refused'], asked + 1]);
    }
  });

  it('waits as long as the service asks for where it has too many streams', async () => {
    watch();
    (await service.next()).refuse(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 1000);
    const { reason, retryMs } = await event('disconnected');
    assert.equal(reason, 'rate_limited');
    assert(retryMs >= 1000);
    await service.next();
  });

  it('does not wait for ever, whatever the service asks for', async () => {
    watch();
    (await service.next()).refuse(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 1e13);
    const { retryMs } = await event('disconnected');
    assert(retryMs >= 300_000 && retryMs <= 300_000 + 101);
  });

  it('finds a service that comes later, and waits longer and longer at most', async () => {
    const port = await freePort();
    watch(port);
    await event('disconnected', 4);
    for (const [index, { retryMs }] of [await event('disconnected'), await event('disconnected', 4)].entries()) {
      assert(retryMs <= 100 * 2 ** (index * 3) + 1);
    }
    const late = await ScriptedService.start(port);
    (await late.next()).send(RESUMED, checkpoint('c1'));
    await event('checkpoint');
    const count = events.length;
    await late.stop();
    await until(() => events.length > count);
    const again = events[count];
    assert(again?.kind === 'disconnected' && again.retryMs <= 100 + 1);
  });

  it('tells how old the proof is, by the service and by its way', async () => {
    const { ageMs } = watch();
    assert.equal(ageMs, Number.POSITIVE_INFINITY);
    const first = await service.next();
    const now = Date.now();
    first.send(RESUMED, checkpoint('c1', 600_000, now));
    assert.equal((await event('checkpoint')).ageMs, 600_000);
    assert((stream?.ageMs ?? 0) >= 600_000);
    first.send(checkpoint('c2', 60_000, now + 1));
    await event('checkpoint', 2);
    assert((stream?.ageMs ?? Infinity) < 600_000);
    first.send(checkpoint('c3', 0, now - 1_000_000));
    assert((await event('checkpoint', 3)).ageMs >= 1_000_000);
    assert((stream?.ageMs ?? 0) >= 60_000);
    assert((stream?.ageMs ?? Infinity) < 600_000);
  });

  it('begins anew where all comes late', async () => {
    watch();
    const first = await service.next();
    first.send(RESUMED, checkpoint('c0'));
    for (let count = 0; count < 4; count += 1) first.send(checkpoint('late', 0, Date.now() - 600_000));
    assert.equal((await event('disconnected')).reason, 'delay');
    const second = await service.next();
    assert.equal(second.request.cursor.toString(), 'late');
    // Of a server whose clock is behind.
    second.send(RESUMED, checkpoint('c1', 0, Date.now() - 600_000));
    assert.equal((await event('checkpoint', 6)).ageMs, 0);
  });

  it('leaves nothing behind where it is closed: connected, waiting or connecting', async () => {
    const open = () =>
      process
        .getActiveResourcesInfo()
        .filter((name) => name !== 'Immediate')
        .toSorted();
    // Until then the runner has not set its own timer.
    await new Promise(setImmediate);
    const before = open();
    watch();
    const first = await service.next();
    first.send(SNAPSHOT);
    await event('opened');
    stream?.close();
    await first.cancelled;
    await until(() => service.connections === 0);
    watch(await freePort());
    await event('disconnected', 2);
    stream?.close();
    watch().close();
    // By then the one before would have connected too.
    watch();
    await service.next();
    stream?.close();
    const count = events.length;
    await until(() => service.connections === 0);
    await until(() => open().length <= before.length);
    assert.equal(events.length, count);
  });
});

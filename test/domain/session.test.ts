import assert from 'node:assert/strict';
import {
  describedDevice,
  deviceChange,
  type Epoch,
  type Epochs,
  etagOf,
  expireTimeMs,
  type Session,
  statusOf,
  touchIntervalMs,
  UNKNOWN_DEVICE,
  versionOf,
} from '../../src/domain/session.ts';
import { isUuid, newSessionId, siblingSessionId } from '../../src/domain/session_id.ts';

const SESSION: Session = {
  sessionId: '0190a5c0-1234-7abc-8def-0123456789ab',
  tenantId: '',
  userId: 'alice',
  clientId: 'default',
  tokenMode: 'pair',
  createTimeMs: 1000,
  lastActiveTimeMs: 1000,
  idleTimeoutMs: 100,
  absoluteTimeoutMs: 1000,
  absoluteExpireTimeMs: 2000,
  authTimeMs: 1000,
  acr: '',
  amr: [],
  device: UNKNOWN_DEVICE,
  actor: null,
  audiences: ['api'],
  claims: '{}',
  data: '{}',
  version: 1,
  minVersion: 0,
  generations: [1, 2, 3, 4],
  credential: { nonce: '', generation: 1, keyId: 1, spentTimesMs: [], requestId: '', requestHash: '' },
  revocation: null,
};
const NEVER_RAISED: Epochs = [undefined, undefined, undefined, undefined];

function epoch(minGeneration: number, raiseTimeMs: number): Epoch {
  return { minGeneration, raiseTimeMs, reason: 'admin' };
}

describe('a session', () => {
  it('expires at the earlier of its two limits, and an idle timeout of 0 is none', () => {
    assert.equal(expireTimeMs(SESSION), 1100);
    assert.equal(expireTimeMs({ ...SESSION, lastActiveTimeMs: 1950 }), 2000);
    assert.equal(expireTimeMs({ ...SESSION, idleTimeoutMs: 0 }), 2000);
    assert.deepEqual(statusOf(SESSION, NEVER_RAISED, 1099), { state: 'active' });
    assert.deepEqual(statusOf(SESSION, NEVER_RAISED, 1100), { state: 'expired', timeMs: 1100 });
  });

  it('is ended by each of its epochs alone', () => {
    for (const scope of [0, 1, 2, 3]) {
      const at = (minGeneration: number) =>
        NEVER_RAISED.map((none, index) => (index === scope ? epoch(minGeneration, 1050) : none)) as unknown as Epochs;
      assert.deepEqual(statusOf(SESSION, at(scope + 1), 1060), { state: 'active' });
      assert.deepEqual(statusOf(SESSION, at(scope + 2), 1060), { state: 'revoked', timeMs: 1050, reason: 'admin' });
    }
  });

  it('tells what ended it first', () => {
    const revoked: Session = { ...SESSION, revocation: { timeMs: 1040, reason: 'logout' } };
    const raised: Epochs = [epoch(9, 1050), undefined, undefined, epoch(9, 1030)];
    assert.deepEqual(statusOf(revoked, NEVER_RAISED, 5000), { state: 'revoked', timeMs: 1040, reason: 'logout' });
    assert.deepEqual(statusOf(revoked, raised, 5000), { state: 'revoked', timeMs: 1030, reason: 'admin' });
    const late: Epochs = [epoch(9, 1200), undefined, undefined, undefined];
    assert.deepEqual(statusOf(SESSION, late, 5000), { state: 'expired', timeMs: 1100 });
  });

  it('has an etag for each version, and no version for any other text', () => {
    for (const version of [1, 35, 36, 2 ** 40]) assert.equal(versionOf(etagOf({ ...SESSION, version })), version);
    for (const text of ['', 'A', '01', ' 1', '1.5', '-', 'x y']) assert.equal(versionOf(text), -1);
  });

  it('keeps of its device what a request leaves empty', () => {
    const device = { deviceId: 'd', name: 'n', userAgent: 'ua', ipAddress: 'ip' };
    assert.deepEqual(describedDevice(device, null), device);
    assert.deepEqual(describedDevice(device, { ...UNKNOWN_DEVICE, userAgent: 'new' }), { ...device, userAgent: 'new' });
    assert.equal(deviceChange(device, null), null);
    const change = deviceChange(device, { ...UNKNOWN_DEVICE, userAgent: 'new' });
    assert.deepEqual(change, { userAgentChanged: true, ipAddressChanged: false });
  });
});

describe('a session id', () => {
  const bits = (sessionId: string) => sessionId.slice(-4);

  it('is a UUIDv7 whose last 16 bits are its owner’s', () => {
    const ids = Array.from({ length: 50 }, () => newSessionId('acme', 'alice'));
    for (const id of ids) assert(isUuid(id) && id[14] === '7', id);
    assert.equal(new Set(ids).size, 50);
    assert.equal(new Set(ids.map(bits)).size, 1);
    assert.equal(bits(siblingSessionId(ids[0] ?? '')), bits(ids[0] ?? ''));
    assert.notEqual(siblingSessionId(ids[0] ?? ''), ids[0]);
  });

  it('tells tenants and owners apart, and spreads those without an owner', () => {
    const owners = [
      ['acme', 'alice'],
      ['acm', 'ealice'],
      ['', 'alice'],
      ['alice', ''],
    ] as const;
    assert.equal(new Set(owners.map(([tenant, owner]) => bits(newSessionId(tenant, owner)))).size, owners.length);
    const anonymous = Array.from({ length: 50 }, () => bits(newSessionId('acme', '')));
    assert(new Set(anonymous).size > 40);
  });
});

describe('a touch', () => {
  it('is due after half of a short idle timeout, else a session in steady use would expire between two', () => {
    assert.equal(touchIntervalMs({ ...SESSION, idleTimeoutMs: 1000 }, 60), 60);
    assert.equal(touchIntervalMs({ ...SESSION, idleTimeoutMs: 100 }, 60), 50);
  });
});

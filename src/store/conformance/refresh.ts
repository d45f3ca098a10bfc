import assert from 'node:assert/strict';
import type { Device, Session } from '../../domain/session.ts';
import type { EpochScope, RefreshCommand, SessionStore } from '../../domain/store.ts';
import { type Bench, type Cases, type ConformanceHarness, describeCases, inTurn } from './bench.ts';
import {
  begin,
  CLIENT,
  DAY,
  GLOBAL,
  HOUR,
  MINUTE,
  ofKind,
  raiseCommand,
  recordOf,
  refreshCommand,
  revokeCommand,
  rotateCommand,
  TENANT,
  times,
  USER,
} from './commands.ts';
import { assertExpiresAt, follow, leavesUnchanged } from './observe.ts';

export function describeRefresh(harness: ConformanceHarness): void {
  describeCases('refresh', harness, REFRESH);
  describeCases('refresh of what has ended', harness, ENDED);
  describeCases('refresh and the limits of a session', harness, EXPIRY);
}

const TABLET: Device = { deviceId: 'tablet-1', name: 'Tablet', userAgent: 'Browser/2', ipAddress: '192.0.2.2' };

const REFRESH: Cases = {
  'exchanges the current token for the next generation, tagged by the given key': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store);
    clock.ms += HOUR;
    const outcome = ofKind(await store.refresh(refreshCommand(session, { keyId: 7 })), 'rotated');
    const { credential } = outcome.record.session;
    const { nonce, generation } = session.credential;
    assert.deepEqual({ ...credential, nonce, generation: generation + 1, keyId: 7 }, credential);
    assert.deepEqual(outcome.record.session, { ...session, credential, lastActiveTimeMs: outcome.nowMs });
    assert.deepEqual(outcome.record.status, { state: 'active' });
    assert.deepEqual(outcome.previousDevice, session.device);
    assert.deepEqual(await recordOf(store, session), outcome.record);
  },

  'replaces claims and device where they are given, and then raises the version': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const command = refreshCommand(session, { claims: '{"role":"writer"}', device: TABLET });
    const first = ofKind(await store.refresh(command), 'rotated');
    const { claims, device, version } = first.record.session;
    assert.deepEqual([claims, device, version], ['{"role":"writer"}', TABLET, session.version + 1]);
    assert.deepEqual(first.previousDevice, session.device);
    const same = refreshCommand(first.record.session, { claims, device });
    assert.equal(ofKind(await store.refresh(same), 'rotated').record.session.version, version);
  },

  'keeps what the given device leaves empty': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const device = { deviceId: '', name: '', userAgent: 'Browser/9', ipAddress: '' };
    const outcome = ofKind(await store.refresh(refreshCommand(session, { device })), 'rotated');
    assert.deepEqual(outcome.record.session.device, { ...session.device, userAgent: 'Browser/9' });
  },

  'takes one step for 200 racers with one token, who all get the same successor': async ({ openAll }) => {
    const stores = await openAll();
    const [store] = stores;
    const session = await begin(store);
    const outcomes = await Promise.all(times(200, (index) => inTurn(stores, index).refresh(refreshCommand(session))));
    const kinds = outcomes.map((outcome) => outcome.kind);
    assert.equal(kinds.filter((kind) => kind === 'rotated').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'replayed').length, 199);
    const { credential } = (await recordOf(store, session)).session;
    assert.equal(credential.generation, 2);
    for (const outcome of outcomes) assert('record' in outcome);
    for (const outcome of outcomes) {
      if ('record' in outcome) assert.deepEqual(outcome.record.session.credential, credential);
    }
  },

  'accepts a generation ahead of the row, whose own step a failover lost, and goes on from there': async ({ open }) => {
    const store = await open();
    const session = await begin(store);
    const ahead = ofKind(await store.refresh(refreshCommand(session, { generation: 5 })), 'rotated');
    assert.equal(ahead.record.session.credential.generation, 6);
    for (const generation of [1, 2, 3, 4, 5]) {
      const late = ofKind(await store.refresh(refreshCommand(session, { generation })), 'replayed');
      assert.deepEqual(late.record.session.credential, ahead.record.session.credential);
    }
    const far = refreshCommand(session, { generation: 1_000_006 });
    assert.equal(ofKind(await store.refresh(far), 'rotated').record.session.credential.generation, 1_000_007);
  },

  'finds nothing under another nonce, tenant or client, and changes nothing': async ({ open, clock }) => {
    const store = await open();
    const entries = follow(store);
    const first = await begin(store);
    const session = ofKind(await store.refresh(refreshCommand(first)), 'rotated').record.session;
    clock.ms += HOUR;
    const foreign: Partial<RefreshCommand>[] = [
      { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' },
      { tenantIds: ['other'] },
      { tenantIds: [''] },
      { clientId: 'app' },
      { sessionId: '00000000-0000-7000-8000-000000000000' },
    ];
    for (const change of foreign) {
      for (const generation of [1, 2, 3]) {
        const act = () => store.refresh(refreshCommand(session, { generation, ...change }));
        assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'unknown' });
      }
    }
    assert.deepEqual(entries, []);
    ofKind(await store.refresh(refreshCommand(session, { tenantIds: ['acme'], clientId: 'web' })), 'rotated');
  },

  'does not know an opaque session': async ({ open }) => {
    const store = await open();
    const session = await begin(store, { tokenMode: 'opaque' });
    const act = () => store.refresh(refreshCommand(session));
    assert.deepEqual(await leavesUnchanged(store, session, act), { kind: 'unknown' });
  },
};

const raiseBy = (scope: EpochScope) => (store: SessionStore) => store.raise(raiseCommand(scope));

const ENDINGS: Readonly<Record<string, (store: SessionStore, session: Session, bench: Bench) => Promise<unknown>>> = {
  'revoked once it was revoked': (store, session) => store.revoke(revokeCommand(session)),
  'revoked once it was rotated': (store, session) => store.rotate(rotateCommand(session)),
  'revoked once the user logged out everywhere': raiseBy(USER),
  "revoked once its client's minimum was raised": raiseBy(CLIENT),
  "revoked once its tenant's minimum was raised": raiseBy(TENANT),
  'revoked once the global minimum was raised': raiseBy(GLOBAL),
  'expired once it was idle for too long': async (_store, _session, { clock }) => {
    clock.ms += 7 * DAY;
  },
};

const ENDED: Cases = Object.fromEntries(
  Object.entries(ENDINGS).map(([ending, end]) => [
    `tells that it is ${ending}, whatever the generation, and changes nothing`,
    async (bench: Bench) => {
      const store = await bench.open();
      const first = await begin(store);
      const session = ofKind(await store.refresh(refreshCommand(first)), 'rotated').record.session;
      await end(store, session, bench);
      const kind = ending.startsWith('revoked') ? 'revoked' : 'expired';
      for (const generation of [1, 2, 3]) {
        const act = () => store.refresh(refreshCommand(session, { generation }));
        assert.deepEqual(await leavesUnchanged(store, session, act), { kind });
      }
    },
  ]),
);

const EXPIRY: Cases = {
  'slides the idle limit': async ({ open, clock }) => {
    const store = await open();
    let session = await begin(store, { idleTimeoutMs: HOUR });
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 50 * MINUTE;
      session = ofKind(await store.refresh(refreshCommand(session)), 'rotated').record.session;
    }
    await assertExpiresAt(store, clock, session, session.lastActiveTimeMs + HOUR);
    clock.ms += MINUTE;
    assert.deepEqual(await store.refresh(refreshCommand(session)), { kind: 'expired' });
  },

  'never moves the absolute limit, in a thousand steps, and that limit is exact': async ({ open, clock }) => {
    const store = await open();
    let session = await begin(store);
    const { absoluteExpireTimeMs } = session;
    for (let step = 0; step < 1000; step += 1) {
      clock.ms += (29 * DAY) / 1000;
      session = ofKind(await store.refresh(refreshCommand(session)), 'rotated').record.session;
      assert.equal(session.absoluteExpireTimeMs, absoluteExpireTimeMs);
    }
    assert.equal(session.credential.generation, 1001);
    await assertExpiresAt(store, clock, session, absoluteExpireTimeMs);
    clock.ms += MINUTE;
    assert.deepEqual(await store.refresh(refreshCommand(session)), { kind: 'expired' });
  },

  'has no idle limit where that is 0': async ({ open, clock }) => {
    const store = await open();
    const session = await begin(store, { idleTimeoutMs: 0 });
    clock.ms += 29 * DAY;
    ofKind(await store.refresh(refreshCommand(session)), 'rotated');
  },
};

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { ANYONE } from '../../src/access/callers.ts';
import { Identities } from '../../src/grpc/identity.ts';

describe('a client certificate', () => {
  it('counts until it ends, on the connection that it was shown on too', async () => {
    const identities = new Identities(({ kind }) => (kind === 'certificate' ? ANYONE : undefined));
    const untilMs = Date.now() + 3000;
    const certificate = { subjectaltname: 'DNS:login.internal', valid_to: new Date(untilMs).toUTCString() };
    const call = {
      metadata: new Metadata(),
      stream: { session: {} },
      getAuthContext: () => ({ sslPeerCertificate: certificate }),
    };
    assert.equal(identities.callerOf(call), ANYONE);
    await pause(untilMs - Date.now() + 1);
    assert.throws(() => identities.callerOf(call), { code: 'CALLER_UNKNOWN' });
  });
});

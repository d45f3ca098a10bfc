import assert from 'node:assert/strict';
import { loadErrorDetails, loadSessionService } from '../../src/wire/loader.ts';

describe('the loaded contract', () => {
  const definition = loadSessionService();

  it('has the RPCs of the contract', () => {
    assert.deepEqual(Object.keys(definition).toSorted(), [
      'BatchValidateSessions',
      'CreateSession',
      'GetJwks',
      'GetSession',
      'ListSessions',
      'RefreshSession',
      'RevokeSession',
      'RevokeSessions',
      'RotateSession',
      'UpdateSession',
      'ValidateSession',
      'WatchRevocations',
    ]);
    for (const [name, { path, responseStream }] of Object.entries(definition)) {
      assert.equal(path, `/sessionauthority.v1.SessionService/${name}`);
      assert.equal(responseStream, name === 'WatchRevocations');
    }
  });

  it('tells an absent optional field from an empty one', () => {
    const { requestSerialize, requestDeserialize } = definition.UpdateSession;
    assert.equal(requestDeserialize(requestSerialize({})).deviceName, undefined);
    assert.equal(requestDeserialize(requestSerialize({ deviceName: '' })).deviceName, '');
  });

  it('reads 64-bit numbers as numbers and enums as names', () => {
    const { responseSerialize, responseDeserialize } = definition.RevokeSessions;
    assert.equal(responseDeserialize(responseSerialize({ sessionCount: 1_000_000 })).sessionCount, 1_000_000);
    const { tokenMode } = definition.CreateSession.requestDeserialize(Buffer.from([0x28, 2]));
    assert.equal(tokenMode, 'TOKEN_MODE_OPAQUE');
  });

  it('has the details of errors', () => {
    const { status, errorInfo, badRequest } = loadErrorDetails();
    const value = errorInfo.serialize({ reason: 'R', domain: 'd' });
    const { code, details } = status.deserialize(status.serialize({ code: 3, details: [{ type_url: 't', value }] }));
    assert.equal(code, 3);
    assert.equal(errorInfo.deserialize(details[0]?.value as Buffer).reason, 'R');
    const bytes = badRequest.serialize({ fieldViolations: [{ field: 'f', description: 'd' }] });
    assert.equal(badRequest.deserialize(bytes).fieldViolations?.[0]?.field, 'f');
  });
});

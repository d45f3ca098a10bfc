import assert from 'node:assert/strict';
import fc from 'fast-check';
import { durationToMs, msToDuration, msToTimestamp, timestampToMs } from '../../src/wire/time.ts';
import { loadSessionService } from '../../src/wire/loader.ts';

const { CreateSession } = loadSessionService();
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;
const MAX_DURATION_SECONDS = 315_576_000_000;

function timestampOverTheWire(ms: number) {
  const { authTime } = CreateSession.requestDeserialize(
    CreateSession.requestSerialize({ authTime: msToTimestamp(ms) }),
  );
  assert(authTime !== null);
  return authTime;
}

describe('timestamps', () => {
  it('keep their milliseconds over the wire', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN_SECONDS * 1000, max: MAX_SECONDS * 1000 + 999 }), (ms) => {
        const timestamp = timestampOverTheWire(ms);
        assert(timestamp.nanos >= 0 && timestamp.nanos <= 999_000_000);
        assert.equal(timestampToMs(timestamp), ms);
      }),
      { numRuns: 2000 },
    );
  });

  it('are cut to the millisecond that they are in, before 1970 too', () => {
    assert.equal(timestampToMs({ seconds: 1, nanos: 999_999 }), 1000);
    assert.equal(timestampToMs({ seconds: -1, nanos: 999_999_999 }), -1);
    assert.deepEqual(msToTimestamp(-1), { seconds: -1, nanos: 999_000_000 });
    assert.deepEqual(msToTimestamp(0), { seconds: 0, nanos: 0 });
  });

  it('are undefined out of the range of google.protobuf.Timestamp', () => {
    assert.equal(timestampToMs({ seconds: MAX_SECONDS, nanos: 999_999_999 }), MAX_SECONDS * 1000 + 999);
    assert.equal(timestampToMs({ seconds: MIN_SECONDS, nanos: 0 }), MIN_SECONDS * 1000);
    for (const [seconds, nanos] of [
      [MAX_SECONDS + 1, 0],
      [MIN_SECONDS - 1, 0],
      [0, -1],
      [0, 1_000_000_000],
      [2 ** 62, 0],
    ] as const) {
      assert.equal(timestampToMs({ seconds, nanos }), undefined);
    }
  });
});

describe('durations', () => {
  it('keep their milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DURATION_SECONDS * 1000 }), (ms) => {
        const { seconds, nanos } = msToDuration(ms);
        assert.equal(durationToMs({ seconds: Number(seconds), nanos: Number(nanos) }), ms);
      }),
    );
  });

  it('are rounded up, so that a short one is not none', () => {
    assert.equal(durationToMs({ seconds: 0, nanos: 1 }), 1);
    assert.equal(durationToMs({ seconds: 1, nanos: 1_000_001 }), 1002);
    assert.equal(durationToMs({ seconds: 0, nanos: 0 }), 0);
  });

  it('are undefined where negative or out of the range of google.protobuf.Duration', () => {
    assert.equal(durationToMs({ seconds: MAX_DURATION_SECONDS, nanos: 0 }), MAX_DURATION_SECONDS * 1000);
    for (const [seconds, nanos] of [
      [-1, 0],
      [0, -1],
      [-1, 999_999_999],
      [0, 1_000_000_000],
      [MAX_DURATION_SECONDS + 1, 0],
    ] as const) {
      assert.equal(durationToMs({ seconds, nanos }), undefined);
    }
  });
});

import assert from 'node:assert/strict';
import { isNodePastEnd } from '../src/node_versions.ts';

describe('the end of a version of Node', () => {
  const past = (version: string, day: string) => isNodePastEnd(version, new Date(day));

  it('comes when its last day is over', () => {
    assert.equal(past('20.20.2', '2026-04-30T23:59:59Z'), false);
    assert.equal(past('20.20.2', '2026-05-01T00:00:01Z'), true);
    assert.equal(past('22.13.0', '2026-05-01T00:00:01Z'), false);
    assert.equal(past('22.13.0', '2027-05-01T00:00:01Z'), true);
  });

  it('has come for what is older than the table, and for odd lines', () => {
    for (const version of ['18.20.0', '21.7.3', '23.0.0', '25.1.0']) assert.equal(past(version, '2026-01-01'), true);
  });

  it('has not come for what is newer than the table', () => {
    for (const version of ['27.0.0', '28.1.0']) assert.equal(past(version, '2035-01-01'), false);
  });
});

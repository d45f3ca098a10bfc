import assert from 'node:assert/strict';
import { RevocationFeed } from '../../src/revocation/feed.ts';
import { type BreakListener, type EntriesListener, LOG_START, type LogEntry } from '../../src/revocation/log.ts';

/** A log that shows what it is told to, as a follower of a store that failed over may. */
class Log {
  readonly storeId = 'a store';
  readonly partitions = 1;
  onEntries: EntriesListener = () => {};
  onBreak: BreakListener = () => {};

  follow(onEntries: EntriesListener, onBreak: BreakListener): void {
    this.onEntries = onEntries;
    this.onBreak = onBreak;
  }

  freshen(): number {
    return 0;
  }

  after(): Promise<never> {
    return Promise.reject(new Error('nobody reads here'));
  }
}

function entry(position: number, tag: string, previousTag: string): LogEntry {
  return {
    partition: 0,
    position,
    tag,
    previousTag,
    revocation: { scope: { kind: 'key', kid: tag }, discardTimeMs: null, reason: 'admin', revokeTimeMs: 0 },
  };
}

describe('RevocationFeed', () => {
  let log: Log;
  let feed: RevocationFeed;
  const soon = () => Date.now() + 150;

  beforeEach(() => {
    log = new Log();
    feed = new RevocationFeed(log, Date.now);
    log.onEntries([entry(1, 'a', LOG_START.tag), entry(2, 'b', 'a'), entry(3, 'c', 'b')]);
  });

  it('waits for an entry until it has come', async () => {
    for (const [position, tag] of [
      [0, LOG_START.tag],
      [1, 'a'],
      [3, 'c'],
    ] as const) {
      assert.equal(await feed.waitFor({ partition: 0, position, tag }, 0), true);
    }
    const d = { partition: 0, position: 4, tag: 'd' };
    assert.equal(await feed.waitFor(d, soon()), false);
    const waiting = feed.waitFor(d, Date.now() + 30_000);
    log.onEntries([entry(4, 'd', 'c')]);
    assert.equal(await waiting, true);
  });

  it('takes no entry for applied whose place a lost tail has, before it knows better', async () => {
    const x = { partition: 0, position: 2, tag: 'x' };
    assert.equal(await feed.waitFor(x, soon()), false);
    const waiting = feed.waitFor(x, Date.now() + 30_000);
    log.onBreak({ partition: 0, position: 0, tag: LOG_START.tag }, 'truncated');
    log.onEntries([entry(1, 'a', LOG_START.tag), entry(2, 'x', 'a')]);
    assert.equal(await waiting, true);
  });
});

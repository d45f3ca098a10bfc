import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { LogFollower, type LogSource } from '../../src/revocation/follower.ts';
import { LOG_START, type LogEntry, type LogPosition } from '../../src/revocation/log.ts';

/** A log as two servers may show it: one that is read, and one that is fenced. */
class Log {
  entries: readonly LogEntry[] = [];
  fenced: LogPosition | null = null;
  fails = false;

  readonly source: LogSource = {
    partitions: 1,
    pollMs: 10,
    after: async (position, count) => {
      if (this.fails) throw new Error('away');
      const continues = position.position === 0 || this.entries[position.position - 1]?.tag === position.tag;
      const entries = this.entries.slice(continues ? position.position : 0).slice(0, count);
      return { kind: continues ? 'continues' : 'truncated', entries };
    },
    headTag: async () => this.entries.at(-1)?.tag ?? null,
    fencedHeads: async () => [this.fenced ?? this.entries.at(-1) ?? LOG_START],
    heal: async () => {},
  };
}

function chain(...tags: readonly string[]): readonly LogEntry[] {
  return tags.map((tag, index) => ({
    partition: 0,
    position: index + 1,
    tag,
    previousTag: tags[index - 1] ?? LOG_START.tag,
    revocation: { scope: { kind: 'key', kid: tag }, discardTimeMs: null, reason: 'security', revokeTimeMs: 0 },
  }));
}

describe('LogFollower', () => {
  let log: Log;
  let follower: LogFollower;
  let tags: string[];

  beforeEach(() => {
    log = new Log();
    follower = new LogFollower(log.source);
    tags = [];
    follower.follow((entries) => tags.push(...entries.map(({ tag }) => tag)));
  });

  afterEach(() => follower.stop());

  /** Two beats at least. */
  const beats = () => pause(2500);

  async function until(isSo: () => boolean): Promise<void> {
    for (let tries = 0; !isSo(); tries += 1) {
      assert(tries < 500, 'not so in time');
      await pause(10);
    }
  }

  it('is fresh once it has delivered what the fenced head says', async () => {
    log.entries = chain('a', 'b', 'c');
    await until(() => tags.length === 3 && follower.stalenessMs() < 1500);
    assert.deepEqual(tags, ['a', 'b', 'c']);
  });

  it('is not fresh where the fenced head does not arrive: what it reads is of a deposed server', async () => {
    log.entries = chain('a');
    await until(() => follower.stalenessMs() < 1500);
    log.fenced = { partition: 0, position: 7, tag: 'x' };
    await beats();
    assert(follower.stalenessMs() > 1500, `${follower.stalenessMs()} ms`);
  });

  it('is not fresh, and goes on from the low end, where a lost tail was written over', async () => {
    log.entries = chain('a', 'b', 'c');
    await until(() => tags.length === 3 && follower.stalenessMs() < 1500);
    log.entries = chain('a', 'x');
    await until(() => tags.includes('x'));
    assert.deepEqual(tags, ['a', 'b', 'c', 'a', 'x']);
  });

  it('has not delivered what this process appended until it is, though a tail that was lost went further', async () => {
    log.entries = chain('a', 'b', 'c', 'd');
    await until(() => tags.length === 4);
    log.entries = chain('a', 'x');
    await follower.deliverOwn(0, log.entries.slice(1));
    assert.deepEqual(tags, ['a', 'b', 'c', 'd', 'a', 'x']);
  });

  it('is not fresh while nothing can be read', async () => {
    log.entries = chain('a');
    await until(() => follower.stalenessMs() < 1500);
    log.fails = true;
    log.entries = chain('a', 'b');
    for (let hint = 0; hint < 50; hint += 1) {
      follower.hint(0);
      await pause(50);
    }
    assert(follower.stalenessMs() > 1500, `${follower.stalenessMs()} ms`);
    log.fails = false;
    await until(() => tags.includes('b') && follower.stalenessMs() < 1500);
  });
});

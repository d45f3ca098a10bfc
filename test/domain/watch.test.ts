import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from '../../src/domain/caller.ts';
import type { Session } from '../../src/domain/session.ts';
import { Subscription, type Turns } from '../../src/domain/subscription.ts';
import { RevocationWatch } from '../../src/domain/watch.ts';
import { WatchCursors } from '../../src/domain/watch_cursor.ts';
import {
  WatchFilter,
  type WatchFrame,
  WatchFrames,
  type WatchParts,
  type WatchRequest,
} from '../../src/domain/watch_frames.ts';
import type { SessionError } from '../../src/error.ts';
import { RevocationFeed } from '../../src/revocation/feed.ts';
import { LOG_START } from '../../src/revocation/log.ts';
import type { LogPositions } from '../../src/revocation/ring.ts';
import type { Revocation } from '../../src/revocation/revocation.ts';
import { DEFAULT_RULES } from '../../src/store/conformance.ts';
import { begin, DAY, revokeCommand } from '../../src/store/conformance/commands.ts';
import { sweepAll } from '../../src/store/conformance/observe.ts';
import type { EmbeddedStore } from '../../src/store/embedded/store.ts';
import { openMemoryStore } from '../../src/store/memory/store.ts';

const KEY = Buffer.alloc(32, 1);

const ANYONE: Caller = { name: '', tenantIds: null };

/** What a subscriber has got, which takes frames only while it is told to. */
class Inbox {
  readonly frames: WatchFrame[] = [];
  ended: SessionError | null | undefined;
  takes = true;
  wasCutOff = false;
  subscription!: Subscription;

  readonly subscriber = {
    write: (frame: Buffer) => {
      assert.equal(this.ended, undefined, 'nothing comes after the end');
      this.frames.push(frameOf(frame));
      return this.takes;
    },
    end: (reason: SessionError | null) => {
      this.ended = reason;
    },
    cutOff: (reason: SessionError | null) => {
      this.ended = reason;
      this.wasCutOff = true;
    },
  };

  get kinds(): readonly string[] {
    return this.frames.map((frame) => (frame.kind === 'reset' ? `reset ${frame.cause}` : frame.kind));
  }

  get revocations(): readonly Revocation[] {
    return this.frames.flatMap((frame) => ('revocations' in frame ? frame.revocations : []));
  }

  get sessionIds(): readonly string[] {
    return this.revocations.map(({ scope }) => (scope.kind === 'session' ? scope.sessionId : ''));
  }

  /** The last that counts. */
  get cursor(): Buffer {
    const cursors = this.frames.flatMap((frame) => ('cursor' in frame && frame.cursor !== null ? [frame.cursor] : []));
    return cursors.at(-1) ?? assert.fail('there is no cursor yet');
  }

  takeAgain(): void {
    this.takes = true;
    this.subscription.drained();
  }

  async until(isSo: () => boolean): Promise<void> {
    for (let tries = 0; !isSo(); tries += 1) {
      assert(tries < 6000, `it did not come: ${this.kinds.slice(-20).join()}`);
      await pause(5);
    }
  }

  async checkpoint(): Promise<void> {
    const seen = this.frames.length;
    await this.until(() => this.frames.slice(seen).some(({ kind }) => kind === 'checkpoint'));
  }
}

function frameOf(bytes: Buffer): WatchFrame {
  return JSON.parse(bytes.toString(), (_, value: unknown) => {
    const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
    return isBytes ? Buffer.from((value as unknown as { data: number[] }).data) : value;
  }) as WatchFrame;
}

describe('A watch stream', () => {
  const clock = { ms: 0 };
  let store: EmbeddedStore;
  let feed: RevocationFeed;
  let cursors: WatchCursors;
  let watch: RevocationWatch;

  beforeEach(async () => {
    clock.ms = 0;
    store = await openMemoryStore(DEFAULT_RULES, clock);
    serve();
  });
  afterEach(() => watch.close());

  const now = () => Date.now() + clock.ms;

  function serve(): void {
    feed = new RevocationFeed(store, now, 20);
    cursors = new WatchCursors(KEY, store);
    watch = new RevocationWatch(parts());
  }

  function parts(): WatchParts {
    const encode = (frame: WatchFrame) => Buffer.from(JSON.stringify(frame));
    return { feed, cursors, maxStreams: 100, maxStreamsPerCaller: 100, encode, now };
  }

  function open(request: Partial<WatchRequest> = {}, inbox = new Inbox()): Inbox {
    inbox.subscription = watch.open(
      { cursor: Buffer.alloc(0), tenantIds: [], heartbeatMs: 250, ...request },
      ANYONE,
      inbox.subscriber,
    );
    return inbox;
  }

  /** Begun by nobody yet. */
  function subscription(inbox: Inbox, turns: Turns): Subscription {
    return new Subscription(
      { feed, cursors, frames: new WatchFrames(parts()), turns },
      {
        filter: new WatchFilter(null),
        request: { cursor: Buffer.alloc(0), tenantIds: [], heartbeatMs: 250 },
        subscriber: inbox.subscriber,
        held: (work) => work(),
        onOver: () => {},
      },
    );
  }

  async function revoke(count: number, tenantId = 'acme'): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let done = 0; done < count; done += 1) {
      const session: Session = await begin(store, { tenantId });
      await store.revoke(revokeCommand(session));
      ids.push(session.sessionId);
    }
    return ids;
  }

  function assertHas(inbox: Inbox, ids: readonly string[]): void {
    const known = new Set(inbox.sessionIds);
    assert.deepEqual(
      ids.filter((id) => !known.has(id)),
      [],
    );
  }

  it('is read from the store where the ring does not reach back to the cursor', async () => {
    const first = open();
    await first.checkpoint();
    const ids = await revoke(100);
    const second = open({ cursor: first.cursor });
    await first.until(() => first.sessionIds.includes(ids[99] ?? ''));
    const atStart = first.frames.find(({ kind }) => kind === 'checkpoint');
    assert(atStart?.kind === 'checkpoint');
    const third = open({ cursor: atStart.cursor });
    for (const inbox of [second, third]) {
      await inbox.checkpoint();
      assert.deepEqual(inbox.kinds.slice(0, 2), ['opened', 'batch']);
      assert(!inbox.kinds.some((kind) => kind.startsWith('reset')));
    }
    assert.deepEqual(third.sessionIds, ids);
    assert.equal(third.frames[0]?.kind === 'opened' && third.frames[0].start, 'resumed');
  });

  it('is COMPACTED where the log was trimmed beyond the cursor, and goes on from the head after an idle time', async () => {
    const early = open();
    await early.checkpoint();
    const start = early.cursor;
    const ids = await revoke(5);
    const late = open();
    await late.checkpoint();
    clock.ms += DAY;
    await sweepAll(store);
    serve();
    const compacted = open({ cursor: start });
    await compacted.checkpoint();
    assert.deepEqual(compacted.kinds.slice(0, 3), ['opened', 'reset compacted', 'snapshot']);
    const idle = open({ cursor: late.cursor });
    await idle.checkpoint();
    assert.deepEqual(idle.kinds.slice(0, 2), ['opened', 'checkpoint']);
    const more = await revoke(2);
    for (const inbox of [compacted, idle]) {
      await inbox.until(() => inbox.sessionIds.includes(more[1] ?? ''));
      // What is past its discard time is forgotten, and nobody is told of it anew.
      assert.deepEqual(inbox.sessionIds, more);
    }
    assertHas(late, ids);
  });

  it('is TRUNCATED where the log does not hold what the cursor says, or nothing so far on', async () => {
    const [id] = await revoke(3);
    feed.ring.flush();
    const head = feed.ring.heads[0] ?? assert.fail();
    const lost: readonly LogPositions[] = [
      [{ ...head, tag: 'f'.repeat(16) }],
      [{ ...head, position: 1, tag: 'f'.repeat(16) }],
      [{ ...head, position: head.position + 1, tag: 'f'.repeat(16) }],
      [{ ...head, position: 2 ** 52, tag: 'f'.repeat(16) }],
    ];
    for (const positions of lost) {
      const inbox = open({ cursor: cursors.format('', positions) });
      await inbox.checkpoint();
      assert.deepEqual(inbox.kinds.slice(0, 3), ['opened', 'reset truncated', 'snapshot']);
      assertHas(inbox, [id ?? '']);
    }
    await revoke(100);
    const behind = open({ cursor: cursors.format('', [{ ...head, tag: 'f'.repeat(16) }]) });
    await behind.checkpoint();
    assert.deepEqual(behind.kinds.slice(0, 2), ['opened', 'reset truncated']);
  });

  it('is FOREIGN with a cursor of another store', async () => {
    const other = new WatchCursors(Buffer.alloc(32, 2), { storeId: 'another', partitions: 16 });
    const cursor = other.format('', feed.ring.heads);
    const inbox = open({ cursor });
    await inbox.checkpoint();
    assert.deepEqual(inbox.kinds.slice(0, 3), ['opened', 'reset foreign', 'snapshot']);
  });

  it('is LAGGED where its subscriber falls behind the ring, and lacks nothing then', async () => {
    const inbox = open();
    await inbox.checkpoint();
    inbox.takes = false;
    const ids = await revoke(100);
    const before = inbox.frames.length;
    await pause(100);
    // One frame was on its way when it stopped taking more.
    assert(inbox.frames.length <= before + 1);
    inbox.takeAgain();
    await inbox.checkpoint();
    assert(inbox.kinds.includes('reset lagged'), inbox.kinds.join());
    assertHas(inbox, ids);
  });

  it('sends a long snapshot in chunks, whatever its subscriber takes meanwhile and whatever is revoked', async () => {
    const ids = [...(await revoke(1500)), ...(await revoke(1500, 'other'))];
    const inbox = new Inbox();
    inbox.takes = false;
    open({}, inbox);
    const filtered = open({ tenantIds: ['other'] });
    for (let round = 0; round < 40; round += 1) {
      ids.push(...(await revoke(5)));
      inbox.subscription.drained();
      await pause(5);
    }
    inbox.takeAgain();
    await inbox.checkpoint();
    assertHas(inbox, ids);
    const chunks = inbox.frames.flatMap((frame) => (frame.kind === 'snapshot' ? [frame.revocations.length] : []));
    assert(chunks.length > 5 && chunks.every((length) => length <= 512), chunks.join());
    await filtered.checkpoint();
    assert.deepEqual(new Set(filtered.sessionIds), new Set(ids.slice(1500, 3000)));
  });

  it('gives signs of life while its snapshot has to wait', async () => {
    const ids = await revoke(3);
    const inbox = new Inbox();
    inbox.subscription = subscription(inbox, {
      snapshot: (work) => pause(500).then(work),
      read: (work) => work(),
    });
    const ticker = setInterval(() => inbox.subscription.tick({ stalenessMs: 0, asOfMs: 0 }), 50);
    await inbox.subscription.run();
    await inbox.checkpoint();
    clearInterval(ticker);
    const chunks = inbox.frames.flatMap((frame) => (frame.kind === 'snapshot' ? [frame] : []));
    assert(chunks.length > 2 && chunks.some(({ revocations, cursor }) => revocations.length === 0 && cursor === null));
    assert.deepEqual([...inbox.sessionIds].sort(), [...ids].sort());
  });

  it('sends no chunk behind the last of a snapshot, however long it takes to go on', async () => {
    const inbox = new Inbox();
    let hasBegun = false;
    inbox.subscription = subscription(inbox, {
      // What comes meanwhile is more than the ring holds.
      snapshot: async (work) => {
        if (!hasBegun) await revoke(100);
        hasBegun = true;
        return work();
      },
      read: (work) => pause(600).then(work),
    });
    const ticker = setInterval(() => inbox.subscription.tick({ stalenessMs: 0, asOfMs: 0 }), 50);
    await inbox.subscription.run();
    await inbox.checkpoint();
    clearInterval(ticker);
    const last = inbox.frames.findIndex((frame) => frame.kind === 'snapshot' && frame.cursor !== null);
    assert(!inbox.kinds.slice(last + 1).includes('snapshot'), inbox.kinds.join());
  });

  it('is sent nothing while its subscriber takes nothing', async () => {
    const inbox = open();
    await inbox.checkpoint();
    inbox.takes = false;
    await inbox.checkpoint();
    const seen = inbox.frames.length;
    const ids = await revoke(3);
    await pause(600);
    assert.equal(inbox.frames.length, seen);
    inbox.takeAgain();
    await inbox.checkpoint();
    assert.deepEqual(inbox.sessionIds, ids);
  });

  it('tells its subscriber to come back elsewhere when the service stops, and then takes no more', async () => {
    const inbox = open();
    await inbox.checkpoint();
    const blocked = open();
    await blocked.checkpoint();
    blocked.takes = false;
    await blocked.checkpoint();
    watch.close();
    assert.equal(inbox.kinds.at(-1), 'closing');
    assert.notEqual(blocked.kinds.at(-1), 'closing');
    for (const { ended } of [inbox, blocked]) assert.equal(ended, null);
    assert.deepEqual([inbox.wasCutOff, blocked.wasCutOff], [false, true]);
    assert.equal(watch.streams, 0);
    assert.throws(() => open(), { code: 'RATE_LIMITED' });
  });

  it('keeps no more in memory of a frame that is shared than the frame', async () => {
    await revoke(1);
    const filter = new WatchFilter(null);
    const before = [LOG_START];
    const reading = await feed.after(LOG_START, 1);
    assert(reading.kind === 'continues');
    const [entry] = reading.entries;
    assert(entry !== undefined);
    const positions = [{ partition: 0, position: entry.position, tag: entry.tag }];
    const frames = new WatchFrames(parts());
    const batch = { entries: [entry], before, after: positions };
    const frame = frames.ofBatch(1, batch, filter);
    assert(frame !== null && frame === frames.ofBatch(1, batch, filter));
    assert.equal(frame.buffer.byteLength, frame.length);
    assert.deepEqual(frame, frames.ofEntries([entry], filter, positions));
  });

  it('is forgotten when its subscriber goes', async () => {
    const inbox = open();
    await inbox.checkpoint();
    inbox.subscription.close();
    assert.equal(watch.streams, 0);
    const seen = inbox.frames.length;
    await revoke(2);
    await pause(300);
    assert.deepEqual([inbox.frames.length, inbox.ended], [seen, undefined]);
  });

  it('never lacks anything, however subscribers come, stall and go', async () => {
    const acknowledged: (readonly [tenantId: string, id: string])[] = [];
    const subscribers = ['', '', 'a', 'b', 'a'].map((tenantId) => ({ tenantId, inboxes: [] as Inbox[] }));
    const reopen = ({ tenantId, inboxes }: (typeof subscribers)[number]) => {
      const cursor = inboxes.findLast(({ frames }) =>
        frames.some((frame) => 'cursor' in frame && frame.cursor),
      )?.cursor;
      inboxes.at(-1)?.subscription.close();
      inboxes.push(open({ tenantIds: tenantId === '' ? [] : [tenantId], cursor: cursor ?? Buffer.alloc(0) }));
    };
    for (const subscriber of subscribers) reopen(subscriber);
    for (let round = 0; round < 300; round += 1) {
      const tenantId = ['a', 'b'][round % 2] ?? '';
      for (const id of await revoke(Math.floor(Math.random() * 8), tenantId)) acknowledged.push([tenantId, id]);
      const subscriber = subscribers[round % subscribers.length] ?? assert.fail();
      const inbox = subscriber.inboxes.at(-1) ?? assert.fail();
      const dice = Math.random();
      if (dice < 0.2) inbox.takes = false;
      else if (dice < 0.5) inbox.takeAgain();
      else if (dice < 0.7) reopen(subscriber);
      if (dice > 0.9) await pause(5);
    }
    for (const { tenantId, inboxes } of subscribers) {
      inboxes.at(-1)?.takeAgain();
      await inboxes.at(-1)?.checkpoint();
      const got = new Set(inboxes.flatMap(({ sessionIds }) => sessionIds));
      const due = acknowledged.filter(([of]) => tenantId === '' || of === tenantId).map(([, id]) => id);
      assert.deepEqual(got, new Set(due));
    }
  });
});

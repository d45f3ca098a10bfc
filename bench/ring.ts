import { WatchCursors } from '../src/domain/watch_cursor.ts';
import { WatchFilter, WatchFrames } from '../src/domain/watch_frames.ts';
import { encodeWatchFrame } from '../src/grpc/session_service.ts';
import { RevocationFeed } from '../src/revocation/feed.ts';
import { RevocationRing } from '../src/revocation/ring.ts';
import { readConfig } from '../src/config.ts';
import { openMemoryStore } from '../src/store/memory/store.ts';
import { generateMasterKey } from '../src/token/master_key.ts';
import { liveBytes, plain, type Result } from './measure.ts';
import { endlessLog } from './revocations.ts';

const KEPT_ENTRIES = 32_768;

/** What a full ring holds, with the frames that are kept for one filter. */
export async function ring(): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [partitions, perBatch] of [
    [1, 512],
    [1, 1],
    [16, 1],
  ] as const) {
    const title = `full, ${partitions} partition(s), ${perBatch} a batch`;
    const bytes = await memoryOf(partitions, perBatch);
    results.push(plain(title, bytes / 2 ** 20, 'MiB'), plain(`${title}, an entry`, bytes / KEPT_ENTRIES, 'bytes'));
  }
  return results;
}

async function memoryOf(partitions: number, perBatch: number): Promise<number> {
  // What is loaded and compiled at first use does not count.
  await filledRing(partitions, perBatch, perBatch);
  const before = liveBytes();
  const ring = await filledRing(partitions, perBatch, KEPT_ENTRIES);
  const bytes = liveBytes() - before;
  if (ring.batch(ring.next - 1) === undefined) throw new Error('the ring is empty');
  return bytes;
}

async function filledRing(partitions: number, perBatch: number, count: number): Promise<RevocationRing> {
  const frames = await framesOf(partitions);
  const filter = new WatchFilter(null);
  const onBatch = () => {
    const sequence = ring.next - 1;
    const added = ring.batch(sequence);
    if (added !== undefined) frames.ofBatch(sequence, added, filter);
  };
  const ring: RevocationRing = new RevocationRing(partitions, onBatch, KEPT_ENTRIES);
  const log = endlessLog(partitions);
  for (let added = 0; added < count; added += perBatch) {
    ring.add(Array.from({ length: perBatch }, () => log.next().value));
    ring.flush();
  }
  return ring;
}

async function framesOf(partitions: number): Promise<WatchFrames> {
  const store = await openMemoryStore(readConfig({}).rules, { ms: 0 });
  return new WatchFrames({
    feed: new RevocationFeed(store, Date.now),
    cursors: new WatchCursors(generateMasterKey(), { storeId: store.storeId, partitions }),
    maxStreams: 1,
    maxStreamsPerCaller: 1,
    encode: encodeWatchFrame,
    now: Date.now,
  });
}

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Entries that are looked at in one turn of the event loop when they are discarded. */
export const DISCARD_SLICE = 1024;

/** As many entries as there are at the beginning, while others add and delete: there is an end however many they add. */
export function* entriesOf<V>(map: ReadonlyMap<string, V>): Generator<[string, V], undefined> {
  let left = map.size;
  if (left === 0) return;
  for (const entry of map) {
    yield entry;
    left -= 1;
    if (left === 0) return;
  }
}

/** Deletes what has a discard time (ms) before `nowMs`, in slices: others read and change the map meanwhile. */
export async function discardFrom(map: Map<string, { readonly discardTimeMs: number }>, nowMs: number): Promise<void> {
  let seen = 0;
  for (const [key, { discardTimeMs }] of map) {
    if (discardTimeMs < nowMs) map.delete(key);
    seen += 1;
    if (seen % DISCARD_SLICE === 0) await nextTurn();
  }
}

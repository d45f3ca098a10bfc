import assert from 'node:assert/strict';
import type { SessionClient } from '../grpc/client.ts';
import { open, present, range } from '../grpc/expect.ts';
import { fromWire, nameOf } from '../grpc/revocations.ts';
import { type Mark, Subscriber } from '../grpc/subscriber.ts';
import { Watcher } from '../grpc/watcher.ts';
import { Burst } from './burst.ts';
import type { Fleet } from './fleet.ts';

const SUBSCRIBERS = 3;

/** Revocations before the fault, and again after it. */
const REVOCATIONS = 60;

/** Fails unless subscribers miss nothing, whatever `strike` does in the middle of a burst of revocations. */
export async function endure(fleet: Fleet, strike: () => Promise<unknown>): Promise<void> {
  const burst = new Burst(fleet.clients);
  const subscribers = range(SUBSCRIBERS).map(() => new Subscriber(fleet.clients));
  try {
    await burst.go(REVOCATIONS);
    const marks = subscribers.map(({ mark }) => mark);
    await strike();
    await burst.go(REVOCATIONS);
    await burst.stop();
    await burst.assertKnownTo(subscribers);
    await Promise.all(marks.map((mark) => assertGoesOnFrom(mark, fleet.clients(), burst.names)));
    await Promise.all(subscribers.map(({ mark }) => assertResumes(mark, fleet.clients())));
  } finally {
    await Promise.all([burst, ...subscribers].map((each) => each.stop()));
  }
}

/** Every instance has what is missing behind the mark. */
async function assertGoesOnFrom(
  { cursor, seen }: Mark,
  clients: readonly SessionClient[],
  names: readonly string[],
): Promise<void> {
  for (const client of clients) {
    const watcher = new Watcher(client, { cursor });
    await watcher.checkpoint();
    const came = new Set(watcher.revocations.map((wire) => nameOf(fromWire(wire).scope)));
    const missing = names.filter((name) => !seen.has(name) && !came.has(name));
    assert.deepEqual(missing, [], `behind a cursor, ${watcher.kinds.slice(0, 3).join()}`);
    await watcher.close();
  }
}

/** Every instance goes on from the mark with what comes next, and with no snapshot. */
async function assertResumes({ cursor }: Mark, clients: readonly SessionClient[]): Promise<void> {
  for (const client of clients) {
    const watcher = new Watcher(client, { cursor });
    await watcher.checkpoint();
    assert.equal(present(watcher.frames[0]?.opened).start, 'START_RESUMED');
    const { session } = await open(client);
    await client.call('RevokeSession', { session: { sessionId: session.sessionId } });
    await watcher.until(() => watcher.sessionIds.includes(session.sessionId), 'what came next');
    assert(!watcher.kinds.includes('reset'));
    await watcher.close();
  }
}

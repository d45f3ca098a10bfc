import { copiesOn, copySession } from './copying.ts';
import { cost, type Result } from './measure.ts';
import { onStores, type StoreName } from './places.ts';
import { creation, creations, decode, frameOf, RpcBench } from './rpc.ts';

const SESSIONS = 50_000;

/** Frames that are made at once. */
const BATCH = 5_000;

const LEAST_RATIOS: { readonly [S in StoreName]: number | null } = {
  memory: 1 / 4,
  redis: 1 / 3,
  sqlite: null,
  postgres: null,
};

/** What a session takes, its indexes included, beside the message that GetSession gives of it. Each is of a user of its own. */
export function sessionBytes(): Promise<readonly Result[]> {
  return onStores(async (store, storeUrl) => {
    const bench = await RpcBench.start({ storeUrl });
    const copies = await copiesOn(bench);
    try {
      const [answer] = await bench.answers('CreateSession', [creation(userOf(0), 'TOKEN_MODE_OPAQUE')]);
      const sessionId = decode('CreateSession', answer as Uint8Array).session?.sessionId ?? '';
      const handle = { session: { sessionId }, view: 'SESSION_VIEW_FULL' } as const;
      const [encoded] = await bench.answers('GetSession', [frameOf('GetSession', handle)]);
      await copies.settle();
      const before = await copies.bytes();
      // What makes an object in memory decides what it takes.
      if (store === 'memory') await createdByCalls(bench);
      else await copySession(copies, sessionId, SESSIONS, (index) => userOf(index + 1));
      const bytes = ((await copies.bytes()) - before) / SESSIONS;
      const name = `a session, ${store}, beside its protobuf message`;
      return [cost(name, bytes, 'bytes', encoded?.length ?? Number.NaN, LEAST_RATIOS[store])];
    } finally {
      await copies.close();
      await bench.end();
    }
  });
}

async function createdByCalls(bench: RpcBench): Promise<void> {
  for (let count = 0; count < SESSIONS; count += BATCH) {
    const frames = creations(BATCH, 'TOKEN_MODE_OPAQUE');
    await bench.sample(bench.service, 'CreateSession', frames, BATCH);
  }
}

/** As long as those that are counted by fives. */
function userOf(index: number): string {
  return `user ${String(index).padStart(5, '0')}`;
}

import { randomUUID } from 'node:crypto';
import { jsonToStruct } from '../src/wire/struct.ts';
import { range } from '../test/grpc/expect.ts';
import type { Copies } from './copies.ts';
import { copiesOn, copySession } from './copying.ts';
import { cost, type Result } from './measure.ts';
import { onStores, type StoreName } from './places.ts';
import { creation, decode, frameOf, RpcBench } from './rpc.ts';

const SESSIONS = 50_000;

/** Frames that are made at once. */
const BATCH = 5_000;

const LEAST_RATIOS: { readonly [S in StoreName]: number | null } = {
  memory: 1 / 4,
  redis: 1 / 3,
  sqlite: null,
  postgres: null,
};

/** What begins a session of the user. */
const KINDS: Readonly<Record<string, (userId: string) => Uint8Array>> = {
  'a small session': (userId) => creation(userId, 'TOKEN_MODE_OPAQUE'),
  'a session with claims and data': (userId) =>
    frameOf('CreateSession', {
      userId,
      clientId: 'web',
      tokenMode: 'TOKEN_MODE_OPAQUE',
      device: {
        deviceId: randomUUID(),
        name: 'Firefox on Linux',
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
        ipAddress: '192.0.2.7',
      },
      acr: 'urn:mace:incommon:iap:silver',
      amr: ['pwd', 'otp'],
      claims: jsonToStruct({ email: `${userId}@example.com`, roles: ['editor', 'reviewer'] }),
      data: jsonToStruct({ locale: 'en-GB', theme: 'dark', returnTo: '/projects/1742/reviews' }),
    }),
};

/** What a session takes, its indexes included, beside the message that GetSession gives of it; each of a user of its own. */
export function sessionBytes(): Promise<readonly Result[]> {
  return onStores(async (store, storeUrl) => {
    const bench = await RpcBench.start({ storeUrl });
    const copies = await copiesOn(bench);
    const results: Result[] = [];
    try {
      for (const [kind, begin] of Object.entries(KINDS)) {
        const { bytes, encodedBytes } = await measure(store, bench, copies, begin);
        const name = `${kind}, ${store}, beside its protobuf message`;
        results.push(cost(name, bytes, 'bytes', encodedBytes, LEAST_RATIOS[store]));
      }
      return results;
    } finally {
      await copies.close();
      await bench.end();
    }
  });
}

async function measure(
  store: StoreName,
  bench: RpcBench,
  copies: Copies,
  begin: (userId: string) => Uint8Array,
): Promise<{ readonly bytes: number; readonly encodedBytes: number }> {
  const [answer] = await bench.answers('CreateSession', [begin(randomUUID())]);
  const sessionId = decode('CreateSession', answer as Uint8Array).session?.sessionId ?? '';
  const handle = { session: { sessionId }, view: 'SESSION_VIEW_FULL' } as const;
  const [encoded] = await bench.answers('GetSession', [frameOf('GetSession', handle)]);
  await copies.settle();
  const before = await copies.bytes();
  // How an object was made decides what it takes in memory.
  if (store === 'memory') await createByCalls(bench, begin);
  else await copySession(copies, sessionId, SESSIONS, () => randomUUID());
  return { bytes: ((await copies.bytes()) - before) / SESSIONS, encodedBytes: encoded?.length ?? Number.NaN };
}

async function createByCalls(bench: RpcBench, begin: (userId: string) => Uint8Array): Promise<void> {
  for (let count = 0; count < SESSIONS; count += BATCH) {
    const frames = range(BATCH).map(() => begin(randomUUID()));
    await bench.sample(bench.service, 'CreateSession', frames, BATCH);
  }
}

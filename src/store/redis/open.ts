import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { ClockOffset } from '../../domain/store_rules.ts';
import { type Client, untilReady } from './client.ts';
import { reasonOf } from './fault.ts';
import type { Keys } from './keys.ts';
import { evaluate } from './link.ts';
import { list, text } from './rows.ts';
import { SCRIPTS } from './scripts.ts';
import { plain } from './step.ts';

/** How long servers may take to answer at start. */
const START_MS = 5_000;

const OLDEST_VERSION = 7;

/** What identifies a store. */
export interface StoreIdentity {
  readonly storeId: string;
  readonly birthTimeMs: number;
}

/** Checks the servers, and makes the store's metadata where there is none. Throws an error of one line. */
export async function openStore(client: Client, keys: Keys, clock: ClockOffset): Promise<StoreIdentity> {
  await connected(client);
  for (const node of client instanceof Redis ? [client] : client.nodes('master')) await checkServer(node);
  const identity = await identify(client, keys, clock);
  for (const partition of keys.partitions) {
    const made = await evaluate(
      client,
      SCRIPTS.open_partition,
      [partition.state, partition.guard],
      [identity.storeId, String(identity.birthTimeMs), identity.wasMade ? '1' : ''],
    );
    const [storeId] = list(plain(made));
    if (storeId === identity.storeId) continue;
    if (storeId === null) {
      throw new Error(
        'Redis lost a part of the store, and with it revocations: restore it, or remove all keys below REDIS_KEY_PREFIX',
      );
    }
    throw new Error('Redis holds keys of another store below REDIS_KEY_PREFIX: remove them, or choose another prefix');
  }
  if (!identity.wasMade) await identify(client, keys, clock, true);
  return identity;
}

async function connected(client: Client): Promise<void> {
  const stop = new AbortController();
  // It goes on trying, with the same password.
  const refused = new Promise<never>((_, reject) => {
    const onError = (error: Error & { lastNodeError?: Error }) => {
      const { message } = error.lastNodeError ?? error;
      if (!/^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message)) return;
      reject(new Error('Redis refuses the user or the password of STORE_URL'));
    };
    client.on('error', onError);
    stop.signal.addEventListener('abort', () => client.off('error', onError));
  });
  const ready = untilReady(client, performance.now() + START_MS).catch((error: unknown) => {
    throw new Error(`no Redis can be reached by STORE_URL (${reasonOf(error)}): is it running, and is the URL right?`);
  });
  try {
    await Promise.race([ready, refused]);
  } finally {
    stop.abort();
  }
}

async function checkServer(node: Redis): Promise<void> {
  const info = await node.info().catch((error: unknown) => {
    throw new Error(`Redis does not let this user ask for INFO (${reasonOf(error)})`);
  });
  await Promise.all([node.call('ROLE'), node.call('WAIT', '0', '1')]).catch((error: unknown) => {
    throw new Error(`Redis does not let this user ask for ROLE or WAIT (${reasonOf(error)})`);
  });
  const version = /^redis_version:(\d+)/m.exec(info)?.[1] ?? '';
  if (Number(version) < OLDEST_VERSION) throw new Error(`Redis is too old: at least ${OLDEST_VERSION}.0 is needed`);
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === 'noeviction') return;
  throw new Error(
    `Redis may evict sessions and revocations (maxmemory-policy ${policy ?? 'unknown'}): set it to noeviction`,
  );
}

async function identify(
  client: Client,
  keys: Keys,
  clock: ClockOffset,
  areMade = false,
): Promise<StoreIdentity & { readonly wasMade: boolean }> {
  const [first] = keys.partitions;
  if (first === undefined) throw new RangeError('there is no partition');
  // Where a failover lost the metadata alone, the store is still the one that its partitions say.
  const [knownId, knownBirth] = await client.hmget(first.state, 'store', 'birth');
  const args = [
    knownId ?? randomUUID(),
    knownBirth ?? '',
    String(Math.trunc(clock.ms)),
    String(keys.partitions.length),
    areMade ? '1' : '',
  ];
  const made = await evaluate(client, SCRIPTS.open_store, [keys.store], args).catch((error: unknown) => {
    throw new Error(`Redis runs no scripts for this user (${reasonOf(error)}): allow EVAL and EVALSHA`);
  });
  const [storeId = '', birth = '', partitions = ''] = list(made).slice(0, 3).map(text);
  if (Number(partitions) !== keys.partitions.length) {
    throw new Error(`the store has ${partitions} partitions, which never change: set REDIS_PARTITIONS=${partitions}`);
  }
  return { storeId, birthTimeMs: Number(birth), wasMade: list(plain(made))[3] === '1' };
}

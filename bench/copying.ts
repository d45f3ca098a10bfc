import { type Config, readConfig } from '../src/config.ts';
import { newSessionId } from '../src/domain/session_id.ts';
import { openStore } from '../src/store/open.ts';
import { connect } from '../src/store/sqlite/database.ts';
import { KeyRing } from '../src/token/key_ring.ts';
import type { StoredKey } from '../src/token/keys.ts';
import { formatOpaqueToken, type OpaqueToken, parseOpaqueToken } from '../src/token/opaque_token.ts';
import type { Copies } from './copies.ts';
import { MemoryCopies, SqliteCopies } from './copies_embedded.ts';
import { PostgresCopies } from './copies_postgres.ts';
import { RedisCopies } from './copies_redis.ts';
import type { RpcBench } from './rpc.ts';

/** So many at once. */
const BATCH = 10_000;

export async function copiesOn(bench: RpcBench): Promise<Copies> {
  const config = readConfig(bench.env);
  const { STORE_URL: url = '' } = bench.env;
  switch (config.store.kind) {
    case 'memory':
      return new MemoryCopies(bench);
    case 'sqlite':
      return new SqliteCopies(bench, await connect(config.store.path));
    case 'postgres':
      return PostgresCopies.open(url);
    default:
      return RedisCopies.open(url, config.redis);
  }
}

/** Copies the session once for each user in turn; tells the new ids. */
export async function copySession(
  copies: Copies,
  sessionId: string,
  count: number,
  userOf: (index: number) => string,
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - ids.length) }, (_, index) => {
      const userId = userOf(ids.length + index);
      return { sessionId: newSessionId('', userId), userId };
    });
    await copies.add(sessionId, batch);
    ids.push(...batch.map((copy) => copy.sessionId));
  }
  await copies.settle();
  return ids;
}

/** The token of a session's copy, made from that of the session. */
export async function tokensOfCopies(bench: RpcBench): Promise<(token: string, sessionId: string) => string> {
  const config = readConfig(bench.env);
  if (config.masterKey.kind !== 'value') throw new Error('the master key is not known');
  const ring = new KeyRing(config.masterKey.bytes, 0);
  ring.load(await keysOf(bench, config));
  return (token, sessionId) => {
    const prefix = token.slice(0, 4) as OpaqueToken['prefix'];
    const parsed = parseOpaqueToken(prefix, token, (id) => ring.tagKeyById(id));
    const key = parsed === undefined ? undefined : ring.tagKeyById(parsed.keyId);
    if (parsed === undefined || key === undefined) throw new Error('the token is not of this store');
    return formatOpaqueToken({ ...parsed, sessionId }, key);
  };
}

async function keysOf(bench: RpcBench, config: Config): Promise<readonly StoredKey[]> {
  if (config.store.kind === 'memory') return bench.service.process.ask<StoredKey[]>('keys');
  const store = await openStore(config.store, config, { ms: 0 });
  try {
    return await store.keys();
  } finally {
    await store.close();
  }
}

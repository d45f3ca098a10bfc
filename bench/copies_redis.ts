import { Redis } from 'ioredis';
import { newSessionId } from '../src/domain/session_id.ts';
import { keysOf, partitionOf } from '../src/store/redis/keys.ts';
import type { RedisOptions } from '../src/store/redis/location.ts';
import { ROW_FIELDS } from '../src/store/redis/rows.ts';
import type { Copies, Copy } from './copies.ts';

/**
 * KEYS: what the partition's names begin with. ARGV: the packed session, how long it is kept and when it is looked at (ms),
 * then ids of sessions and users in turn.
 */
const ADD = `
local row = cmsgpack.unpack(ARGV[1])
for i = 4, #ARGV, 2 do
  row[${ROW_FIELDS.indexOf('session_id') + 1}], row[${ROW_FIELDS.indexOf('user_id') + 1}] = ARGV[i], ARGV[i + 1]
  local user = KEYS[1] .. 'u:0:' .. ARGV[i + 1]
  redis.call('SET', KEYS[1] .. 's:' .. ARGV[i], cmsgpack.pack(row), 'PX', ARGV[2])
  redis.call('ZADD', user, string.format('%.0f', row[${ROW_FIELDS.indexOf('create_time_ms') + 1}]), ARGV[i])
  redis.call('PEXPIRE', user, ARGV[2])
  redis.call('ZADD', KEYS[1] .. 'a', ARGV[3], ARGV[i])
end`;

/** Few enough for a script's arguments. */
const ADDED_AT_ONCE = 500;

/** Keys of one Redis, which are in src/store/redis/keys.ts. */
export class RedisCopies implements Copies {
  readonly #client: Redis;
  readonly #prefixes: readonly string[];

  private constructor(client: Redis, prefixes: readonly string[]) {
    this.#client = client;
    this.#prefixes = prefixes;
  }

  static async open(url: string, { keyPrefix, partitions }: RedisOptions): Promise<RedisCopies> {
    const keys = keysOf(keyPrefix, partitions).partitions;
    return new RedisCopies(
      new Redis(url),
      keys.map(({ state }) => state.slice(0, -1)),
    );
  }

  async add(sessionId: string, copies: readonly Copy[]) {
    const prefix = this.#prefixOf(sessionId);
    const packed = await this.#client.getBuffer(`${prefix}s:${sessionId}`);
    const keptMs = await this.#client.pttl(`${prefix}s:${sessionId}`);
    const lookedAtMs = await this.#client.zscore(`${prefix}a`, sessionId);
    if (packed === null || lookedAtMs === null) throw new Error('there is no session to copy');
    for (const key of this.#prefixes) {
      const some = copies.filter((copy) => this.#prefixOf(copy.sessionId) === key);
      for (let first = 0; first < some.length; first += ADDED_AT_ONCE) {
        const ids = some.slice(first, first + ADDED_AT_ONCE).flatMap((copy) => [copy.sessionId, copy.userId]);
        await this.#client.eval(ADD, 1, key, packed, keptMs, lookedAtMs, ...ids);
      }
    }
  }

  revive(userId: string) {
    return this.#client.del(`${this.#prefixOf(newSessionId('', userId))}e:u:0:${userId}`);
  }

  settle() {
    return Promise.resolve();
  }

  async bytes(): Promise<number> {
    const info = await this.#client.info('memory');
    return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  }

  close(): void {
    this.#client.disconnect();
  }

  #prefixOf(sessionId: string): string {
    return this.#prefixes[partitionOf(sessionId, this.#prefixes.length)] as string;
  }
}

import { generateMasterKey } from '../../src/token/master_key.ts';
import type { Env } from '../harness.ts';
import { serverUrl } from '../servers/stores.ts';
import { migratedDatabase } from '../store/postgres/database.ts';
import { newPrefix } from '../store/redis/harness.ts';

const MASTER_KEY = generateMasterKey().toString('base64');

/** A new store that several instances share, and how it is removed. */
export const SHARED: Readonly<Record<'postgres' | 'redis', () => Promise<readonly [Env, () => Promise<void>]>>> = {
  postgres: async () => {
    const database = await migratedDatabase();
    return [{ STORE_URL: database.url, MASTER_KEY }, () => database.drop()];
  },
  redis: async () => {
    return [{ STORE_URL: serverUrl('redis'), REDIS_KEY_PREFIX: newPrefix(), MASTER_KEY }, async () => {}];
  },
};

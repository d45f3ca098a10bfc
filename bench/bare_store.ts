import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { readConfig } from '../src/config.ts';
import { openDatabase } from '../src/store/sqlite/database.ts';

/** The least that a process can ask of a store: one value by its key. What ends in a promise does so when it is there. */
export interface BareStore {
  read(): unknown;
  insert(): unknown;
  update(): unknown;
  /** An update that must outlast a failover. */
  updateForGood(): unknown;
  close(): unknown;
}

/** So many keys are read and updated in turn. */
const KEYS = 1000;

const keys = Array.from({ length: KEYS }, () => randomUUID());
let used = 0;
const nextKey = () => keys[used++ % KEYS] as string;

/** @param bytes how large the values are */
export async function openBareStore(url: string, bytes: number): Promise<BareStore> {
  let written = 0;
  // SQLite writes nothing where nothing changes.
  const value = () => String((written += 1)).padEnd(bytes, 'x');
  if (url === 'memory:') return { ...MEMORY };
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length), value);
  return url.startsWith('redis:') ? openRedis(url, value) : openPostgres(url, value);
}

const MEMORY: BareStore = { read() {}, insert() {}, update() {}, updateForGood() {}, close() {} };

async function openSqlite(path: string, value: () => string): Promise<BareStore> {
  const database = await openDatabase(path);
  database.exec('CREATE TABLE bare (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID');
  const insert = database.prepare('INSERT INTO bare VALUES (?, ?)');
  const update = database.prepare('UPDATE bare SET value = ? WHERE key = ?');
  const read = database.prepare('SELECT value FROM bare WHERE key = ?');
  for (const key of keys) insert.run(key, value());
  return {
    read: () => read.get(nextKey()),
    insert: () => insert.run(randomUUID(), value()),
    update: () => update.run(value(), nextKey()),
    updateForGood: () => update.run(value(), nextKey()),
    close: () => database.close(),
  };
}

async function openPostgres(connectionString: string, value: () => string): Promise<BareStore> {
  const pool = new Pool({ connectionString, max: readConfig({ STORE_URL: 'memory:' }).postgres.poolSize });
  await pool.query('DROP TABLE IF EXISTS bare');
  await pool.query('CREATE TABLE bare (key uuid PRIMARY KEY, value text)');
  const insert = (key: string) =>
    pool.query({ name: 'insert', text: 'INSERT INTO bare VALUES ($1, $2)', values: [key, value()] });
  const update = () =>
    pool.query({ name: 'update', text: 'UPDATE bare SET value = $2 WHERE key = $1', values: [nextKey(), value()] });
  for (const key of keys) await insert(key);
  return {
    read: () => pool.query({ name: 'read', text: 'SELECT value FROM bare WHERE key = $1', values: [nextKey()] }),
    insert: () => insert(randomUUID()),
    update,
    updateForGood: update,
    close: () => pool.end(),
  };
}

/** A write of its own, so that a WAIT would have something to wait for, and a look at what it must still find. */
const FENCE = `redis.call('HINCRBY', KEYS[1], 'fence', 1) return redis.call('HGET', KEYS[1], 'head')`;

/** Of a server without replicas there is nothing to wait for. */
async function openRedis(url: string, value: () => string): Promise<BareStore> {
  const client = new Redis(url);
  const fence = (await client.script('LOAD', FENCE)) as string;
  await client.hset('bare:state', 'head', 'tag');
  for (const key of keys) await client.set(`bare:${key}`, value());
  return {
    read: () => client.pipeline().get(`bare:${nextKey()}`).evalsha(fence, 1, 'bare:state').exec(),
    insert: () => client.set(`bare:${randomUUID()}`, value()),
    update: () => client.set(`bare:${nextKey()}`, value()),
    updateForGood: () => client.pipeline().set(`bare:${nextKey()}`, value()).evalsha(fence, 1, 'bare:state').exec(),
    close: () => client.disconnect(),
  };
}

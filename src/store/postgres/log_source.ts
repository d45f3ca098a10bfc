import type { LogSource } from '../../revocation/follower.ts';
import { LOG_START, type LogEntry, type LogPosition, type LogReading, readingFrom } from '../../revocation/log.ts';
import { type Row, toLogEntry } from '../rows.ts';
import { entriesJson } from './commands.ts';
import type { PostgresPool } from './pool.ts';
import { STATEMENTS } from './statements.ts';

/** How soon an instance hears at the latest of what others appended. */
const POLL_MS = 50;

/** The log of a database, which has one partition. */
export function logSourceOf(pool: PostgresPool, rulesText: () => string, instanceId: string): LogSource {
  return {
    partitions: 1,
    pollMs: POLL_MS,
    after: (position, count) => readAfter(pool, position, count),
    headTag: async () => (await pool.run<{ tag: string }>(STATEMENTS.headTag, []))[0]?.tag ?? null,
    fencedHeads: () => fencedHeads(pool, instanceId),
    // A standby that confirms every commit lost nothing; another may have.
    heal: async (_partition, lost) => void (await pool.run(STATEMENTS.heal, [rulesText(), entriesJson(lost)])),
  };
}

/** The entry at the position comes with those behind it, for its tag to be compared. */
async function readAfter(pool: PostgresPool, at: LogPosition, count: number): Promise<LogReading> {
  const { position, tag } = at;
  const [first, ...rest] = await readFrom(pool, position, count + 1);
  if (first?.position === position && first.tag === tag) return { kind: 'continues', entries: rest };
  return readingFrom(at, await readFrom(pool, 0, count));
}

async function readFrom(pool: PostgresPool, position: number, limit: number): Promise<readonly LogEntry[]> {
  const rows = await pool.run<{ entry: Row }>(STATEMENTS.logFrom, [position, limit]);
  return rows.map(({ entry }) => toLogEntry(entry));
}

async function fencedHeads(pool: PostgresPool, instanceId: string): Promise<readonly LogPosition[]> {
  const rows = await pool.run<{ head: Pick<LogPosition, 'position' | 'tag'> }>(STATEMENTS.beat, [instanceId]);
  return rows.map(({ head }) => ({ ...LOG_START, ...head }));
}

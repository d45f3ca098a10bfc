import { randomBytes, randomUUID } from 'node:crypto';
import type { LogEntry } from '../src/revocation/log.ts';
import type { Revocation } from '../src/revocation/revocation.ts';
import { LOG_START } from '../src/revocation/log.ts';

/** A session that ended now, and matters for as long as is given. */
export function endOfSession(sessionId: string, mattersForMs = 3_600_000): Revocation {
  const revokeTimeMs = Date.now();
  return {
    scope: { kind: 'session', tenantId: '', sessionId, minVersion: 0 },
    discardTimeMs: revokeTimeMs + mattersForMs,
    reason: 'logout',
    revokeTimeMs,
  };
}

/** Random ones, each in one piece of memory as those are that a store has read. */
export function sessionIds(count: number): string[] {
  return Array.from({ length: count }, () => inOnePiece(randomUUID()));
}

/** A log of ends of sessions from its first entry on, one a partition in turn; read from it as it goes. */
export function* endlessLog(partitions: number): Generator<LogEntry, never> {
  const tags = Array.from({ length: partitions }, () => LOG_START.tag);
  for (let count = 0; ; count += 1) {
    const partition = count % partitions;
    const previousTag = tags[partition] ?? LOG_START.tag;
    const tag = randomBytes(8).toString('hex');
    tags[partition] = tag;
    const position = Math.floor(count / partitions) + 1;
    yield { partition, position, tag, previousTag, revocation: endOfSession(inOnePiece(randomUUID())) };
  }
}

/** A copy, as it is where it was read from somewhere. */
export function inOnePiece(text: string): string {
  return Buffer.from(text).toString('latin1');
}

// Run by itself under --expose-gc: prints what a RevocationSet holds, in bytes.
import { randomUUID } from 'node:crypto';
import { RevocationSet } from '../../src/revocation/set.ts';

const ENTRIES = 200_000;
const ROUNDS = 50;
const TENANTS = 1000;

const set = new RevocationSet();

function liveBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function end(sessionId: string, tenantId: string, minVersion: number): void {
  const revokeTimeMs = Date.now();
  const scope = { kind: 'session', sessionId, tenantId, minVersion } as const;
  set.apply({ scope, discardTimeMs: revokeTimeMs + 60_000, reason: 'logout', revokeTimeMs });
}

/** Each with a long name, so that one that is never forgotten shows. */
async function tenantsComeAndGo(): Promise<void> {
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    const tenantId = randomUUID().repeat(30);
    const sessionId = randomUUID();
    end(sessionId, tenantId, 1);
    end(sessionId, tenantId, 0);
  }
  await set.discard(Number.POSITIVE_INFINITY);
}

await tenantsComeAndGo();
const empty = liveBytes();
for (let round = 0; round < ROUNDS; round += 1) await tenantsComeAndGo();
const afterTenants = liveBytes() - empty;
for (let entry = 0; entry < ENTRIES; entry += 1) end(randomUUID(), 't1', 0);
const full = liveBytes() - empty;
await set.discard(Number.POSITIVE_INFINITY);
const afterEntries = liveBytes() - empty;
process.stdout.write(JSON.stringify({ perEntry: full / ENTRIES, afterTenants, afterEntries }));

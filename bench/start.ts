import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startService, temporaryFolder } from '../test/harness.ts';
import { median, plain, type Result } from './measure.ts';

const ROUNDS = 5;

/** It has begun all that it does without being asked. */
const IDLE_MS = 3000;

interface Started {
  readonly readyMs: number;
  readonly residentMiB: number;
}

/** The program on SQLite, from its start until /readyz says so, and what it holds when nobody has asked for anything. */
export async function start(): Promise<readonly Result[]> {
  const folder = temporaryFolder();
  // The service, as tests start it, keeps no process waiting.
  const waiting = setInterval(() => {}, IDLE_MS);
  const started: Started[][] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const path = join(folder.path, `sessions-${round}.db`);
      started.push([await startOn(path, 0), await startOn(path, round === 0 ? IDLE_MS : 0)]);
    }
  } finally {
    clearInterval(waiting);
    folder.remove();
  }
  const readyMs = (which: number) => median(started.map((pair) => pair[which]?.readyMs ?? 0));
  return [
    plain('start to ready on SQLite, new database', readyMs(0), 'ms'),
    plain('start to ready on SQLite, database that is there', readyMs(1), 'ms'),
    plain('resident memory when idle', started[0]?.[1]?.residentMiB ?? 0, 'MiB'),
  ];
}

async function startOn(path: string, idleMs: number): Promise<Started> {
  const sinceMs = performance.now();
  const service = await startService({ STORE_URL: `sqlite:${path}` });
  try {
    while (!(await fetch(`http://127.0.0.1:${service.httpPort}/readyz`)).ok) await sleep(1);
    const readyMs = performance.now() - sinceMs;
    await sleep(idleMs);
    return { readyMs, residentMiB: residentMiB(service.pid) };
  } finally {
    await service.end();
  }
}

function residentMiB(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])) / 1024;
}

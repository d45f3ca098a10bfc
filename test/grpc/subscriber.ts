import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { RevocationSet } from '../../src/revocation/set.ts';
import type { SessionClient } from './client.ts';
import { seconds } from './expect.ts';
import { fromWire, nameOf } from './revocations.ts';
import { type Frame, type WireRevocation, Watcher } from './watcher.ts';

const HEARTBEAT_MS = 250;

/** A stream from which nothing comes for this long is given up. */
const SILENCE_MS = 8 * HEARTBEAT_MS;

/** What a stream may end with while instances come and go. */
const EXPECTED_ENDS = ['UNAVAILABLE', 'CANCELLED', 'RESOURCE_EXHAUSTED'];

/** Where a subscriber stood, and what it had been sent by then. */
export interface Mark {
  readonly cursor: Buffer;
  readonly seen: ReadonlySet<string>;
}

/** A subscriber as a client is: it comes back with its last cursor to any instance there is, and merges what it is sent. */
export class Subscriber {
  /** What a verifier would refuse. */
  readonly view = new RevocationSet();
  /** Names of all that it was ever sent. */
  readonly seen = new Set<string>();
  /** How its streams began, and why they were reset. */
  readonly starts: string[] = [];
  readonly resets: string[] = [];
  /** Streams that ended otherwise than they may. */
  readonly faults: unknown[] = [];
  readonly #clients: () => readonly SessionClient[];
  readonly #running: Promise<void>;
  #cursor: Buffer;
  #watcher: Watcher | null = null;
  #isStopped = false;
  #lastFrameMs = 0;
  #checkpoints = 0;
  /** Sessions in the snapshot, and in the batches, since the stream began or was reset. */
  #inSnapshot = new Set<string>();
  #inBatches = new Set<string>();

  constructor(clients: () => readonly SessionClient[], cursor: Buffer = Buffer.alloc(0)) {
    this.#clients = clients;
    this.#cursor = cursor;
    this.#running = this.#run();
  }

  get mark(): Mark {
    return { cursor: this.#cursor, seen: new Set(this.seen) };
  }

  /** Waits until it has been told that nothing is missing, by a checkpoint that comes after this call. */
  async checkpoint(): Promise<void> {
    const seen = this.#checkpoints;
    // The next may have been on its way already.
    await this.#until(() => this.#checkpoints > seen + 1, 'a checkpoint');
  }

  /** Waits until it has been sent all of these. */
  async has(names: readonly string[]): Promise<void> {
    await this.#until(
      () => names.every((name) => this.seen.has(name)),
      () => {
        const missing = names.filter((name) => !this.seen.has(name));
        return `${missing.length} of ${names.length}, ${missing.slice(0, 3).join(', ')}`;
      },
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watcher?.close();
    await this.#running;
    assert.deepEqual(this.faults, []);
  }

  async #run(): Promise<void> {
    for (let turn = Math.floor(Math.random() * 8); !this.#isStopped; turn += 1) {
      const clients = this.#clients();
      const client = clients[turn % clients.length];
      if (client !== undefined) await this.#watch(client);
      await pause(20);
    }
  }

  async #watch(client: SessionClient): Promise<void> {
    const request = { cursor: this.#cursor, heartbeat: seconds(HEARTBEAT_MS / 1000) };
    this.#lastFrameMs = performance.now();
    const watcher = new Watcher(client, request, (frame) => this.#take(frame, watcher.cursor));
    this.#watcher = watcher;
    const silence = setInterval(() => {
      if (performance.now() > this.#lastFrameMs + SILENCE_MS) void watcher.close();
    }, HEARTBEAT_MS);
    const error = await watcher.ended;
    clearInterval(silence);
    if (error !== null && !EXPECTED_ENDS.includes(error.status)) this.faults.push(error);
  }

  #take({ opened, reset, snapshotChunk, batch, checkpoint }: Frame, cursor: Buffer): void {
    this.#lastFrameMs = performance.now();
    if (opened != null || reset != null) {
      this.#inSnapshot = new Set();
      this.#inBatches = new Set();
    }
    if (opened != null) this.starts.push(opened.start);
    if (reset != null) this.resets.push(reset.cause);
    if (snapshotChunk != null) this.#merge(snapshotChunk.revocations, this.#inSnapshot);
    if (batch != null) this.#merge(batch.revocations, this.#inBatches);
    if (checkpoint != null) this.#checkpoints += 1;
    if (cursor.length > 0) this.#cursor = cursor;
  }

  /** A batch may repeat what the snapshot had, for which it was taken while more came; neither repeats itself. */
  #merge(revocations: readonly WireRevocation[], sent: Set<string>): void {
    for (const wire of revocations) {
      const revocation = fromWire(wire);
      const { scope } = revocation;
      const name = nameOf(scope);
      if (scope.kind === 'session') {
        const key = `${name} ${scope.minVersion}`;
        assert(!sent.has(key), `${key} came twice`);
        sent.add(key);
      }
      this.seen.add(name);
      this.view.apply(revocation);
    }
  }

  async #until(isSo: () => boolean, what: string | (() => string)): Promise<void> {
    const lateMs = performance.now() + 45_000;
    while (!isSo()) {
      const late = performance.now() > lateMs;
      if (late) assert.fail(`a subscriber lacks ${typeof what === 'string' ? what : what()}`);
      await pause(20);
    }
  }
}

import assert from 'node:assert/strict';
import { type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { type Request, type Response, RPCS, RpcError, type SessionClient } from './client.ts';

export type Frame = Response<'WatchRevocations'>;
export type WireRevocation = NonNullable<Frame['batch']>['revocations'][number];

/** How long to wait for what must come, on a machine that is busy. */
const PATIENCE_MS = 30_000;

/** A subscriber, which holds the service to the contract with every frame. */
export class Watcher {
  readonly frames: Frame[] = [];
  /** Of snapshots and batches, as they came. */
  readonly revocations: WireRevocation[] = [];
  /** The last that counts; empty before there is one. */
  cursor: Buffer = Buffer.alloc(0);
  /** Why the stream ended; null where with OK. */
  readonly ended: Promise<RpcError | null>;
  readonly #call: ClientReadableStream<Frame>;
  #isOver = false;
  readonly #onFrame: (frame: Frame) => void;
  #isInSnapshot = false;
  #wake: () => void = () => {};

  constructor(
    client: SessionClient,
    request: Request<'WatchRevocations'> = {},
    onFrame: (frame: Frame) => void = () => {},
  ) {
    this.#onFrame = onFrame;
    const { path, requestSerialize, responseDeserialize } = RPCS.WatchRevocations;
    this.#call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, client.metadata);
    this.#call.on('data', (frame: Frame) => this.#take(frame));
    this.ended = new Promise((resolve) => {
      const end = (error: RpcError | null) => {
        this.#isOver = true;
        resolve(error);
        this.#wake();
      };
      this.#call.on('error', (error: ServiceError) => end(new RpcError(error)));
      // An error comes after it.
      this.#call.on('end', () => setImmediate(end, null));
    });
  }

  get kinds(): readonly string[] {
    return this.frames.map(({ frame }) => frame ?? 'none');
  }

  /** Whether nothing was lacking when the last frame came. */
  get isCaughtUp(): boolean {
    return this.frames.at(-1)?.checkpoint !== null && this.frames.at(-1)?.checkpoint !== undefined;
  }

  get sessionIds(): readonly string[] {
    return this.revocations.flatMap(({ session }) => session?.sessionId ?? []);
  }

  /** Waits until this is so; fails where the stream ends before. */
  async until(isSo: () => boolean, what = 'what was waited for'): Promise<void> {
    const lateMs = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (this.#isOver) assert.fail(`the stream ended before ${what}: ${(await this.ended)?.message ?? 'OK'}`);
      assert(performance.now() < lateMs, `${what} did not come; the last frames: ${this.kinds.slice(-9).join()}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 1000);
      });
    }
  }

  /** Waits for a checkpoint that comes after all that was sent till now. */
  async checkpoint(): Promise<NonNullable<Frame['checkpoint']>> {
    const seen = this.frames.length;
    await this.until(() => this.frames.slice(seen).some(({ checkpoint }) => checkpoint != null), 'a checkpoint');
    return this.frames.findLast(({ checkpoint }) => checkpoint != null)?.checkpoint ?? assert.fail();
  }

  /** Stops reading: what comes fills the buffers on the way. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  async close(): Promise<void> {
    this.#call.cancel();
    await this.ended;
  }

  #take(frame: Frame): void {
    const { opened, reset, snapshotChunk, batch, checkpoint } = frame;
    const isFirst = this.frames.length === 0;
    this.frames.push(frame);
    assert.equal(opened != null, isFirst, 'Opened is the first frame, and only that');
    if (opened != null) this.#isInSnapshot = opened.start === 'START_SNAPSHOT';
    if (reset != null) this.#isInSnapshot = true;
    if (snapshotChunk != null) {
      assert(this.#isInSnapshot, 'a chunk comes after Opened(SNAPSHOT) or a Reset');
      assert.equal(snapshotChunk.cursor.length > 0, snapshotChunk.complete);
      this.#isInSnapshot = !snapshotChunk.complete;
      this.revocations.push(...snapshotChunk.revocations);
      if (snapshotChunk.complete) this.cursor = snapshotChunk.cursor;
    }
    if (batch != null || checkpoint != null) assert(!this.#isInSnapshot, 'the snapshot comes whole');
    if (batch != null) this.revocations.push(...batch.revocations);
    const cursor = batch?.cursor ?? checkpoint?.cursor;
    if (cursor !== undefined) {
      assert(cursor.length > 0);
      this.cursor = cursor;
    }
    this.#onFrame(frame);
    this.#wake();
  }
}

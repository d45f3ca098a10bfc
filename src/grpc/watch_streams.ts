import { constants } from 'node:http2';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Caller } from '../domain/caller.ts';
import type { Subscription } from '../domain/subscription.ts';
import type { RevocationWatch } from '../domain/watch.ts';
import type { Subscriber } from '../domain/watch_frames.ts';
import type { SessionError } from '../error.ts';
import type { WatchRevocationsRequest__Output } from '../wire/gen/sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse } from '../wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { toWatchRequest } from './convert_watch.ts';
import { toServiceError } from './status.ts';
import { streamOf } from './stream_of.ts';

type Call = ServerWritableStream<WatchRevocationsRequest__Output, WatchRevocationsResponse>;

/** What one stream may have on its way that its peer has not taken. */
const MAX_QUEUED_BYTES = 128 * 1024;
const MAX_QUEUED_FRAMES = 16;

/** Serves one call; what it throws is the caller's to answer with. `onEnded` is told why the service ended the stream. */
export function serveWatch(
  watch: RevocationWatch,
  call: Call,
  wire: WatchRevocationsRequest__Output,
  caller: Caller,
  onEnded: (subscriberId: string, reason: SessionError) => void,
): void {
  const { subscriberId, ...request } = toWatchRequest(wire);
  const stream = new CallStream(call, subscriberId, onEnded);
  const subscription = watch.open(request, caller, stream);
  stream.subscription = subscription;
  endWithCall(call, subscription);
}

/** A call as the subscriber that it is. */
class CallStream implements Subscriber {
  /** Null until it is open. */
  subscription: Subscription | null = null;
  readonly #call: Call;
  readonly #subscriberId: string;
  readonly #onEnded: (subscriberId: string, reason: SessionError) => void;
  #queuedBytes = 0;
  #queuedFrames = 0;
  #isFull = false;

  constructor(call: Call, subscriberId: string, onEnded: (subscriberId: string, reason: SessionError) => void) {
    this.#call = call;
    this.#subscriberId = subscriberId;
    this.#onEnded = onEnded;
  }

  write(frame: Buffer): boolean {
    this.#queuedBytes += frame.length;
    this.#queuedFrames += 1;
    // Encoded already; see sessionServiceDefinition.
    this.#call.write(frame as unknown as WatchRevocationsResponse, () => this.#onTaken(frame.length));
    this.#isFull = this.#queuedBytes > MAX_QUEUED_BYTES || this.#queuedFrames >= MAX_QUEUED_FRAMES;
    return !this.#isFull;
  }

  end(reason: SessionError | null): void {
    if (reason === null) {
      this.#call.end();
      return;
    }
    this.#onEnded(this.#subscriberId, reason);
    this.#call.emit('error', toServiceError(reason));
  }

  /** A status would wait behind what the peer does not read: it is sent RST_STREAM instead, and what was kept for it is freed. */
  cutOff(reason: SessionError | null): void {
    if (reason !== null) this.#onEnded(this.#subscriberId, reason);
    const stream = streamOf(this.#call);
    if (stream === undefined) this.#call.destroy();
    else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #onTaken(bytes: number): void {
    this.#queuedBytes -= bytes;
    this.#queuedFrames -= 1;
    if (!this.#isFull || this.#queuedBytes > MAX_QUEUED_BYTES / 2 || this.#queuedFrames >= MAX_QUEUED_FRAMES / 2)
      return;
    this.#isFull = false;
    this.subscription?.drained();
  }
}

function endWithCall(call: Call, subscription: Subscription): void {
  const close = () => subscription.close();
  // `finish` may never come.
  call.on('cancelled', close);
  call.on('close', close);
  const stream = streamOf(call);
  // At a deadline the library ends the stream, and may write behind that: it would stay as it is till its connection ends.
  stream?.on('error', () => stream.close(constants.NGHTTP2_CANCEL));
}

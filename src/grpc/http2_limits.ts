import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { peerOf } from '../access/connections.ts';

/** How long a peer may take, from its connection on, to send its settings and acknowledge ours. */
const SETTINGS_TIMEOUT_MS = 10_000;

/** PING and SETTINGS frames that a connection may send at once, and how many more each second. */
const FRAME_BURST = 100;
const FRAMES_PER_SECOND = 2;

/** The sizes of what PING and SETTINGS are answered with (RFC 9113, sections 6.5 and 6.7). */
const PING_ANSWER_BYTES = 17;
const SETTINGS_ANSWER_BYTES = 9;

/**
 * Metadata and the like, as HTTP/2 counts: with 32 bytes for each field. What is beyond is reset with ENHANCE_YOUR_CALM, unread,
 * which is RESOURCE_EXHAUSTED to clients of gRPC.
 */
const MAX_HEADER_LIST_BYTES = 8 * 1024;

/** Requests from this size on are added up while they last: smaller ones the limits of streams and connections bound. */
const LARGE_REQUEST_BYTES = 64 * 1024;

/** What a peer may have sent, over all its connections, of large requests that last. */
const MAX_LARGE_BYTES = 64 * 2 ** 20;

const SWEEP_PERIOD_MS = 1000;

/** Sweeps within which a request must have come. Of a stream of requests no end is to be expected. */
const SWEEPS_FOR_MESSAGE = 10;
const STREAMS_OF_REQUESTS = '/grpc.reflection.';

/** Sweeps after which a stream is reset whose call is answered, while its request has not ended. */
const SWEEPS_FOR_REQUEST = 2;
/** The same for one whose peer does not take what it is sent; watches end such streams sooner, and say why. */
const SWEEPS_FOR_ANSWER = 30;

/**
 * Bounds what a peer of an HTTP/2 server may do beneath the calls: how long it may take over its settings, how many PING
 * and SETTINGS frames it may have answered, how long its headers are, how much there may be of large requests, and how long
 * a stream is kept that nothing moves on.
 *
 * Node and nghttp2 see to the rest by themselves: rapid resets, CONTINUATION floods, empty frames, unread answers to PING.
 * Ends when the server closes.
 */
export function limitHttp2(server: Http2Server): void {
  server.updateSettings({ maxHeaderListSize: MAX_HEADER_LIST_BYTES });
  server.on('session', limitSettingsTime);
  server.on('session', limitFrames);
  const streams = new OpenStreams();
  server.on('stream', (stream, headers) => streams.add(stream, String(headers[constants.HTTP2_HEADER_PATH])));
  const timer = setInterval(() => streams.sweep(), SWEEP_PERIOD_MS);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

function limitSettingsTime(session: ServerHttp2Session): void {
  const timer = setTimeout(() => session.destroy(), SETTINGS_TIMEOUT_MS);
  timer.unref();
  const end = () => {
    clearTimeout(timer);
    // Idle connections are many: nothing of this is kept for one.
    session.off('localSettings', end);
    session.off('close', end);
  };
  // Told when the peer has acknowledged ours, which it sends behind its own.
  session.on('localSettings', end);
  session.on('close', end);
}

function limitFrames(session: ServerHttp2Session): void {
  const frames = new FrameAllowance(session);
  session.on('remoteSettings', () => frames.spend(SETTINGS_ANSWER_BYTES, 'too_many_settings'));
  session.on('ping', () => frames.spend(PING_ANSWER_BYTES, 'too_many_pings'));
}

/**
 * Frames that carry nothing and must be answered. One is free after each time that something was sent to the peer: clients
 * that measure the bandwidth send a PING for what they receive.
 */
class FrameAllowance {
  readonly #session: ServerHttp2Session;
  #left = FRAME_BURST;
  #time = performance.now();
  #answerBytes = 0;
  #otherBytes = 0;

  constructor(session: ServerHttp2Session) {
    this.#session = session;
  }

  /** Ends the connection with that reason where it is one frame too many. */
  spend(answerBytes: number, reason: string): void {
    if (this.#session.destroyed) return;
    this.#answerBytes += answerBytes;
    if (this.#hasSent()) return;
    const now = performance.now();
    this.#left = Math.min(FRAME_BURST, this.#left + ((now - this.#time) / 1000) * FRAMES_PER_SECOND) - 1;
    this.#time = now;
    if (this.#left >= 0) return;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(reason));
    this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Anything but answers to these frames, since it was last asked. */
  #hasSent(): boolean {
    const bytes = this.#session.socket.bytesWritten - this.#answerBytes;
    const hasSent = bytes > this.#otherBytes;
    if (hasSent) this.#otherBytes = bytes;
    return hasSent;
  }
}

/** An open stream. */
interface Open {
  readonly stream: ServerHttp2Stream;
  readonly path: string;
  /** Its place among all. */
  place: number;
  /** Since it began. */
  age: number;
  /** Bytes of the request that have come. */
  received: number;
  /** Whose they were counted as; empty where they were not. */
  peer: string;
  /** Bytes that the peer had not taken at the last sweep. */
  waiting: number;
  /** Since when nothing has moved on, in sweeps. */
  sweeps: number;
}

/**
 * A stream stays open until the peer has ended its request and taken the answer. One that does neither would hold it, what
 * there is to send, and what has come, as long as its connection lasts.
 */
class OpenStreams {
  /**
   * Not a Map: one to which much is added and deleted is copied often, and the copies that are done with, once they are old,
   * keep all that was ever in it until old garbage is collected.
   */
  readonly #open: Open[] = [];
  readonly #largeBytes = new Map<string, number>();
  /** In this turn of the event loop. */
  #begun: Open[] = [];

  add(stream: ServerHttp2Stream, path: string): void {
    const place = this.#open.length;
    const open = { stream, path, place, age: 0, received: 0, peer: '', waiting: 0, sweeps: 0 };
    this.#open.push(open);
    stream.on('close', () => this.#forget(open));
    // Most have come with all that they are.
    if (this.#begun.push(open) === 1) setImmediate(() => this.#look());
  }

  sweep(): void {
    for (const open of this.#open) {
      const { stream } = open;
      const waiting = stream.writableLength;
      const isStill = stream.writableEnded || (waiting > 0 && waiting === open.waiting);
      open.waiting = waiting;
      open.sweeps = isStill ? open.sweeps + 1 : 0;
      open.age += 1;
      // All is sent, and the rest of the request of no use (RFC 9113, section 8.1).
      const isAnswered = stream.writableFinished && !stream.readableEnded;
      if (isAnswered && open.sweeps >= SWEEPS_FOR_REQUEST) stream.close(constants.NGHTTP2_NO_ERROR);
      else if (open.sweeps >= SWEEPS_FOR_ANSWER) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else if (open.age > SWEEPS_FOR_MESSAGE && isUnfinished(open)) refuseLate(stream);
    }
  }

  /** Counts what comes of requests from their second turn of the event loop on. */
  #look(): void {
    for (const open of this.#begun.splice(0)) {
      const { stream } = open;
      // The library reads all but those that it has refused by their headers.
      if (stream.destroyed || stream.readableEnded || stream.readableFlowing === null) continue;
      stream.on('data', (chunk: Buffer) => this.#receive(open, chunk.length));
    }
  }

  #forget(open: Open): void {
    const last = this.#open.pop();
    if (last !== undefined && last !== open) {
      this.#open[open.place] = last;
      last.place = open.place;
    }
    if (open.peer !== '') this.#count(open.peer, -open.received);
  }

  #receive(open: Open, bytes: number): void {
    const { stream } = open;
    open.received += bytes;
    if (open.received < LARGE_REQUEST_BYTES) return;
    const isFirst = open.peer === '';
    if (isFirst) open.peer = peerOf(stream.session?.socket.remoteAddress ?? '') || 'unknown';
    const total = this.#count(open.peer, isFirst ? open.received : bytes);
    if (total > MAX_LARGE_BYTES) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Returns what it comes to. */
  #count(peer: string, bytes: number): number {
    const count = (this.#largeBytes.get(peer) ?? 0) + bytes;
    if (count === 0) this.#largeBytes.delete(peer);
    else this.#largeBytes.set(peer, count);
    return count;
  }
}

function isUnfinished({ stream, path }: Open): boolean {
  return !stream.readableEnded && !stream.headersSent && !path.startsWith(STREAMS_OF_REQUESTS);
}

/** In the place of the library, which waits for the rest. */
function refuseLate(stream: ServerHttp2Stream): void {
  const late = {
    'grpc-status': String(status.DEADLINE_EXCEEDED),
    'grpc-message': 'the request did not come within 10 s',
  };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...late }, { endStream: true });
  // Once the answer is sent. From now on the library takes the stream for cancelled, and does not answer too if the rest comes.
  stream.close(constants.NGHTTP2_NO_ERROR);
}

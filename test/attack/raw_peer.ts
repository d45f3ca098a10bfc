import { connect, type Socket } from 'node:net';
import { ACK, FRAME, frame, PREFACE } from './frames.ts';

/** Another host than the one that the well-behaved client calls from. */
export const ATTACKER = '127.0.0.2';

/** A frame that came. */
export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** How a connection ended. */
export interface Ending {
  /** The code of the error, as ECONNRESET; null where it was closed in peace. */
  readonly error: string | null;
}

/** One end of an HTTP/2 connection that sends what it is told, reads all that comes, and answers SETTINGS and PING. */
export class RawPeer {
  readonly received: Received[] = [];
  readonly ended: Promise<Ending>;
  readonly #socket: Socket;
  #hasSent = false;
  #rest = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    let error: string | null = null;
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      error = cause.code ?? cause.message;
    });
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        resolve({ error });
        this.#wake();
      });
    });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** A connection that has sent nothing yet. */
  static connect(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKER });
    const peer = new RawPeer(socket);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(peer));
      void peer.ended.then(() => resolve(peer));
    });
  }

  /** One that has sent the preface and these settings. */
  static async open(port: number, settings?: Buffer): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    await peer.send(PREFACE, frame(FRAME.settings, 0, 0, settings));
    return peer;
  }

  get hasEnded(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when the system has taken it, or the connection has ended. */
  send(...bytes: readonly Buffer[]): Promise<void> {
    this.#hasSent = true;
    return new Promise((resolve) => {
      void this.ended.then(() => resolve());
      if (this.#socket.destroyed) resolve();
      else this.#socket.write(Buffer.concat(bytes), () => resolve());
    });
  }

  /** The first frame of which that is true, once it comes; undefined where the connection ends without it. */
  async frame(isIt: (frame: Received) => boolean): Promise<Received | undefined> {
    for (;;) {
      const found = this.received.find(isIt);
      if (found !== undefined || this.#socket.destroyed) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Code and text of the GOAWAY that came; undefined where there was none. */
  async goaway(): Promise<{ readonly code: number; readonly text: string } | undefined> {
    const last = await this.frame(({ type }) => type === FRAME.goaway);
    return last && { code: last.payload.readUInt32BE(4), text: last.payload.subarray(8).toString() };
  }

  /** Stops reading, so that what is sent to it stays where it is. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const size = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < size) break;
      const [type = 0, flags = 0] = this.#rest.subarray(3, 5);
      const stream = this.#rest.readUInt32BE(5) & 0x7fffffff;
      const payload = this.#rest.subarray(9, size);
      this.received.push({ type, flags, stream, payload });
      const isQuestion = (type === FRAME.settings || type === FRAME.ping) && (flags & ACK) === 0;
      if (isQuestion && this.#hasSent) void this.send(frame(type, ACK, 0, type === FRAME.ping ? payload : undefined));
      this.#rest = this.#rest.subarray(size);
    }
    this.#wake();
  }
}

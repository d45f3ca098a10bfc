import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The type of an HTTP/2 frame that carries a message (RFC 9113, section 6.1). */
const DATA = 0;

type Side = 'request' | 'reply';

/** A way to a server that can be cut when a message is on it. */
export class TcpProxy {
  readonly port: number;
  /** How many messages were lost on it. */
  lost = 0;
  /** How many answers have passed. */
  answers = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #losing: Side | null = null;

  static async start(targetPort: number): Promise<TcpProxy> {
    const sockets = new Set<Socket>();
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new TcpProxy(server, sockets);
    server.on('connection', (near) => proxy.#join(near, connect(targetPort, '127.0.0.1')));
    return proxy;
  }

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Cuts the connection in place of the next message: a request that the server never sees, or an answer to one it has seen. */
  loseNext(side: Side): void {
    this.#losing = side;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(near: Socket, far: Socket): void {
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    const pass = (to: Socket, side: Side) => {
      const frames = new Frames();
      return (bytes: Buffer) => {
        const isMessage = frames.haveMessage(bytes);
        if (!isMessage || this.#losing !== side) {
          if (isMessage && side === 'reply') this.answers += 1;
          to.write(bytes);
          return;
        }
        this.#losing = null;
        this.lost += 1;
        cut();
      };
    };
    near.on('data', pass(far, 'request'));
    far.on('data', pass(near, 'reply'));
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
  }
}

/** Follows the frames of one direction of a connection (RFC 9113, section 4.1). */
class Frames {
  #held = Buffer.alloc(0);
  /** The client's begins with a preface of 24 bytes. */
  #isFirst = true;

  /** Whether these bytes begin a frame with a message. */
  haveMessage(bytes: Buffer): boolean {
    this.#held = Buffer.concat([this.#held, bytes]);
    if (this.#isFirst && this.#held.length < 24) return false;
    if (this.#isFirst && this.#held.subarray(0, 3).toString() === 'PRI') this.#held = this.#held.subarray(24);
    this.#isFirst = false;
    let found = false;
    while (this.#held.length >= 9) {
      const length = this.#held.readUIntBE(0, 3);
      if (this.#held.length < 9 + length) break;
      found ||= this.#held[3] === DATA && length > 0;
      this.#held = this.#held.subarray(9 + length);
    }
    return found;
  }
}

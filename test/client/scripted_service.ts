import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { Metadata, Server, ServerCredentials, type ServerWritableStream, type status } from '@grpc/grpc-js';
import type { WatchRevocationsRequest__Output } from '../../src/wire/gen/sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse } from '../../src/wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { loadErrorDetails, loadSessionService } from '../../src/wire/loader.ts';
import { msToDuration } from '../../src/wire/time.ts';

const { WatchRevocations } = loadSessionService();
const DETAILS = loadErrorDetails();

type Call = ServerWritableStream<WatchRevocationsRequest__Output, Buffer>;

/** One stream of a subscriber, in the test's hand. */
export class ScriptedStream {
  readonly request: WatchRevocationsRequest__Output;
  /** When the subscriber has given it up. */
  readonly cancelled: Promise<void>;
  /** The subscriber's end of the connection. */
  readonly peer: string;
  readonly metadata: Metadata;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
    this.request = call.request;
    this.peer = call.getPeer();
    this.metadata = call.metadata;
    this.cancelled = new Promise((resolve) => call.once('cancelled', () => resolve()));
  }

  send(...frames: readonly WatchRevocationsResponse[]): void {
    for (const frame of frames) this.sendBytes(WatchRevocations.responseSerialize(frame));
  }

  /** A frame as it is, whether or not it means anything. */
  sendBytes(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  end(): void {
    this.#call.end();
  }

  /** Ends it with a status, and with details where there is a reason. */
  refuse(code: status, reason = '', retryAfterMs = 0): void {
    const metadata = new Metadata();
    if (reason !== '') metadata.set('grpc-status-details-bin', detailsOf(code, reason, retryAfterMs));
    this.#call.emit('error', { code, details: 'as the script says', metadata });
  }
}

/** A gRPC server of WatchRevocations alone, which does what the test says. */
export class ScriptedService {
  readonly port: number;
  readonly #server: Server;
  readonly #front: NetServer;
  readonly #sockets: Set<Socket>;
  readonly #streams: ScriptedStream[];
  #taken = 0;

  /** @param port 0 = any free one */
  static async start(port = 0): Promise<ScriptedService> {
    const streams: ScriptedStream[] = [];
    const server = new Server();
    const watch = { ...WatchRevocations, responseSerialize: (bytes: Buffer) => bytes };
    const handle = (call: Call) => void streams.push(new ScriptedStream(call));
    server.addService({ WatchRevocations: watch }, { WatchRevocations: handle });
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const sockets = new Set<Socket>();
    const front = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      injector.injectConnection(socket);
    });
    await new Promise<void>((resolve) => {
      front.listen(port, '127.0.0.1', resolve);
    });
    return new ScriptedService(server, front, sockets, streams);
  }

  private constructor(server: Server, front: NetServer, sockets: Set<Socket>, streams: ScriptedStream[]) {
    this.#server = server;
    this.#front = front;
    this.#sockets = sockets;
    this.#streams = streams;
    this.port = (front.address() as AddressInfo).port;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How many streams have been asked for. */
  get asked(): number {
    return this.#streams.length;
  }

  /** The next stream that a subscriber asks for, or has asked for. */
  async next(): Promise<ScriptedStream> {
    await until(() => this.#streams.length > this.#taken);
    this.#taken += 1;
    return this.#streams[this.#taken - 1] as ScriptedStream;
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#front.close(resolve);
    });
  }
}

/** Waits for a condition; rejects after 30 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** grpc-status-details-bin, as the service writes it. */
export function detailsOf(code: status, reason: string, retryAfterMs: number): Buffer {
  const info = DETAILS.errorInfo.serialize({ reason, domain: 'sessionauthority' });
  const retry = DETAILS.retryInfo.serialize({ retryDelay: msToDuration(retryAfterMs) });
  const details = [
    { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: info },
    { type_url: 'type.googleapis.com/google.rpc.RetryInfo', value: retry },
  ];
  return DETAILS.status.serialize({ code, message: 'as the script says', details });
}

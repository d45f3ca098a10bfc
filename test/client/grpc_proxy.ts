import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { loadSessionService } from '../../src/wire/loader.ts';
import type { Request, UnaryRpc } from '../grpc/client.ts';

const { WatchRevocations, ValidateSession, GetJwks } = loadSessionService();

const asItIs = (bytes: Buffer) => bytes;

/** The same calls on another port, counted: those that a verifier makes. */
export class GrpcProxy {
  readonly port: number;
  /** Of credentials that were asked about, in their order. */
  readonly asked: string[] = [];
  /** How often the keys were asked for. */
  keyRequests = 0;
  /** How many questions were under way at once, at most. */
  mostAtOnce = 0;
  /** How many streams of revocations there are. */
  streams = 0;
  /** Whether questions are kept, and not passed on. */
  isHanging = false;
  readonly #server: Server;
  readonly #clients: Client[] = [];
  #current: Client;
  #open = 0;

  static async start(targetPort: number): Promise<GrpcProxy> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return new GrpcProxy(server, port, targetPort);
  }

  private constructor(server: Server, port: number, targetPort: number) {
    this.port = port;
    this.#server = server;
    this.#current = this.#connect(targetPort);
    const raw = { requestDeserialize: asItIs, responseSerialize: asItIs };
    server.addService(
      {
        ValidateSession: { ...ValidateSession, responseSerialize: asItIs },
        GetJwks: { ...GetJwks, ...raw },
        WatchRevocations: { ...WatchRevocations, ...raw },
      },
      {
        ValidateSession: (call: ServerUnaryCall<Request<'ValidateSession'>, Buffer>, answer: sendUnaryData<Buffer>) => {
          this.#open += 1;
          this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
          this.asked.push(call.request.accessToken || call.request.sessionToken || '');
          call.once('cancelled', () => (this.#open -= 1));
          if (this.isHanging) return;
          const bytes = ValidateSession.requestSerialize(call.request);
          this.#forward('ValidateSession', bytes, (error, reply) => {
            if (!call.cancelled) this.#open -= 1;
            answer(error, reply);
          });
        },
        GetJwks: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
          this.keyRequests += 1;
          this.#forward('GetJwks', call.request, answer);
        },
        WatchRevocations: (call: ServerWritableStream<Buffer, Buffer>) => this.#stream(call),
      },
    );
  }

  /** Goes on to another server. */
  retarget(port: number): void {
    this.#current = this.#connect(port);
  }

  stop(): void {
    this.#server.forceShutdown();
    for (const client of this.#clients) client.close();
  }

  #connect(port: number): Client {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    return client;
  }

  #forward(rpc: UnaryRpc, bytes: Buffer, answer: sendUnaryData<Buffer>): void {
    const { path } = { ValidateSession, GetJwks }[rpc as 'GetJwks'];
    const deadline = Date.now() + 10_000;
    this.#current.makeUnaryRequest(path, asItIs, asItIs, bytes, { deadline }, (error, reply) => {
      if (error === null && reply !== undefined) answer(null, reply);
      else answer(error ?? { code: status.UNAVAILABLE, details: 'no answer' });
    });
  }

  #stream(call: ServerWritableStream<Buffer, Buffer>): void {
    const upstream = this.#current.makeServerStreamRequest(WatchRevocations.path, asItIs, asItIs, call.request);
    upstream.on('data', (frame: Buffer) => call.write(frame));
    upstream.on('end', () => call.end());
    upstream.on('error', (error) => call.emit('error', error));
    this.streams += 1;
    call.once('cancelled', () => {
      this.streams -= 1;
      upstream.cancel();
    });
  }
}

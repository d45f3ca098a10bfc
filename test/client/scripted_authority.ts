import {
  Metadata,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type status,
} from '@grpc/grpc-js';
import { loadSessionService } from '../../src/wire/loader.ts';
import { type Request, UNARY_RPCS, type UnaryRpc } from '../grpc/client.ts';
import { detailsOf } from './scripted_service.ts';

const DEFINITION = loadSessionService();

/** A call that a client has made, in the test's hand. */
export interface ScriptedCall {
  readonly rpc: UnaryRpc;
  readonly request: Request<UnaryRpc>;
  readonly metadata: Metadata;
  /** Since the epoch. */
  readonly deadlineMs: number;
  /** When the client has given it up. */
  readonly cancelled: Promise<void>;
  answer(response: object): void;
  refuse(code: status, reason?: string, retryAfterMs?: number): void;
}

/** A gRPC server of all unary RPCs, which does what the test says. */
export class ScriptedAuthority {
  readonly port: number;
  /** All that were made, in their order. */
  readonly calls: ScriptedCall[] = [];
  /** What it does with a call. */
  onCall: (call: ScriptedCall) => void = () => {};
  readonly #server: Server;

  static async start(credentials = ServerCredentials.createInsecure(), host = '127.0.0.1'): Promise<ScriptedAuthority> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:0`, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
    return new ScriptedAuthority(server, port);
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    const handle =
      (rpc: UnaryRpc) =>
      (call: ServerUnaryCall<Request<UnaryRpc>, object>, answer: sendUnaryData<object>): void => {
        const scripted: ScriptedCall = {
          rpc,
          request: call.request,
          metadata: call.metadata,
          deadlineMs: Number(call.getDeadline()),
          cancelled: new Promise((resolve) => call.once('cancelled', () => resolve())),
          answer: (response) => answer(null, response),
          refuse: (code, reason = '', retryAfterMs = 0) => {
            const metadata = new Metadata();
            if (reason !== '') metadata.set('grpc-status-details-bin', detailsOf(code, reason, retryAfterMs));
            answer({ code, details: 'as the script says', metadata });
          },
        };
        this.calls.push(scripted);
        this.onCall(scripted);
      };
    server.addService(DEFINITION, Object.fromEntries(UNARY_RPCS.map((rpc) => [rpc, handle(rpc)])));
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

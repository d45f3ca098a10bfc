import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { SessionServiceDefinition } from '../../src/wire/gen/sessionauthority/v1/SessionService.ts';
import { loadErrorDetails, loadSessionService } from '../../src/wire/loader.ts';

type Definition = {
  [K in keyof SessionServiceDefinition as string extends K
    ? never
    : number extends K
      ? never
      : K]: SessionServiceDefinition[K];
};

export type Rpc = keyof Definition;
export type UnaryRpc = Exclude<Rpc, 'WatchRevocations'>;
export type Request<R extends Rpc> = Parameters<Definition[R]['requestSerialize']>[0];
export type Response<R extends Rpc> = ReturnType<Definition[R]['responseDeserialize']>;

/** The definition of every unary RPC. */
export const RPCS = loadSessionService();
export const UNARY_RPCS = Object.keys(RPCS).filter((name) => name !== 'WatchRevocations') as readonly UnaryRpc[];

const DETAILS = loadErrorDetails();

/** A call's refusal, as a caller sees it. */
export class RpcError extends Error {
  /** The status code's name. */
  readonly status: string;
  /** From google.rpc.ErrorInfo; empty where there was none. */
  readonly reason: string;
  readonly domain: string;
  /** From google.rpc.BadRequest. */
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  /** From google.rpc.RetryInfo; NaN where there was none. */
  readonly retryAfterMs: number;
  /** grpc-status-details-bin as it came. */
  readonly detailsBytes: Buffer;
  /** Every trailer and header of the answer but its date, as text. */
  readonly trailers: string;

  constructor(error: ServiceError) {
    super(error.details);
    this.name = 'RpcError';
    this.status = status[error.code] ?? String(error.code);
    const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
    this.detailsBytes = Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
    const { date: _, ...trailers } = error.metadata?.getMap() ?? {};
    this.trailers = JSON.stringify(trailers);
    const details = new Map(
      DETAILS.status.deserialize(this.detailsBytes).details.map((any) => [any.type_url, any.value]),
    );
    const info = DETAILS.errorInfo.deserialize(
      details.get('type.googleapis.com/google.rpc.ErrorInfo') ?? Buffer.alloc(0),
    );
    this.reason = info.reason ?? '';
    this.domain = info.domain ?? '';
    const bad = details.get('type.googleapis.com/google.rpc.BadRequest') ?? Buffer.alloc(0);
    this.violations = (DETAILS.badRequest.deserialize(bad).fieldViolations ?? []).map((violation) => ({
      field: violation.field ?? '',
      description: violation.description ?? '',
    }));
    const retry = details.get('type.googleapis.com/google.rpc.RetryInfo');
    const delay = retry === undefined ? undefined : DETAILS.retryInfo.deserialize(retry).retryDelay;
    this.retryAfterMs = delay == null ? Number.NaN : delay.seconds * 1000 + delay.nanos / 1e6;
  }

  /** Everything that the caller is told. */
  get text(): string {
    return `${this.message}\n${this.detailsBytes.toString('latin1')}\n${this.detailsBytes.toString('utf8')}`;
  }

  get fields(): readonly string[] {
    return this.violations.map(({ field }) => field);
  }
}

/** A client by promises; what is refused rejects with an RpcError. */
export class SessionClient extends Client {
  /** What every call carries. */
  readonly metadata = new Metadata();

  /** @param serviceToken what the caller proves itself by; empty = nothing */
  constructor(port: number, options: ChannelOptions = {}, serviceToken = '', transport = credentials.createInsecure()) {
    super(`127.0.0.1:${port}`, transport, {
      ...options,
      'grpc.max_receive_message_length': 1 << 20,
      // A channel of its own for each client: servers come and go on the same port.
      'grpc.use_local_subchannel_pool': 1,
    });
    if (serviceToken !== '') this.metadata.set('authorization', `Bearer ${serviceToken}`);
  }

  /** Connects; waits for the server to come up. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waitForReady(Date.now() + 30_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Default deadline 30 s. */
  call<R extends UnaryRpc>(rpc: R, request: Request<R>, deadlineMs = 30_000): Promise<Response<R>> {
    const method = RPCS[rpc] as unknown as MethodDefinition<Request<R>, Response<R>>;
    return this.#send(method.path, method.requestSerialize, method.responseDeserialize, request, deadlineMs);
  }

  /** Sends and returns bytes, whatever they mean. */
  raw(rpc: Rpc, request: Buffer): Promise<Buffer> {
    return this.#send(RPCS[rpc].path, same, same, request, 30_000);
  }

  #send<I, O>(
    path: string,
    serialize: (value: I) => Buffer,
    deserialize: (bytes: Buffer) => O,
    request: I,
    deadlineMs: number,
  ): Promise<O> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadlineMs };
      this.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        this.metadata.clone(),
        options,
        (error, response) => {
          if (error !== null) reject(new RpcError(error));
          else resolve(response as O);
        },
      );
    });
  }
}

/** The bytes of a request. */
export function encode<R extends Rpc>(rpc: R, request: Request<R>): Buffer {
  return (RPCS[rpc].requestSerialize as (value: Request<R>) => Buffer)(request);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

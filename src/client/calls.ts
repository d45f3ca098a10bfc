import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, MethodDefinition } from '@grpc/grpc-js';
import type { SessionServiceDefinition } from '../wire/gen/sessionauthority/v1/SessionService.ts';
import { loadSessionService } from '../wire/loader.ts';
import { Balancer } from './balancer.ts';
import { CallError, type Refusal } from './call_error.ts';
import type { CallOptions } from './client_types.ts';
import type { Connector } from './connection.ts';
import type { Named } from './convert_request.ts';
import { errorOf, refusalOf } from './refusal.ts';
import { isInDoubt, mayRepeat, type UnaryRpc } from './repeats.ts';

type WireRequest<R extends UnaryRpc> = Named<Parameters<SessionServiceDefinition[R]['requestSerialize']>[0]>;
type WireResponse<R extends UnaryRpc> = ReturnType<SessionServiceDefinition[R]['responseDeserialize']>;

type Method<R extends UnaryRpc> = MethodDefinition<WireRequest<R>, WireResponse<R>>;

type Outcome<R extends UnaryRpc> =
  | { readonly kind: 'answered'; readonly response: WireResponse<R> }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const DEFAULT_DEADLINE_MS = 5_000;
/** What a timer of Node's can hold. */
const MAX_DEADLINE_MS = 2 ** 31 - 1;

const MAX_ATTEMPTS = 4;

/** Before the second attempt a random share of this passes, doubled from one to the next. */
const BACKOFF_MS = 100;

const METHODS = loadSessionService();

/** A call with all its attempts. */
interface Call {
  /** Aborts at the deadline, by the caller's signal, or when all is closed. */
  readonly controller: AbortController;
  /** Both by performance.now(). */
  readonly beginMs: number;
  readonly endMs: number;
}

/**
 * Makes unary calls, each again where that is safe and of use. The library's own retries would not tell which RPC may be
 * repeated under which conditions, so none is configured; what remains of them sends a request again that surely never
 * reached a server.
 */
export class Calls {
  readonly #connector: Connector;
  readonly #balancer: Balancer;
  readonly #open = new Set<Call>();
  #isClosed = false;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.#balancer = new Balancer(connector);
  }

  /**
   * @throws {SessionError} what the service refuses
   * @throws {CallError} where it does not answer
   * @throws {RangeError} for a deadline that is none
   * @throws {TypeError} for a request that is of another type than declared
   */
  async call<R extends UnaryRpc>(rpc: R, request: WireRequest<R>, options: CallOptions): Promise<WireResponse<R>> {
    const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
    if (!(deadlineMs > 0 && deadlineMs <= MAX_DEADLINE_MS)) throw new RangeError('deadlineMs: not from 1 to 2^31 - 1');
    if (this.#isClosed) throw closedError();
    signal?.throwIfAborted();
    const controller = new AbortController();
    const beginMs = performance.now();
    const call = { controller, beginMs, endMs: beginMs + deadlineMs };
    const timer = setTimeout(() => controller.abort(deadlineError(deadlineMs)), deadlineMs);
    const onAbort = () => controller.abort(signal?.reason);
    if (signal !== undefined) {
      // One that ends a whole program has as many calls as that has.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', onAbort);
    }
    this.#open.add(call);
    try {
      return await this.#attempts(rpc, request, call);
    } finally {
      this.#open.delete(call);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends all calls with a CallError, and all connections. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { controller } of this.#open) controller.abort(closedError());
    this.#balancer.close();
  }

  async #attempts<R extends UnaryRpc>(rpc: R, request: WireRequest<R>, call: Call): Promise<WireResponse<R>> {
    const { signal } = call.controller;
    const method = METHODS[rpc] as unknown as Method<R>;
    const bytes = method.requestSerialize(request);
    let client: Client | null = null;
    let doubt: Error | null = null;
    for (let attempt = 1; ; attempt += 1) {
      client = await this.#balancer.pick(client, signal);
      // It may have been aborted while nobody listened.
      signal.throwIfAborted();
      const outcome = await this.#send(client, method, bytes, call);
      if (outcome.kind === 'answered') return outcome.response;
      const { refusal } = outcome;
      // An attempt before may have been what changed it: that one's outcome is still unknown.
      if (doubt !== null && refusal.reason === 'ETAG_MISMATCH') throw doubt;
      const error = errorOf(refusal);
      if (isInDoubt(refusal)) doubt = error;
      const waitMs = refusal.retryAfterMs + Math.random() * BACKOFF_MS * 2 ** (attempt - 1);
      const nextMs = performance.now() + waitMs;
      if (attempt === MAX_ATTEMPTS || nextMs >= call.endMs) throw error;
      if (!mayRepeat(rpc, request, refusal, nextMs - call.beginMs)) throw error;
      // Where it is aborted, the next attempt throws the reason.
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  #send<R extends UnaryRpc>(
    client: Client,
    { path, responseDeserialize }: Method<R>,
    bytes: Buffer,
    call: Call,
  ): Promise<Outcome<R>> {
    const { signal } = call.controller;
    const options = { deadline: Date.now() + (call.endMs - performance.now()) };
    const metadata = this.#connector.metadata();
    return new Promise((resolve, reject) => {
      const cancel = () => {
        unary.cancel();
        reject(signal.reason as Error);
      };
      const unary = client.makeUnaryRequest(
        path,
        asItIs,
        responseDeserialize,
        bytes,
        metadata,
        options,
        (error, response) => {
          signal.removeEventListener('abort', cancel);
          if (error === null) resolve({ kind: 'answered', response: response as WireResponse<R> });
          else resolve({ kind: 'refused', refusal: refusalOf(error) });
        },
      );
      signal.addEventListener('abort', cancel);
    });
  }
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}

export function closedError(): CallError {
  return new CallError('CANCELLED', 'CANCELLED: the client is closed');
}

function deadlineError(deadlineMs: number): CallError {
  return new CallError('DEADLINE_EXCEEDED', `DEADLINE_EXCEEDED: no answer within ${deadlineMs} ms`);
}

import { readFileSync } from 'node:fs';
import type { Http2Server } from 'node:http2';
import {
  type ConnectionInjector,
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Connections } from '../access/connections.ts';
import type { ConnectionLimits } from '../access/listener_options.ts';
import type { Tls } from '../access/tls.ts';
import { MAX_MESSAGE_BYTES } from '../domain/limits.ts';
import { SessionError } from '../error.ts';
import { DESCRIPTOR_SET_FILE } from '../wire/loader.ts';
import { ReloadedCredentials } from './credentials.ts';
import { Health } from './health.ts';
import { limitHttp2 } from './http2_limits.ts';
import type { IdentifiedCall } from './identity.ts';
import { type Address, listen } from './listening.ts';
import { createReflection } from './reflection.ts';
import { type ServiceParts, sessionServiceDefinition, sessionServiceHandlers } from './session_service.ts';
import { toServiceError } from './status.ts';

const SERVICE_NAME = 'sessionauthority.v1.SessionService';

/** The library's defaults are open; these bound what one peer can hold. */
export const SERVER_OPTIONS: ServerOptions = {
  // What nobody asks for costs each call a part of its time.
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': 1000,
  'grpc-node.max_session_memory': 64,
  'grpc.max_connection_idle_ms': 10 * 60_000,
  'grpc.max_connection_age_ms': 60 * 60_000,
  'grpc.max_connection_age_grace_ms': 60_000,
  // A peer that has vanished is noticed within the two together, and its streams end.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/** How the listener meets its peers. */
export interface GrpcTransport {
  readonly address: Address;
  /** Null = plain text. */
  readonly tls: Tls | null;
  readonly connections: ConnectionLimits;
}

/** A listener that serves the contract, grpc.health.v1 and server reflection. */
export interface GrpcListener {
  /** The port that was bound. */
  readonly port: number;
  /** Answers NOT_SERVING at once, lets calls in progress end, and cuts off what is left at the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

/** Binds the address (port 0 = any free one) and serves. */
export async function startGrpcListener(transport: GrpcTransport, service: ServiceParts): Promise<GrpcListener> {
  // The library prints lines of its own beside the log; all that matters in them is thrown or answered too.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(SERVER_OPTIONS);
  server.addService(sessionServiceDefinition(), sessionServiceHandlers(service));
  const health = new Health({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  const streams = new OpenStreams(server);
  health.addToServer(streams);
  createReflection(readFileSync(DESCRIPTOR_SET_FILE)).addToServer(
    new OpenStreams(server, streams.calls, refuseUnknown(service)),
  );
  const connections = new Connections(transport.connections);
  const injector = limitedInjector(server, transport.tls);
  // Counted before anything is done for them, TLS least of all.
  const listening = await listen(transport.address, (socket) => {
    if (connections.admit(socket)) injector.injectConnection(socket);
  });
  return {
    port: listening.port,
    stop: async (deadlineMs) => {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE_NAME, 'NOT_SERVING');
      service.watch.close();
      streams.end();
      listening.close();
      await shutDown(server, deadlineMs);
      // The library knows nothing of those in the middle of a TLS handshake.
      connections.destroy();
    },
  };
}

/** Takes connections for the server, within limits of HTTP/2 that the library has no options for. */
function limitedInjector(server: Server, tls: Tls | null): ConnectionInjector {
  const injector = server.createConnectionInjector(
    tls === null ? ServerCredentials.createInsecure() : new ReloadedCredentials(tls),
  );
  // Private, but the only way to the sessions of HTTP/2: a compiler of types and test/attack notice when it goes.
  const http2Servers = server['http2Servers'] as ReadonlyMap<Http2Server, unknown>;
  for (const http2Server of http2Servers.keys()) limitHttp2(http2Server);
  return injector;
}

/** The part of a call on a server stream that matters here. */
interface StreamCall extends IdentifiedCall {
  getPeer(): string;
  emit(event: 'error', status: ReturnType<typeof toServiceError>): boolean;
  end(): void;
  once(event: 'close' | 'cancelled', listener: () => void): void;
}

/** Adds a library's services to a server and ends their open streams, without which it never shuts down. */
class OpenStreams {
  readonly #server: Server;
  readonly #calls: Set<StreamCall>;
  readonly #refuse: (call: StreamCall, method: string) => boolean;

  /** @param refuse ends a call and returns true where it is not to be served */
  constructor(
    server: Server,
    calls = new Set<StreamCall>(),
    refuse: (call: StreamCall, method: string) => boolean = () => false,
  ) {
    this.#server = server;
    this.#calls = calls;
    this.#refuse = refuse;
  }

  get calls(): Set<StreamCall> {
    return this.#calls;
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const tracked = Object.entries(definition)
      .filter(([, { responseStream }]) => responseStream)
      .map(([method, { originalName }]) => {
        const name = originalName !== undefined && originalName in implementation ? originalName : method;
        return [name, this.#track(method, implementation[name] as (call: StreamCall) => void)] as const;
      });
    this.#server.addService(definition, { ...implementation, ...Object.fromEntries(tracked) });
  }

  end(): void {
    for (const call of this.#calls) call.end();
  }

  #track(method: string, handle: (call: StreamCall) => void): UntypedHandleCall {
    const run = (call: StreamCall) => {
      if (this.#refuse(call, method)) return;
      this.#calls.add(call);
      for (const event of ['close', 'cancelled'] as const) call.once(event, () => this.#calls.delete(call));
      handle(call);
    };
    return run as UntypedHandleCall;
  }
}

/** Ends a call of nobody known; its denial is recorded as that of any RPC. */
function refuseUnknown({ identities, audit }: ServiceParts): (call: StreamCall, method: string) => boolean {
  return (call, rpc) => {
    try {
      identities.callerOf(call);
      return false;
    } catch (thrown) {
      const error = SessionError.from(thrown);
      audit({ action: 'denied', caller: '', tenantId: '', rpc, peer: call.getPeer(), reason: error.code });
      call.emit('error', toServiceError(error));
      return true;
    }
  };
}

function shutDown(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, deadlineMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

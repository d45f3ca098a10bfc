import { readFileSync } from 'node:fs';
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { MAX_MESSAGE_BYTES } from '../domain/limits.ts';
import { DESCRIPTOR_SET_FILE } from '../wire/loader.ts';
import { createReflection } from './reflection.ts';
import { type ServiceParts, sessionServiceDefinition, sessionServiceHandlers } from './session_service.ts';

const SERVICE_NAME = 'sessionauthority.v1.SessionService';

/** The library's defaults are open; these bound what one peer can hold. */
const OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': 1000,
  'grpc-node.max_session_memory': 64,
  'grpc.max_connection_idle_ms': 10 * 60_000,
  'grpc.max_connection_age_ms': 60 * 60_000,
  'grpc.max_connection_age_grace_ms': 60_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** A listener that serves the contract, grpc.health.v1 and server reflection. */
export interface GrpcListener {
  /** The port that was bound. */
  readonly port: number;
  /** Answers NOT_SERVING at once, lets calls in progress end, and cuts off what is left at the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

/** Binds `address` (`host:port`, port 0 = any free one) and serves. */
export async function startGrpcListener(address: string, service: ServiceParts): Promise<GrpcListener> {
  const server = new Server(OPTIONS);
  server.addService(sessionServiceDefinition(), sessionServiceHandlers(service));
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  createReflection(readFileSync(DESCRIPTOR_SET_FILE)).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    stop: async (deadlineMs) => {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE_NAME, 'NOT_SERVING');
      await shutDown(server, deadlineMs);
    },
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

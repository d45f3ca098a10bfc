import { fileURLToPath } from 'node:url';
import protoLoader from '@grpc/proto-loader';
import type { MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
import type { BadRequest } from './gen/google/rpc/BadRequest.ts';
import type { ErrorInfo } from './gen/google/rpc/ErrorInfo.ts';
import type { RetryInfo, RetryInfo__Output } from './gen/google/rpc/RetryInfo.ts';
import type { Status, Status__Output } from './gen/google/rpc/Status.ts';
import type { SessionServiceDefinition } from './gen/sessionauthority/v1/SessionService.ts';

/** How messages look in this program; the generated types are made with the same options. */
export const LOADER_OPTIONS = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

const PROTO_FOLDER = fileURLToPath(import.meta.resolve('#root/proto'));

/** The contract's files with all that they import, for server reflection. */
export const DESCRIPTOR_SET_FILE = fileURLToPath(import.meta.resolve('#root/proto/descriptor_set.binpb'));

/** The contract, as grpc-js takes it. */
export function loadSessionService(): SessionServiceDefinition {
  const definition = load('sessionauthority/v1/session_service.proto')['sessionauthority.v1.SessionService'];
  return definition as unknown as SessionServiceDefinition;
}

/** Serializers of the messages that describe an error (google.rpc). */
export interface ErrorDetailTypes {
  readonly status: MessageTypeDefinition<Status, Status__Output>;
  readonly errorInfo: MessageTypeDefinition<ErrorInfo, ErrorInfo>;
  readonly badRequest: MessageTypeDefinition<BadRequest, BadRequest>;
  readonly retryInfo: MessageTypeDefinition<RetryInfo, RetryInfo__Output>;
}

export function loadErrorDetails(): ErrorDetailTypes {
  const definition = load('google/rpc/status.proto', 'google/rpc/error_details.proto');
  return {
    status: definition['google.rpc.Status'] as unknown as ErrorDetailTypes['status'],
    errorInfo: definition['google.rpc.ErrorInfo'] as unknown as ErrorDetailTypes['errorInfo'],
    badRequest: definition['google.rpc.BadRequest'] as unknown as ErrorDetailTypes['badRequest'],
    retryInfo: definition['google.rpc.RetryInfo'] as unknown as ErrorDetailTypes['retryInfo'],
  };
}

function load(...files: string[]): PackageDefinition {
  return protoLoader.loadSync(files, { ...LOADER_OPTIONS, includeDirs: [PROTO_FOLDER] });
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BatchValidateSessionsRequest as _sessionauthority_v1_BatchValidateSessionsRequest, BatchValidateSessionsRequest__Output as _sessionauthority_v1_BatchValidateSessionsRequest__Output } from '../../sessionauthority/v1/BatchValidateSessionsRequest.ts';
import type { BatchValidateSessionsResponse as _sessionauthority_v1_BatchValidateSessionsResponse, BatchValidateSessionsResponse__Output as _sessionauthority_v1_BatchValidateSessionsResponse__Output } from '../../sessionauthority/v1/BatchValidateSessionsResponse.ts';
import type { CreateSessionRequest as _sessionauthority_v1_CreateSessionRequest, CreateSessionRequest__Output as _sessionauthority_v1_CreateSessionRequest__Output } from '../../sessionauthority/v1/CreateSessionRequest.ts';
import type { CreateSessionResponse as _sessionauthority_v1_CreateSessionResponse, CreateSessionResponse__Output as _sessionauthority_v1_CreateSessionResponse__Output } from '../../sessionauthority/v1/CreateSessionResponse.ts';
import type { GetJwksRequest as _sessionauthority_v1_GetJwksRequest, GetJwksRequest__Output as _sessionauthority_v1_GetJwksRequest__Output } from '../../sessionauthority/v1/GetJwksRequest.ts';
import type { GetJwksResponse as _sessionauthority_v1_GetJwksResponse, GetJwksResponse__Output as _sessionauthority_v1_GetJwksResponse__Output } from '../../sessionauthority/v1/GetJwksResponse.ts';
import type { GetSessionRequest as _sessionauthority_v1_GetSessionRequest, GetSessionRequest__Output as _sessionauthority_v1_GetSessionRequest__Output } from '../../sessionauthority/v1/GetSessionRequest.ts';
import type { GetSessionResponse as _sessionauthority_v1_GetSessionResponse, GetSessionResponse__Output as _sessionauthority_v1_GetSessionResponse__Output } from '../../sessionauthority/v1/GetSessionResponse.ts';
import type { ListSessionsRequest as _sessionauthority_v1_ListSessionsRequest, ListSessionsRequest__Output as _sessionauthority_v1_ListSessionsRequest__Output } from '../../sessionauthority/v1/ListSessionsRequest.ts';
import type { ListSessionsResponse as _sessionauthority_v1_ListSessionsResponse, ListSessionsResponse__Output as _sessionauthority_v1_ListSessionsResponse__Output } from '../../sessionauthority/v1/ListSessionsResponse.ts';
import type { RefreshSessionRequest as _sessionauthority_v1_RefreshSessionRequest, RefreshSessionRequest__Output as _sessionauthority_v1_RefreshSessionRequest__Output } from '../../sessionauthority/v1/RefreshSessionRequest.ts';
import type { RefreshSessionResponse as _sessionauthority_v1_RefreshSessionResponse, RefreshSessionResponse__Output as _sessionauthority_v1_RefreshSessionResponse__Output } from '../../sessionauthority/v1/RefreshSessionResponse.ts';
import type { RevokeSessionRequest as _sessionauthority_v1_RevokeSessionRequest, RevokeSessionRequest__Output as _sessionauthority_v1_RevokeSessionRequest__Output } from '../../sessionauthority/v1/RevokeSessionRequest.ts';
import type { RevokeSessionResponse as _sessionauthority_v1_RevokeSessionResponse, RevokeSessionResponse__Output as _sessionauthority_v1_RevokeSessionResponse__Output } from '../../sessionauthority/v1/RevokeSessionResponse.ts';
import type { RevokeSessionsRequest as _sessionauthority_v1_RevokeSessionsRequest, RevokeSessionsRequest__Output as _sessionauthority_v1_RevokeSessionsRequest__Output } from '../../sessionauthority/v1/RevokeSessionsRequest.ts';
import type { RevokeSessionsResponse as _sessionauthority_v1_RevokeSessionsResponse, RevokeSessionsResponse__Output as _sessionauthority_v1_RevokeSessionsResponse__Output } from '../../sessionauthority/v1/RevokeSessionsResponse.ts';
import type { RotateSessionRequest as _sessionauthority_v1_RotateSessionRequest, RotateSessionRequest__Output as _sessionauthority_v1_RotateSessionRequest__Output } from '../../sessionauthority/v1/RotateSessionRequest.ts';
import type { RotateSessionResponse as _sessionauthority_v1_RotateSessionResponse, RotateSessionResponse__Output as _sessionauthority_v1_RotateSessionResponse__Output } from '../../sessionauthority/v1/RotateSessionResponse.ts';
import type { UpdateSessionRequest as _sessionauthority_v1_UpdateSessionRequest, UpdateSessionRequest__Output as _sessionauthority_v1_UpdateSessionRequest__Output } from '../../sessionauthority/v1/UpdateSessionRequest.ts';
import type { UpdateSessionResponse as _sessionauthority_v1_UpdateSessionResponse, UpdateSessionResponse__Output as _sessionauthority_v1_UpdateSessionResponse__Output } from '../../sessionauthority/v1/UpdateSessionResponse.ts';
import type { ValidateSessionRequest as _sessionauthority_v1_ValidateSessionRequest, ValidateSessionRequest__Output as _sessionauthority_v1_ValidateSessionRequest__Output } from '../../sessionauthority/v1/ValidateSessionRequest.ts';
import type { ValidateSessionResponse as _sessionauthority_v1_ValidateSessionResponse, ValidateSessionResponse__Output as _sessionauthority_v1_ValidateSessionResponse__Output } from '../../sessionauthority/v1/ValidateSessionResponse.ts';
import type { WatchRevocationsRequest as _sessionauthority_v1_WatchRevocationsRequest, WatchRevocationsRequest__Output as _sessionauthority_v1_WatchRevocationsRequest__Output } from '../../sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse as _sessionauthority_v1_WatchRevocationsResponse, WatchRevocationsResponse__Output as _sessionauthority_v1_WatchRevocationsResponse__Output } from '../../sessionauthority/v1/WatchRevocationsResponse.ts';

export interface SessionServiceClient extends grpc.Client {
  BatchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  BatchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  BatchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  BatchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  batchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  batchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  batchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  batchValidateSessions(argument: _sessionauthority_v1_BatchValidateSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_BatchValidateSessionsResponse__Output>): grpc.ClientUnaryCall;
  
  CreateSession(argument: _sessionauthority_v1_CreateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  CreateSession(argument: _sessionauthority_v1_CreateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  CreateSession(argument: _sessionauthority_v1_CreateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  CreateSession(argument: _sessionauthority_v1_CreateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  createSession(argument: _sessionauthority_v1_CreateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  createSession(argument: _sessionauthority_v1_CreateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  createSession(argument: _sessionauthority_v1_CreateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  createSession(argument: _sessionauthority_v1_CreateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_CreateSessionResponse__Output>): grpc.ClientUnaryCall;
  
  GetJwks(argument: _sessionauthority_v1_GetJwksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  GetJwks(argument: _sessionauthority_v1_GetJwksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  GetJwks(argument: _sessionauthority_v1_GetJwksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  GetJwks(argument: _sessionauthority_v1_GetJwksRequest, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  getJwks(argument: _sessionauthority_v1_GetJwksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  getJwks(argument: _sessionauthority_v1_GetJwksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  getJwks(argument: _sessionauthority_v1_GetJwksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  getJwks(argument: _sessionauthority_v1_GetJwksRequest, callback: grpc.requestCallback<_sessionauthority_v1_GetJwksResponse__Output>): grpc.ClientUnaryCall;
  
  GetSession(argument: _sessionauthority_v1_GetSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  GetSession(argument: _sessionauthority_v1_GetSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  GetSession(argument: _sessionauthority_v1_GetSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  GetSession(argument: _sessionauthority_v1_GetSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  getSession(argument: _sessionauthority_v1_GetSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  getSession(argument: _sessionauthority_v1_GetSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  getSession(argument: _sessionauthority_v1_GetSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  getSession(argument: _sessionauthority_v1_GetSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_GetSessionResponse__Output>): grpc.ClientUnaryCall;
  
  ListSessions(argument: _sessionauthority_v1_ListSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _sessionauthority_v1_ListSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _sessionauthority_v1_ListSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _sessionauthority_v1_ListSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _sessionauthority_v1_ListSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _sessionauthority_v1_ListSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _sessionauthority_v1_ListSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _sessionauthority_v1_ListSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  
  RefreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  RefreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  RefreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  RefreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  refreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  refreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  refreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  refreshSession(argument: _sessionauthority_v1_RefreshSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RefreshSessionResponse__Output>): grpc.ClientUnaryCall;
  
  RevokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  RevokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  RevokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  RevokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  revokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  revokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  revokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  revokeSession(argument: _sessionauthority_v1_RevokeSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionResponse__Output>): grpc.ClientUnaryCall;
  
  RevokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  RevokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  RevokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  RevokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  revokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  revokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  revokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  revokeSessions(argument: _sessionauthority_v1_RevokeSessionsRequest, callback: grpc.requestCallback<_sessionauthority_v1_RevokeSessionsResponse__Output>): grpc.ClientUnaryCall;
  
  RotateSession(argument: _sessionauthority_v1_RotateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  RotateSession(argument: _sessionauthority_v1_RotateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  RotateSession(argument: _sessionauthority_v1_RotateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  RotateSession(argument: _sessionauthority_v1_RotateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  rotateSession(argument: _sessionauthority_v1_RotateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  rotateSession(argument: _sessionauthority_v1_RotateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  rotateSession(argument: _sessionauthority_v1_RotateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  rotateSession(argument: _sessionauthority_v1_RotateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_RotateSessionResponse__Output>): grpc.ClientUnaryCall;
  
  UpdateSession(argument: _sessionauthority_v1_UpdateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  UpdateSession(argument: _sessionauthority_v1_UpdateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  UpdateSession(argument: _sessionauthority_v1_UpdateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  UpdateSession(argument: _sessionauthority_v1_UpdateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  updateSession(argument: _sessionauthority_v1_UpdateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  updateSession(argument: _sessionauthority_v1_UpdateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  updateSession(argument: _sessionauthority_v1_UpdateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  updateSession(argument: _sessionauthority_v1_UpdateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_UpdateSessionResponse__Output>): grpc.ClientUnaryCall;
  
  ValidateSession(argument: _sessionauthority_v1_ValidateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  ValidateSession(argument: _sessionauthority_v1_ValidateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  ValidateSession(argument: _sessionauthority_v1_ValidateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  ValidateSession(argument: _sessionauthority_v1_ValidateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  validateSession(argument: _sessionauthority_v1_ValidateSessionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  validateSession(argument: _sessionauthority_v1_ValidateSessionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  validateSession(argument: _sessionauthority_v1_ValidateSessionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  validateSession(argument: _sessionauthority_v1_ValidateSessionRequest, callback: grpc.requestCallback<_sessionauthority_v1_ValidateSessionResponse__Output>): grpc.ClientUnaryCall;
  
  WatchRevocations(argument: _sessionauthority_v1_WatchRevocationsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sessionauthority_v1_WatchRevocationsResponse__Output>;
  WatchRevocations(argument: _sessionauthority_v1_WatchRevocationsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sessionauthority_v1_WatchRevocationsResponse__Output>;
  watchRevocations(argument: _sessionauthority_v1_WatchRevocationsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sessionauthority_v1_WatchRevocationsResponse__Output>;
  watchRevocations(argument: _sessionauthority_v1_WatchRevocationsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sessionauthority_v1_WatchRevocationsResponse__Output>;
  
}

export interface SessionServiceHandlers extends grpc.UntypedServiceImplementation {
  BatchValidateSessions: grpc.handleUnaryCall<_sessionauthority_v1_BatchValidateSessionsRequest__Output, _sessionauthority_v1_BatchValidateSessionsResponse>;
  
  CreateSession: grpc.handleUnaryCall<_sessionauthority_v1_CreateSessionRequest__Output, _sessionauthority_v1_CreateSessionResponse>;
  
  GetJwks: grpc.handleUnaryCall<_sessionauthority_v1_GetJwksRequest__Output, _sessionauthority_v1_GetJwksResponse>;
  
  GetSession: grpc.handleUnaryCall<_sessionauthority_v1_GetSessionRequest__Output, _sessionauthority_v1_GetSessionResponse>;
  
  ListSessions: grpc.handleUnaryCall<_sessionauthority_v1_ListSessionsRequest__Output, _sessionauthority_v1_ListSessionsResponse>;
  
  RefreshSession: grpc.handleUnaryCall<_sessionauthority_v1_RefreshSessionRequest__Output, _sessionauthority_v1_RefreshSessionResponse>;
  
  RevokeSession: grpc.handleUnaryCall<_sessionauthority_v1_RevokeSessionRequest__Output, _sessionauthority_v1_RevokeSessionResponse>;
  
  RevokeSessions: grpc.handleUnaryCall<_sessionauthority_v1_RevokeSessionsRequest__Output, _sessionauthority_v1_RevokeSessionsResponse>;
  
  RotateSession: grpc.handleUnaryCall<_sessionauthority_v1_RotateSessionRequest__Output, _sessionauthority_v1_RotateSessionResponse>;
  
  UpdateSession: grpc.handleUnaryCall<_sessionauthority_v1_UpdateSessionRequest__Output, _sessionauthority_v1_UpdateSessionResponse>;
  
  ValidateSession: grpc.handleUnaryCall<_sessionauthority_v1_ValidateSessionRequest__Output, _sessionauthority_v1_ValidateSessionResponse>;
  
  WatchRevocations: grpc.handleServerStreamingCall<_sessionauthority_v1_WatchRevocationsRequest__Output, _sessionauthority_v1_WatchRevocationsResponse>;
  
}

export interface SessionServiceDefinition extends grpc.ServiceDefinition {
  BatchValidateSessions: MethodDefinition<_sessionauthority_v1_BatchValidateSessionsRequest, _sessionauthority_v1_BatchValidateSessionsResponse, _sessionauthority_v1_BatchValidateSessionsRequest__Output, _sessionauthority_v1_BatchValidateSessionsResponse__Output>
  CreateSession: MethodDefinition<_sessionauthority_v1_CreateSessionRequest, _sessionauthority_v1_CreateSessionResponse, _sessionauthority_v1_CreateSessionRequest__Output, _sessionauthority_v1_CreateSessionResponse__Output>
  GetJwks: MethodDefinition<_sessionauthority_v1_GetJwksRequest, _sessionauthority_v1_GetJwksResponse, _sessionauthority_v1_GetJwksRequest__Output, _sessionauthority_v1_GetJwksResponse__Output>
  GetSession: MethodDefinition<_sessionauthority_v1_GetSessionRequest, _sessionauthority_v1_GetSessionResponse, _sessionauthority_v1_GetSessionRequest__Output, _sessionauthority_v1_GetSessionResponse__Output>
  ListSessions: MethodDefinition<_sessionauthority_v1_ListSessionsRequest, _sessionauthority_v1_ListSessionsResponse, _sessionauthority_v1_ListSessionsRequest__Output, _sessionauthority_v1_ListSessionsResponse__Output>
  RefreshSession: MethodDefinition<_sessionauthority_v1_RefreshSessionRequest, _sessionauthority_v1_RefreshSessionResponse, _sessionauthority_v1_RefreshSessionRequest__Output, _sessionauthority_v1_RefreshSessionResponse__Output>
  RevokeSession: MethodDefinition<_sessionauthority_v1_RevokeSessionRequest, _sessionauthority_v1_RevokeSessionResponse, _sessionauthority_v1_RevokeSessionRequest__Output, _sessionauthority_v1_RevokeSessionResponse__Output>
  RevokeSessions: MethodDefinition<_sessionauthority_v1_RevokeSessionsRequest, _sessionauthority_v1_RevokeSessionsResponse, _sessionauthority_v1_RevokeSessionsRequest__Output, _sessionauthority_v1_RevokeSessionsResponse__Output>
  RotateSession: MethodDefinition<_sessionauthority_v1_RotateSessionRequest, _sessionauthority_v1_RotateSessionResponse, _sessionauthority_v1_RotateSessionRequest__Output, _sessionauthority_v1_RotateSessionResponse__Output>
  UpdateSession: MethodDefinition<_sessionauthority_v1_UpdateSessionRequest, _sessionauthority_v1_UpdateSessionResponse, _sessionauthority_v1_UpdateSessionRequest__Output, _sessionauthority_v1_UpdateSessionResponse__Output>
  ValidateSession: MethodDefinition<_sessionauthority_v1_ValidateSessionRequest, _sessionauthority_v1_ValidateSessionResponse, _sessionauthority_v1_ValidateSessionRequest__Output, _sessionauthority_v1_ValidateSessionResponse__Output>
  WatchRevocations: MethodDefinition<_sessionauthority_v1_WatchRevocationsRequest, _sessionauthority_v1_WatchRevocationsResponse, _sessionauthority_v1_WatchRevocationsRequest__Output, _sessionauthority_v1_WatchRevocationsResponse__Output>
}

import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from './google/protobuf/Duration.ts';
import type { ListValue as _google_protobuf_ListValue, ListValue__Output as _google_protobuf_ListValue__Output } from './google/protobuf/ListValue.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from './google/protobuf/Struct.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from './google/protobuf/Value.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from './sessionauthority/v1/Actor.ts';
import type { BatchValidateSessionsRequest as _sessionauthority_v1_BatchValidateSessionsRequest, BatchValidateSessionsRequest__Output as _sessionauthority_v1_BatchValidateSessionsRequest__Output } from './sessionauthority/v1/BatchValidateSessionsRequest.ts';
import type { BatchValidateSessionsResponse as _sessionauthority_v1_BatchValidateSessionsResponse, BatchValidateSessionsResponse__Output as _sessionauthority_v1_BatchValidateSessionsResponse__Output } from './sessionauthority/v1/BatchValidateSessionsResponse.ts';
import type { Checkpoint as _sessionauthority_v1_Checkpoint, Checkpoint__Output as _sessionauthority_v1_Checkpoint__Output } from './sessionauthority/v1/Checkpoint.ts';
import type { ClientScope as _sessionauthority_v1_ClientScope, ClientScope__Output as _sessionauthority_v1_ClientScope__Output } from './sessionauthority/v1/ClientScope.ts';
import type { Closing as _sessionauthority_v1_Closing, Closing__Output as _sessionauthority_v1_Closing__Output } from './sessionauthority/v1/Closing.ts';
import type { CreateSessionRequest as _sessionauthority_v1_CreateSessionRequest, CreateSessionRequest__Output as _sessionauthority_v1_CreateSessionRequest__Output } from './sessionauthority/v1/CreateSessionRequest.ts';
import type { CreateSessionResponse as _sessionauthority_v1_CreateSessionResponse, CreateSessionResponse__Output as _sessionauthority_v1_CreateSessionResponse__Output } from './sessionauthority/v1/CreateSessionResponse.ts';
import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from './sessionauthority/v1/Device.ts';
import type { DeviceChange as _sessionauthority_v1_DeviceChange, DeviceChange__Output as _sessionauthority_v1_DeviceChange__Output } from './sessionauthority/v1/DeviceChange.ts';
import type { GetJwksRequest as _sessionauthority_v1_GetJwksRequest, GetJwksRequest__Output as _sessionauthority_v1_GetJwksRequest__Output } from './sessionauthority/v1/GetJwksRequest.ts';
import type { GetJwksResponse as _sessionauthority_v1_GetJwksResponse, GetJwksResponse__Output as _sessionauthority_v1_GetJwksResponse__Output } from './sessionauthority/v1/GetJwksResponse.ts';
import type { GetSessionRequest as _sessionauthority_v1_GetSessionRequest, GetSessionRequest__Output as _sessionauthority_v1_GetSessionRequest__Output } from './sessionauthority/v1/GetSessionRequest.ts';
import type { GetSessionResponse as _sessionauthority_v1_GetSessionResponse, GetSessionResponse__Output as _sessionauthority_v1_GetSessionResponse__Output } from './sessionauthority/v1/GetSessionResponse.ts';
import type { GlobalScope as _sessionauthority_v1_GlobalScope, GlobalScope__Output as _sessionauthority_v1_GlobalScope__Output } from './sessionauthority/v1/GlobalScope.ts';
import type { KeyScope as _sessionauthority_v1_KeyScope, KeyScope__Output as _sessionauthority_v1_KeyScope__Output } from './sessionauthority/v1/KeyScope.ts';
import type { ListSessionsRequest as _sessionauthority_v1_ListSessionsRequest, ListSessionsRequest__Output as _sessionauthority_v1_ListSessionsRequest__Output } from './sessionauthority/v1/ListSessionsRequest.ts';
import type { ListSessionsResponse as _sessionauthority_v1_ListSessionsResponse, ListSessionsResponse__Output as _sessionauthority_v1_ListSessionsResponse__Output } from './sessionauthority/v1/ListSessionsResponse.ts';
import type { Opened as _sessionauthority_v1_Opened, Opened__Output as _sessionauthority_v1_Opened__Output } from './sessionauthority/v1/Opened.ts';
import type { RefreshSessionRequest as _sessionauthority_v1_RefreshSessionRequest, RefreshSessionRequest__Output as _sessionauthority_v1_RefreshSessionRequest__Output } from './sessionauthority/v1/RefreshSessionRequest.ts';
import type { RefreshSessionResponse as _sessionauthority_v1_RefreshSessionResponse, RefreshSessionResponse__Output as _sessionauthority_v1_RefreshSessionResponse__Output } from './sessionauthority/v1/RefreshSessionResponse.ts';
import type { Reset as _sessionauthority_v1_Reset, Reset__Output as _sessionauthority_v1_Reset__Output } from './sessionauthority/v1/Reset.ts';
import type { Revocation as _sessionauthority_v1_Revocation, Revocation__Output as _sessionauthority_v1_Revocation__Output } from './sessionauthority/v1/Revocation.ts';
import type { RevocationBatch as _sessionauthority_v1_RevocationBatch, RevocationBatch__Output as _sessionauthority_v1_RevocationBatch__Output } from './sessionauthority/v1/RevocationBatch.ts';
import type { RevokeSessionRequest as _sessionauthority_v1_RevokeSessionRequest, RevokeSessionRequest__Output as _sessionauthority_v1_RevokeSessionRequest__Output } from './sessionauthority/v1/RevokeSessionRequest.ts';
import type { RevokeSessionResponse as _sessionauthority_v1_RevokeSessionResponse, RevokeSessionResponse__Output as _sessionauthority_v1_RevokeSessionResponse__Output } from './sessionauthority/v1/RevokeSessionResponse.ts';
import type { RevokeSessionsRequest as _sessionauthority_v1_RevokeSessionsRequest, RevokeSessionsRequest__Output as _sessionauthority_v1_RevokeSessionsRequest__Output } from './sessionauthority/v1/RevokeSessionsRequest.ts';
import type { RevokeSessionsResponse as _sessionauthority_v1_RevokeSessionsResponse, RevokeSessionsResponse__Output as _sessionauthority_v1_RevokeSessionsResponse__Output } from './sessionauthority/v1/RevokeSessionsResponse.ts';
import type { RotateSessionRequest as _sessionauthority_v1_RotateSessionRequest, RotateSessionRequest__Output as _sessionauthority_v1_RotateSessionRequest__Output } from './sessionauthority/v1/RotateSessionRequest.ts';
import type { RotateSessionResponse as _sessionauthority_v1_RotateSessionResponse, RotateSessionResponse__Output as _sessionauthority_v1_RotateSessionResponse__Output } from './sessionauthority/v1/RotateSessionResponse.ts';
import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from './sessionauthority/v1/Session.ts';
import type { SessionHandle as _sessionauthority_v1_SessionHandle, SessionHandle__Output as _sessionauthority_v1_SessionHandle__Output } from './sessionauthority/v1/SessionHandle.ts';
import type { SessionScope as _sessionauthority_v1_SessionScope, SessionScope__Output as _sessionauthority_v1_SessionScope__Output } from './sessionauthority/v1/SessionScope.ts';
import type { SessionServiceClient as _sessionauthority_v1_SessionServiceClient, SessionServiceDefinition as _sessionauthority_v1_SessionServiceDefinition } from './sessionauthority/v1/SessionService.ts';
import type { SnapshotChunk as _sessionauthority_v1_SnapshotChunk, SnapshotChunk__Output as _sessionauthority_v1_SnapshotChunk__Output } from './sessionauthority/v1/SnapshotChunk.ts';
import type { TenantScope as _sessionauthority_v1_TenantScope, TenantScope__Output as _sessionauthority_v1_TenantScope__Output } from './sessionauthority/v1/TenantScope.ts';
import type { Tokens as _sessionauthority_v1_Tokens, Tokens__Output as _sessionauthority_v1_Tokens__Output } from './sessionauthority/v1/Tokens.ts';
import type { UpdateSessionRequest as _sessionauthority_v1_UpdateSessionRequest, UpdateSessionRequest__Output as _sessionauthority_v1_UpdateSessionRequest__Output } from './sessionauthority/v1/UpdateSessionRequest.ts';
import type { UpdateSessionResponse as _sessionauthority_v1_UpdateSessionResponse, UpdateSessionResponse__Output as _sessionauthority_v1_UpdateSessionResponse__Output } from './sessionauthority/v1/UpdateSessionResponse.ts';
import type { UserScope as _sessionauthority_v1_UserScope, UserScope__Output as _sessionauthority_v1_UserScope__Output } from './sessionauthority/v1/UserScope.ts';
import type { ValidateSessionRequest as _sessionauthority_v1_ValidateSessionRequest, ValidateSessionRequest__Output as _sessionauthority_v1_ValidateSessionRequest__Output } from './sessionauthority/v1/ValidateSessionRequest.ts';
import type { ValidateSessionResponse as _sessionauthority_v1_ValidateSessionResponse, ValidateSessionResponse__Output as _sessionauthority_v1_ValidateSessionResponse__Output } from './sessionauthority/v1/ValidateSessionResponse.ts';
import type { WatchRevocationsRequest as _sessionauthority_v1_WatchRevocationsRequest, WatchRevocationsRequest__Output as _sessionauthority_v1_WatchRevocationsRequest__Output } from './sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse as _sessionauthority_v1_WatchRevocationsResponse, WatchRevocationsResponse__Output as _sessionauthority_v1_WatchRevocationsResponse__Output } from './sessionauthority/v1/WatchRevocationsResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      Duration: MessageTypeDefinition<_google_protobuf_Duration, _google_protobuf_Duration__Output>
      ListValue: MessageTypeDefinition<_google_protobuf_ListValue, _google_protobuf_ListValue__Output>
      NullValue: EnumTypeDefinition
      Struct: MessageTypeDefinition<_google_protobuf_Struct, _google_protobuf_Struct__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
      Value: MessageTypeDefinition<_google_protobuf_Value, _google_protobuf_Value__Output>
    }
  }
  sessionauthority: {
    v1: {
      Actor: MessageTypeDefinition<_sessionauthority_v1_Actor, _sessionauthority_v1_Actor__Output>
      BatchValidateSessionsRequest: MessageTypeDefinition<_sessionauthority_v1_BatchValidateSessionsRequest, _sessionauthority_v1_BatchValidateSessionsRequest__Output>
      BatchValidateSessionsResponse: MessageTypeDefinition<_sessionauthority_v1_BatchValidateSessionsResponse, _sessionauthority_v1_BatchValidateSessionsResponse__Output>
      Checkpoint: MessageTypeDefinition<_sessionauthority_v1_Checkpoint, _sessionauthority_v1_Checkpoint__Output>
      ClientScope: MessageTypeDefinition<_sessionauthority_v1_ClientScope, _sessionauthority_v1_ClientScope__Output>
      Closing: MessageTypeDefinition<_sessionauthority_v1_Closing, _sessionauthority_v1_Closing__Output>
      Consistency: EnumTypeDefinition
      CreateSessionRequest: MessageTypeDefinition<_sessionauthority_v1_CreateSessionRequest, _sessionauthority_v1_CreateSessionRequest__Output>
      CreateSessionResponse: MessageTypeDefinition<_sessionauthority_v1_CreateSessionResponse, _sessionauthority_v1_CreateSessionResponse__Output>
      Device: MessageTypeDefinition<_sessionauthority_v1_Device, _sessionauthority_v1_Device__Output>
      DeviceChange: MessageTypeDefinition<_sessionauthority_v1_DeviceChange, _sessionauthority_v1_DeviceChange__Output>
      ErrorReason: EnumTypeDefinition
      GetJwksRequest: MessageTypeDefinition<_sessionauthority_v1_GetJwksRequest, _sessionauthority_v1_GetJwksRequest__Output>
      GetJwksResponse: MessageTypeDefinition<_sessionauthority_v1_GetJwksResponse, _sessionauthority_v1_GetJwksResponse__Output>
      GetSessionRequest: MessageTypeDefinition<_sessionauthority_v1_GetSessionRequest, _sessionauthority_v1_GetSessionRequest__Output>
      GetSessionResponse: MessageTypeDefinition<_sessionauthority_v1_GetSessionResponse, _sessionauthority_v1_GetSessionResponse__Output>
      GlobalScope: MessageTypeDefinition<_sessionauthority_v1_GlobalScope, _sessionauthority_v1_GlobalScope__Output>
      InactiveReason: EnumTypeDefinition
      KeyScope: MessageTypeDefinition<_sessionauthority_v1_KeyScope, _sessionauthority_v1_KeyScope__Output>
      ListSessionsRequest: MessageTypeDefinition<_sessionauthority_v1_ListSessionsRequest, _sessionauthority_v1_ListSessionsRequest__Output>
      ListSessionsResponse: MessageTypeDefinition<_sessionauthority_v1_ListSessionsResponse, _sessionauthority_v1_ListSessionsResponse__Output>
      Opened: MessageTypeDefinition<_sessionauthority_v1_Opened, _sessionauthority_v1_Opened__Output>
      RefreshSessionRequest: MessageTypeDefinition<_sessionauthority_v1_RefreshSessionRequest, _sessionauthority_v1_RefreshSessionRequest__Output>
      RefreshSessionResponse: MessageTypeDefinition<_sessionauthority_v1_RefreshSessionResponse, _sessionauthority_v1_RefreshSessionResponse__Output>
      Reset: MessageTypeDefinition<_sessionauthority_v1_Reset, _sessionauthority_v1_Reset__Output>
      Revocation: MessageTypeDefinition<_sessionauthority_v1_Revocation, _sessionauthority_v1_Revocation__Output>
      RevocationBatch: MessageTypeDefinition<_sessionauthority_v1_RevocationBatch, _sessionauthority_v1_RevocationBatch__Output>
      RevocationReason: EnumTypeDefinition
      RevokeSessionRequest: MessageTypeDefinition<_sessionauthority_v1_RevokeSessionRequest, _sessionauthority_v1_RevokeSessionRequest__Output>
      RevokeSessionResponse: MessageTypeDefinition<_sessionauthority_v1_RevokeSessionResponse, _sessionauthority_v1_RevokeSessionResponse__Output>
      RevokeSessionsRequest: MessageTypeDefinition<_sessionauthority_v1_RevokeSessionsRequest, _sessionauthority_v1_RevokeSessionsRequest__Output>
      RevokeSessionsResponse: MessageTypeDefinition<_sessionauthority_v1_RevokeSessionsResponse, _sessionauthority_v1_RevokeSessionsResponse__Output>
      RotateSessionRequest: MessageTypeDefinition<_sessionauthority_v1_RotateSessionRequest, _sessionauthority_v1_RotateSessionRequest__Output>
      RotateSessionResponse: MessageTypeDefinition<_sessionauthority_v1_RotateSessionResponse, _sessionauthority_v1_RotateSessionResponse__Output>
      Session: MessageTypeDefinition<_sessionauthority_v1_Session, _sessionauthority_v1_Session__Output>
      SessionHandle: MessageTypeDefinition<_sessionauthority_v1_SessionHandle, _sessionauthority_v1_SessionHandle__Output>
      SessionScope: MessageTypeDefinition<_sessionauthority_v1_SessionScope, _sessionauthority_v1_SessionScope__Output>
      SessionService: SubtypeConstructor<typeof grpc.Client, _sessionauthority_v1_SessionServiceClient> & { service: _sessionauthority_v1_SessionServiceDefinition }
      SessionState: EnumTypeDefinition
      SessionView: EnumTypeDefinition
      SnapshotChunk: MessageTypeDefinition<_sessionauthority_v1_SnapshotChunk, _sessionauthority_v1_SnapshotChunk__Output>
      TenantScope: MessageTypeDefinition<_sessionauthority_v1_TenantScope, _sessionauthority_v1_TenantScope__Output>
      TokenMode: EnumTypeDefinition
      Tokens: MessageTypeDefinition<_sessionauthority_v1_Tokens, _sessionauthority_v1_Tokens__Output>
      UpdateSessionRequest: MessageTypeDefinition<_sessionauthority_v1_UpdateSessionRequest, _sessionauthority_v1_UpdateSessionRequest__Output>
      UpdateSessionResponse: MessageTypeDefinition<_sessionauthority_v1_UpdateSessionResponse, _sessionauthority_v1_UpdateSessionResponse__Output>
      UserScope: MessageTypeDefinition<_sessionauthority_v1_UserScope, _sessionauthority_v1_UserScope__Output>
      ValidateSessionRequest: MessageTypeDefinition<_sessionauthority_v1_ValidateSessionRequest, _sessionauthority_v1_ValidateSessionRequest__Output>
      ValidateSessionResponse: MessageTypeDefinition<_sessionauthority_v1_ValidateSessionResponse, _sessionauthority_v1_ValidateSessionResponse__Output>
      WatchRevocationsRequest: MessageTypeDefinition<_sessionauthority_v1_WatchRevocationsRequest, _sessionauthority_v1_WatchRevocationsRequest__Output>
      WatchRevocationsResponse: MessageTypeDefinition<_sessionauthority_v1_WatchRevocationsResponse, _sessionauthority_v1_WatchRevocationsResponse__Output>
    }
  }
}


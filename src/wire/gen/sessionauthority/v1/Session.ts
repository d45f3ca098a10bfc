// Original file: proto/sessionauthority/v1/session_service.proto

import type { TokenMode as _sessionauthority_v1_TokenMode, TokenMode__Output as _sessionauthority_v1_TokenMode__Output } from '../../sessionauthority/v1/TokenMode.ts';
import type { SessionState as _sessionauthority_v1_SessionState, SessionState__Output as _sessionauthority_v1_SessionState__Output } from '../../sessionauthority/v1/SessionState.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from '../../sessionauthority/v1/Device.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from '../../sessionauthority/v1/Actor.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { RevocationReason as _sessionauthority_v1_RevocationReason, RevocationReason__Output as _sessionauthority_v1_RevocationReason__Output } from '../../sessionauthority/v1/RevocationReason.ts';

export interface Session {
  'sessionId'?: (string);
  'tenantId'?: (string);
  'userId'?: (string);
  'clientId'?: (string);
  'tokenMode'?: (_sessionauthority_v1_TokenMode);
  'state'?: (_sessionauthority_v1_SessionState);
  'createTime'?: (_google_protobuf_Timestamp | null);
  'lastActiveTime'?: (_google_protobuf_Timestamp | null);
  'expireTime'?: (_google_protobuf_Timestamp | null);
  'absoluteExpireTime'?: (_google_protobuf_Timestamp | null);
  'authTime'?: (_google_protobuf_Timestamp | null);
  'acr'?: (string);
  'amr'?: (string)[];
  'device'?: (_sessionauthority_v1_Device | null);
  'actor'?: (_sessionauthority_v1_Actor | null);
  'audiences'?: (string)[];
  'claims'?: (_google_protobuf_Struct | null);
  'data'?: (_google_protobuf_Struct | null);
  'etag'?: (string);
  'revokeTime'?: (_google_protobuf_Timestamp | null);
  'revocationReason'?: (_sessionauthority_v1_RevocationReason);
}

export interface Session__Output {
  'sessionId': (string);
  'tenantId': (string);
  'userId': (string);
  'clientId': (string);
  'tokenMode': (_sessionauthority_v1_TokenMode__Output);
  'state': (_sessionauthority_v1_SessionState__Output);
  'createTime': (_google_protobuf_Timestamp__Output | null);
  'lastActiveTime': (_google_protobuf_Timestamp__Output | null);
  'expireTime': (_google_protobuf_Timestamp__Output | null);
  'absoluteExpireTime': (_google_protobuf_Timestamp__Output | null);
  'authTime': (_google_protobuf_Timestamp__Output | null);
  'acr': (string);
  'amr': (string)[];
  'device': (_sessionauthority_v1_Device__Output | null);
  'actor': (_sessionauthority_v1_Actor__Output | null);
  'audiences': (string)[];
  'claims': (_google_protobuf_Struct__Output | null);
  'data': (_google_protobuf_Struct__Output | null);
  'etag': (string);
  'revokeTime': (_google_protobuf_Timestamp__Output | null);
  'revocationReason': (_sessionauthority_v1_RevocationReason__Output);
}

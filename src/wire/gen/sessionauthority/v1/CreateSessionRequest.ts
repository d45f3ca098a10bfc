// Original file: proto/sessionauthority/v1/session_service.proto

import type { TokenMode as _sessionauthority_v1_TokenMode, TokenMode__Output as _sessionauthority_v1_TokenMode__Output } from '../../sessionauthority/v1/TokenMode.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from '../../sessionauthority/v1/Device.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from '../../sessionauthority/v1/Actor.ts';

export interface CreateSessionRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'userId'?: (string);
  'clientId'?: (string);
  'tokenMode'?: (_sessionauthority_v1_TokenMode);
  'claims'?: (_google_protobuf_Struct | null);
  'data'?: (_google_protobuf_Struct | null);
  'device'?: (_sessionauthority_v1_Device | null);
  'idleTimeout'?: (_google_protobuf_Duration | null);
  'absoluteTimeout'?: (_google_protobuf_Duration | null);
  'authTime'?: (_google_protobuf_Timestamp | null);
  'acr'?: (string);
  'amr'?: (string)[];
  'actor'?: (_sessionauthority_v1_Actor | null);
  'audiences'?: (string)[];
  'replaceDeviceSessions'?: (boolean);
}

export interface CreateSessionRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'userId': (string);
  'clientId': (string);
  'tokenMode': (_sessionauthority_v1_TokenMode__Output);
  'claims': (_google_protobuf_Struct__Output | null);
  'data': (_google_protobuf_Struct__Output | null);
  'device': (_sessionauthority_v1_Device__Output | null);
  'idleTimeout': (_google_protobuf_Duration__Output | null);
  'absoluteTimeout': (_google_protobuf_Duration__Output | null);
  'authTime': (_google_protobuf_Timestamp__Output | null);
  'acr': (string);
  'amr': (string)[];
  'actor': (_sessionauthority_v1_Actor__Output | null);
  'audiences': (string)[];
  'replaceDeviceSessions': (boolean);
}

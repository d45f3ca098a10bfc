// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionHandle as _sessionauthority_v1_SessionHandle, SessionHandle__Output as _sessionauthority_v1_SessionHandle__Output } from '../../sessionauthority/v1/SessionHandle.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from '../../sessionauthority/v1/Device.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

export interface RotateSessionRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'session'?: (_sessionauthority_v1_SessionHandle | null);
  'userId'?: (string);
  'authTime'?: (_google_protobuf_Timestamp | null);
  'acr'?: (string);
  'amr'?: (string)[];
  'claims'?: (_google_protobuf_Struct | null);
  'data'?: (_google_protobuf_Struct | null);
  'device'?: (_sessionauthority_v1_Device | null);
  'idleTimeout'?: (_google_protobuf_Duration | null);
  'absoluteTimeout'?: (_google_protobuf_Duration | null);
}

export interface RotateSessionRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'session': (_sessionauthority_v1_SessionHandle__Output | null);
  'userId': (string);
  'authTime': (_google_protobuf_Timestamp__Output | null);
  'acr': (string);
  'amr': (string)[];
  'claims': (_google_protobuf_Struct__Output | null);
  'data': (_google_protobuf_Struct__Output | null);
  'device': (_sessionauthority_v1_Device__Output | null);
  'idleTimeout': (_google_protobuf_Duration__Output | null);
  'absoluteTimeout': (_google_protobuf_Duration__Output | null);
}

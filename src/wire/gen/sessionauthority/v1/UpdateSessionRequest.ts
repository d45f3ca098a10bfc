// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionHandle as _sessionauthority_v1_SessionHandle, SessionHandle__Output as _sessionauthority_v1_SessionHandle__Output } from '../../sessionauthority/v1/SessionHandle.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';

export interface UpdateSessionRequest {
  'tenantId'?: (string);
  'session'?: (_sessionauthority_v1_SessionHandle | null);
  'claims'?: (_google_protobuf_Struct | null);
  'mergeClaims'?: (_google_protobuf_Struct | null);
  'data'?: (_google_protobuf_Struct | null);
  'mergeData'?: (_google_protobuf_Struct | null);
  'deviceName'?: (string);
  'etag'?: (string);
  'supersedeAccessTokens'?: (boolean);
  '_deviceName'?: "deviceName";
}

export interface UpdateSessionRequest__Output {
  'tenantId': (string);
  'session': (_sessionauthority_v1_SessionHandle__Output | null);
  'claims': (_google_protobuf_Struct__Output | null);
  'mergeClaims': (_google_protobuf_Struct__Output | null);
  'data': (_google_protobuf_Struct__Output | null);
  'mergeData': (_google_protobuf_Struct__Output | null);
  'deviceName'?: (string);
  'etag': (string);
  'supersedeAccessTokens': (boolean);
  '_deviceName'?: "deviceName";
}

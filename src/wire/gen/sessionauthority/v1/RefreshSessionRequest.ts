// Original file: proto/sessionauthority/v1/session_service.proto

import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from '../../sessionauthority/v1/Device.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';

export interface RefreshSessionRequest {
  'requestId'?: (string);
  'refreshToken'?: (string);
  'device'?: (_sessionauthority_v1_Device | null);
  'claims'?: (_google_protobuf_Struct | null);
  'tenantId'?: (string);
  'clientId'?: (string);
  '_tenantId'?: "tenantId";
}

export interface RefreshSessionRequest__Output {
  'requestId': (string);
  'refreshToken': (string);
  'device': (_sessionauthority_v1_Device__Output | null);
  'claims': (_google_protobuf_Struct__Output | null);
  'tenantId'?: (string);
  'clientId': (string);
  '_tenantId'?: "tenantId";
}

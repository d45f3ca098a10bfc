// Original file: proto/sessionauthority/v1/session_service.proto

import type { Consistency as _sessionauthority_v1_Consistency, Consistency__Output as _sessionauthority_v1_Consistency__Output } from '../../sessionauthority/v1/Consistency.ts';
import type { Device as _sessionauthority_v1_Device, Device__Output as _sessionauthority_v1_Device__Output } from '../../sessionauthority/v1/Device.ts';
import type { SessionView as _sessionauthority_v1_SessionView, SessionView__Output as _sessionauthority_v1_SessionView__Output } from '../../sessionauthority/v1/SessionView.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

export interface ValidateSessionRequest {
  'accessToken'?: (string);
  'sessionToken'?: (string);
  'consistency'?: (_sessionauthority_v1_Consistency);
  'consistencyToken'?: (Buffer | Uint8Array | string);
  'tenantId'?: (string);
  'audience'?: (string);
  'device'?: (_sessionauthority_v1_Device | null);
  'noTouch'?: (boolean);
  'includeClaims'?: (boolean);
  'includeSession'?: (boolean);
  'view'?: (_sessionauthority_v1_SessionView);
  'maxStaleness'?: (_google_protobuf_Duration | null);
  'credential'?: "accessToken"|"sessionToken";
  '_tenantId'?: "tenantId";
}

export interface ValidateSessionRequest__Output {
  'accessToken'?: (string);
  'sessionToken'?: (string);
  'consistency': (_sessionauthority_v1_Consistency__Output);
  'consistencyToken': (Buffer);
  'tenantId'?: (string);
  'audience': (string);
  'device': (_sessionauthority_v1_Device__Output | null);
  'noTouch': (boolean);
  'includeClaims': (boolean);
  'includeSession': (boolean);
  'view': (_sessionauthority_v1_SessionView__Output);
  'maxStaleness': (_google_protobuf_Duration__Output | null);
  'credential'?: "accessToken"|"sessionToken";
  '_tenantId'?: "tenantId";
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type { InactiveReason as _sessionauthority_v1_InactiveReason, InactiveReason__Output as _sessionauthority_v1_InactiveReason__Output } from '../../sessionauthority/v1/InactiveReason.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from '../../sessionauthority/v1/Actor.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from '../../sessionauthority/v1/Session.ts';
import type { DeviceChange as _sessionauthority_v1_DeviceChange, DeviceChange__Output as _sessionauthority_v1_DeviceChange__Output } from '../../sessionauthority/v1/DeviceChange.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

export interface ValidateSessionResponse {
  'active'?: (boolean);
  'inactiveReason'?: (_sessionauthority_v1_InactiveReason);
  'sessionId'?: (string);
  'tenantId'?: (string);
  'userId'?: (string);
  'clientId'?: (string);
  'expireTime'?: (_google_protobuf_Timestamp | null);
  'authTime'?: (_google_protobuf_Timestamp | null);
  'acr'?: (string);
  'amr'?: (string)[];
  'actor'?: (_sessionauthority_v1_Actor | null);
  'claims'?: (_google_protobuf_Struct | null);
  'session'?: (_sessionauthority_v1_Session | null);
  'deviceChange'?: (_sessionauthority_v1_DeviceChange | null);
  'reusableUntilTime'?: (_google_protobuf_Timestamp | null);
  'staleness'?: (_google_protobuf_Duration | null);
  'degraded'?: (boolean);
}

export interface ValidateSessionResponse__Output {
  'active': (boolean);
  'inactiveReason': (_sessionauthority_v1_InactiveReason__Output);
  'sessionId': (string);
  'tenantId': (string);
  'userId': (string);
  'clientId': (string);
  'expireTime': (_google_protobuf_Timestamp__Output | null);
  'authTime': (_google_protobuf_Timestamp__Output | null);
  'acr': (string);
  'amr': (string)[];
  'actor': (_sessionauthority_v1_Actor__Output | null);
  'claims': (_google_protobuf_Struct__Output | null);
  'session': (_sessionauthority_v1_Session__Output | null);
  'deviceChange': (_sessionauthority_v1_DeviceChange__Output | null);
  'reusableUntilTime': (_google_protobuf_Timestamp__Output | null);
  'staleness': (_google_protobuf_Duration__Output | null);
  'degraded': (boolean);
}

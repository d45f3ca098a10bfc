// Original file: proto/sessionauthority/v1/session_service.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { RevocationReason as _sessionauthority_v1_RevocationReason, RevocationReason__Output as _sessionauthority_v1_RevocationReason__Output } from '../../sessionauthority/v1/RevocationReason.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from '../../sessionauthority/v1/Actor.ts';

export interface RevokeSessionsRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'userId'?: (string);
  'clientId'?: (string);
  'wholeTenant'?: (boolean);
  'deviceId'?: (string);
  'createTimeBefore'?: (_google_protobuf_Timestamp | null);
  'exceptSessionId'?: (string);
  'denyCreateUntilTime'?: (_google_protobuf_Timestamp | null);
  'reason'?: (_sessionauthority_v1_RevocationReason);
  'actor'?: (_sessionauthority_v1_Actor | null);
  'dryRun'?: (boolean);
  'scope'?: "userId"|"clientId"|"wholeTenant";
}

export interface RevokeSessionsRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'userId'?: (string);
  'clientId'?: (string);
  'wholeTenant'?: (boolean);
  'deviceId': (string);
  'createTimeBefore': (_google_protobuf_Timestamp__Output | null);
  'exceptSessionId': (string);
  'denyCreateUntilTime': (_google_protobuf_Timestamp__Output | null);
  'reason': (_sessionauthority_v1_RevocationReason__Output);
  'actor': (_sessionauthority_v1_Actor__Output | null);
  'dryRun': (boolean);
  'scope'?: "userId"|"clientId"|"wholeTenant";
}

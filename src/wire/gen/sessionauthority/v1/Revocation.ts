// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionScope as _sessionauthority_v1_SessionScope, SessionScope__Output as _sessionauthority_v1_SessionScope__Output } from '../../sessionauthority/v1/SessionScope.ts';
import type { UserScope as _sessionauthority_v1_UserScope, UserScope__Output as _sessionauthority_v1_UserScope__Output } from '../../sessionauthority/v1/UserScope.ts';
import type { ClientScope as _sessionauthority_v1_ClientScope, ClientScope__Output as _sessionauthority_v1_ClientScope__Output } from '../../sessionauthority/v1/ClientScope.ts';
import type { TenantScope as _sessionauthority_v1_TenantScope, TenantScope__Output as _sessionauthority_v1_TenantScope__Output } from '../../sessionauthority/v1/TenantScope.ts';
import type { KeyScope as _sessionauthority_v1_KeyScope, KeyScope__Output as _sessionauthority_v1_KeyScope__Output } from '../../sessionauthority/v1/KeyScope.ts';
import type { GlobalScope as _sessionauthority_v1_GlobalScope, GlobalScope__Output as _sessionauthority_v1_GlobalScope__Output } from '../../sessionauthority/v1/GlobalScope.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { RevocationReason as _sessionauthority_v1_RevocationReason, RevocationReason__Output as _sessionauthority_v1_RevocationReason__Output } from '../../sessionauthority/v1/RevocationReason.ts';

export interface Revocation {
  'session'?: (_sessionauthority_v1_SessionScope | null);
  'user'?: (_sessionauthority_v1_UserScope | null);
  'client'?: (_sessionauthority_v1_ClientScope | null);
  'tenant'?: (_sessionauthority_v1_TenantScope | null);
  'key'?: (_sessionauthority_v1_KeyScope | null);
  'global'?: (_sessionauthority_v1_GlobalScope | null);
  'discardAfterTime'?: (_google_protobuf_Timestamp | null);
  'reason'?: (_sessionauthority_v1_RevocationReason);
  'revokeTime'?: (_google_protobuf_Timestamp | null);
  'scope'?: "session"|"user"|"client"|"tenant"|"key"|"global";
}

export interface Revocation__Output {
  'session'?: (_sessionauthority_v1_SessionScope__Output | null);
  'user'?: (_sessionauthority_v1_UserScope__Output | null);
  'client'?: (_sessionauthority_v1_ClientScope__Output | null);
  'tenant'?: (_sessionauthority_v1_TenantScope__Output | null);
  'key'?: (_sessionauthority_v1_KeyScope__Output | null);
  'global'?: (_sessionauthority_v1_GlobalScope__Output | null);
  'discardAfterTime': (_google_protobuf_Timestamp__Output | null);
  'reason': (_sessionauthority_v1_RevocationReason__Output);
  'revokeTime': (_google_protobuf_Timestamp__Output | null);
  'scope'?: "session"|"user"|"client"|"tenant"|"key"|"global";
}

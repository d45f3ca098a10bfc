// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionHandle as _sessionauthority_v1_SessionHandle, SessionHandle__Output as _sessionauthority_v1_SessionHandle__Output } from '../../sessionauthority/v1/SessionHandle.ts';
import type { RevocationReason as _sessionauthority_v1_RevocationReason, RevocationReason__Output as _sessionauthority_v1_RevocationReason__Output } from '../../sessionauthority/v1/RevocationReason.ts';
import type { Actor as _sessionauthority_v1_Actor, Actor__Output as _sessionauthority_v1_Actor__Output } from '../../sessionauthority/v1/Actor.ts';

export interface RevokeSessionRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'session'?: (_sessionauthority_v1_SessionHandle | null);
  'reason'?: (_sessionauthority_v1_RevocationReason);
  'actor'?: (_sessionauthority_v1_Actor | null);
}

export interface RevokeSessionRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'session': (_sessionauthority_v1_SessionHandle__Output | null);
  'reason': (_sessionauthority_v1_RevocationReason__Output);
  'actor': (_sessionauthority_v1_Actor__Output | null);
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionHandle as _sessionauthority_v1_SessionHandle, SessionHandle__Output as _sessionauthority_v1_SessionHandle__Output } from '../../sessionauthority/v1/SessionHandle.ts';
import type { SessionView as _sessionauthority_v1_SessionView, SessionView__Output as _sessionauthority_v1_SessionView__Output } from '../../sessionauthority/v1/SessionView.ts';

export interface GetSessionRequest {
  'tenantId'?: (string);
  'session'?: (_sessionauthority_v1_SessionHandle | null);
  'view'?: (_sessionauthority_v1_SessionView);
}

export interface GetSessionRequest__Output {
  'tenantId': (string);
  'session': (_sessionauthority_v1_SessionHandle__Output | null);
  'view': (_sessionauthority_v1_SessionView__Output);
}

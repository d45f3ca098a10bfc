// Original file: proto/sessionauthority/v1/session_service.proto

import type { SessionState as _sessionauthority_v1_SessionState, SessionState__Output as _sessionauthority_v1_SessionState__Output } from '../../sessionauthority/v1/SessionState.ts';
import type { SessionView as _sessionauthority_v1_SessionView, SessionView__Output as _sessionauthority_v1_SessionView__Output } from '../../sessionauthority/v1/SessionView.ts';

export interface ListSessionsRequest {
  'tenantId'?: (string);
  'userId'?: (string);
  'clientId'?: (string);
  'deviceId'?: (string);
  'states'?: (_sessionauthority_v1_SessionState)[];
  'pageSize'?: (number);
  'pageToken'?: (string);
  'view'?: (_sessionauthority_v1_SessionView);
}

export interface ListSessionsRequest__Output {
  'tenantId': (string);
  'userId': (string);
  'clientId': (string);
  'deviceId': (string);
  'states': (_sessionauthority_v1_SessionState__Output)[];
  'pageSize': (number);
  'pageToken': (string);
  'view': (_sessionauthority_v1_SessionView__Output);
}

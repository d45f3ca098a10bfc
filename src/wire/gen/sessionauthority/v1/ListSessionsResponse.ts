// Original file: proto/sessionauthority/v1/session_service.proto

import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from '../../sessionauthority/v1/Session.ts';

export interface ListSessionsResponse {
  'sessions'?: (_sessionauthority_v1_Session)[];
  'nextPageToken'?: (string);
}

export interface ListSessionsResponse__Output {
  'sessions': (_sessionauthority_v1_Session__Output)[];
  'nextPageToken': (string);
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from '../../sessionauthority/v1/Session.ts';

export interface UpdateSessionResponse {
  'session'?: (_sessionauthority_v1_Session | null);
  'consistencyToken'?: (Buffer | Uint8Array | string);
}

export interface UpdateSessionResponse__Output {
  'session': (_sessionauthority_v1_Session__Output | null);
  'consistencyToken': (Buffer);
}

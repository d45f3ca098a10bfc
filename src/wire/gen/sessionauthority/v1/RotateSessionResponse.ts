// Original file: proto/sessionauthority/v1/session_service.proto

import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from '../../sessionauthority/v1/Session.ts';
import type { Tokens as _sessionauthority_v1_Tokens, Tokens__Output as _sessionauthority_v1_Tokens__Output } from '../../sessionauthority/v1/Tokens.ts';

export interface RotateSessionResponse {
  'session'?: (_sessionauthority_v1_Session | null);
  'tokens'?: (_sessionauthority_v1_Tokens | null);
  'endedSessionIds'?: (string)[];
  'consistencyToken'?: (Buffer | Uint8Array | string);
}

export interface RotateSessionResponse__Output {
  'session': (_sessionauthority_v1_Session__Output | null);
  'tokens': (_sessionauthority_v1_Tokens__Output | null);
  'endedSessionIds': (string)[];
  'consistencyToken': (Buffer);
}

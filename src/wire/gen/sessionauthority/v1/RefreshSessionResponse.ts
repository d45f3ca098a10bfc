// Original file: proto/sessionauthority/v1/session_service.proto

import type { Session as _sessionauthority_v1_Session, Session__Output as _sessionauthority_v1_Session__Output } from '../../sessionauthority/v1/Session.ts';
import type { Tokens as _sessionauthority_v1_Tokens, Tokens__Output as _sessionauthority_v1_Tokens__Output } from '../../sessionauthority/v1/Tokens.ts';
import type { DeviceChange as _sessionauthority_v1_DeviceChange, DeviceChange__Output as _sessionauthority_v1_DeviceChange__Output } from '../../sessionauthority/v1/DeviceChange.ts';

export interface RefreshSessionResponse {
  'session'?: (_sessionauthority_v1_Session | null);
  'tokens'?: (_sessionauthority_v1_Tokens | null);
  'deviceChange'?: (_sessionauthority_v1_DeviceChange | null);
}

export interface RefreshSessionResponse__Output {
  'session': (_sessionauthority_v1_Session__Output | null);
  'tokens': (_sessionauthority_v1_Tokens__Output | null);
  'deviceChange': (_sessionauthority_v1_DeviceChange__Output | null);
}

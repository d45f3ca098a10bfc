// Original file: proto/sessionauthority/v1/session_service.proto

import type { ValidateSessionRequest as _sessionauthority_v1_ValidateSessionRequest, ValidateSessionRequest__Output as _sessionauthority_v1_ValidateSessionRequest__Output } from '../../sessionauthority/v1/ValidateSessionRequest.ts';

export interface BatchValidateSessionsRequest {
  'requests'?: (_sessionauthority_v1_ValidateSessionRequest)[];
}

export interface BatchValidateSessionsRequest__Output {
  'requests': (_sessionauthority_v1_ValidateSessionRequest__Output)[];
}

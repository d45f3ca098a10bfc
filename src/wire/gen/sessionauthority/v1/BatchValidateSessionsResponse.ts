// Original file: proto/sessionauthority/v1/session_service.proto

import type { ValidateSessionResponse as _sessionauthority_v1_ValidateSessionResponse, ValidateSessionResponse__Output as _sessionauthority_v1_ValidateSessionResponse__Output } from '../../sessionauthority/v1/ValidateSessionResponse.ts';

export interface BatchValidateSessionsResponse {
  'responses'?: (_sessionauthority_v1_ValidateSessionResponse)[];
}

export interface BatchValidateSessionsResponse__Output {
  'responses': (_sessionauthority_v1_ValidateSessionResponse__Output)[];
}

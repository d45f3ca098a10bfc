// Original file: proto/sessionauthority/v1/session_service.proto


export interface SessionHandle {
  'sessionId'?: (string);
  'sessionToken'?: (string);
  'refreshToken'?: (string);
  'accessToken'?: (string);
  'handle'?: "sessionId"|"sessionToken"|"refreshToken"|"accessToken";
}

export interface SessionHandle__Output {
  'sessionId'?: (string);
  'sessionToken'?: (string);
  'refreshToken'?: (string);
  'accessToken'?: (string);
  'handle'?: "sessionId"|"sessionToken"|"refreshToken"|"accessToken";
}

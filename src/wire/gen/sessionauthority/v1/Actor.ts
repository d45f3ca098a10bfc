// Original file: proto/sessionauthority/v1/session_service.proto


export interface Actor {
  'userId'?: (string);
  'tenantId'?: (string);
  'reason'?: (string);
}

export interface Actor__Output {
  'userId': (string);
  'tenantId': (string);
  'reason': (string);
}

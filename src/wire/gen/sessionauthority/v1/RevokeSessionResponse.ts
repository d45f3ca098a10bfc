// Original file: proto/sessionauthority/v1/session_service.proto


export interface RevokeSessionResponse {
  'revoked'?: (boolean);
  'consistencyToken'?: (Buffer | Uint8Array | string);
}

export interface RevokeSessionResponse__Output {
  'revoked': (boolean);
  'consistencyToken': (Buffer);
}

// Original file: proto/sessionauthority/v1/session_service.proto


export interface KeyScope {
  'kid'?: (string);
}

export interface KeyScope__Output {
  'kid': (string);
}

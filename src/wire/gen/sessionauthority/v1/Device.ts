// Original file: proto/sessionauthority/v1/session_service.proto


export interface Device {
  'deviceId'?: (string);
  'name'?: (string);
  'userAgent'?: (string);
  'ipAddress'?: (string);
}

export interface Device__Output {
  'deviceId': (string);
  'name': (string);
  'userAgent': (string);
  'ipAddress': (string);
}

// Original file: proto/sessionauthority/v1/session_service.proto


export interface DeviceChange {
  'userAgentChanged'?: (boolean);
  'ipAddressChanged'?: (boolean);
}

export interface DeviceChange__Output {
  'userAgentChanged': (boolean);
  'ipAddressChanged': (boolean);
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface SessionScope {
  'tenantId'?: (string);
  'sessionId'?: (string);
  'minVersion'?: (number | string | Long);
}

export interface SessionScope__Output {
  'tenantId': (string);
  'sessionId': (string);
  'minVersion': (number);
}

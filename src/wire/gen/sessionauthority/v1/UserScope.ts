// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface UserScope {
  'tenantId'?: (string);
  'userId'?: (string);
  'minGeneration'?: (number | string | Long);
  'exceptSessionId'?: (string);
}

export interface UserScope__Output {
  'tenantId': (string);
  'userId': (string);
  'minGeneration': (number);
  'exceptSessionId': (string);
}

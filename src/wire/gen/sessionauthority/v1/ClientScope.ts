// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface ClientScope {
  'tenantId'?: (string);
  'clientId'?: (string);
  'minGeneration'?: (number | string | Long);
}

export interface ClientScope__Output {
  'tenantId': (string);
  'clientId': (string);
  'minGeneration': (number);
}

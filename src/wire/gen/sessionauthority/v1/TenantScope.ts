// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface TenantScope {
  'tenantId'?: (string);
  'minGeneration'?: (number | string | Long);
}

export interface TenantScope__Output {
  'tenantId': (string);
  'minGeneration': (number);
}

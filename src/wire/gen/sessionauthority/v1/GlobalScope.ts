// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface GlobalScope {
  'minGeneration'?: (number | string | Long);
}

export interface GlobalScope__Output {
  'minGeneration': (number);
}

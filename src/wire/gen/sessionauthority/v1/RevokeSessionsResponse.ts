// Original file: proto/sessionauthority/v1/session_service.proto

import type { Long } from '@grpc/proto-loader';

export interface RevokeSessionsResponse {
  'sessionCount'?: (number | string | Long);
  'consistencyToken'?: (Buffer | Uint8Array | string);
  '_sessionCount'?: "sessionCount";
}

export interface RevokeSessionsResponse__Output {
  'sessionCount'?: (number);
  'consistencyToken': (Buffer);
  '_sessionCount'?: "sessionCount";
}

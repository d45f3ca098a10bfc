// Original file: proto/sessionauthority/v1/session_service.proto

import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

export interface WatchRevocationsRequest {
  'cursor'?: (Buffer | Uint8Array | string);
  'tenantIds'?: (string)[];
  'heartbeat'?: (_google_protobuf_Duration | null);
  'subscriberId'?: (string);
}

export interface WatchRevocationsRequest__Output {
  'cursor': (Buffer);
  'tenantIds': (string)[];
  'heartbeat': (_google_protobuf_Duration__Output | null);
  'subscriberId': (string);
}

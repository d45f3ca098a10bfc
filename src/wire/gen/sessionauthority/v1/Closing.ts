// Original file: proto/sessionauthority/v1/session_service.proto

import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

export interface Closing {
  'retryAfter'?: (_google_protobuf_Duration | null);
}

export interface Closing__Output {
  'retryAfter': (_google_protobuf_Duration__Output | null);
}

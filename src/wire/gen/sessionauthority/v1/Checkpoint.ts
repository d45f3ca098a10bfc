// Original file: proto/sessionauthority/v1/session_service.proto

import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

export interface Checkpoint {
  'cursor'?: (Buffer | Uint8Array | string);
  'staleness'?: (_google_protobuf_Duration | null);
  'asOfTime'?: (_google_protobuf_Timestamp | null);
}

export interface Checkpoint__Output {
  'cursor': (Buffer);
  'staleness': (_google_protobuf_Duration__Output | null);
  'asOfTime': (_google_protobuf_Timestamp__Output | null);
}

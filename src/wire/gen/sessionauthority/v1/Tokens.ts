// Original file: proto/sessionauthority/v1/session_service.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

export interface Tokens {
  'accessToken'?: (string);
  'accessTokenExpireTime'?: (_google_protobuf_Timestamp | null);
  'refreshToken'?: (string);
  'refreshTokenExpireTime'?: (_google_protobuf_Timestamp | null);
  'sessionToken'?: (string);
  'refreshAfterTime'?: (_google_protobuf_Timestamp | null);
}

export interface Tokens__Output {
  'accessToken': (string);
  'accessTokenExpireTime': (_google_protobuf_Timestamp__Output | null);
  'refreshToken': (string);
  'refreshTokenExpireTime': (_google_protobuf_Timestamp__Output | null);
  'sessionToken': (string);
  'refreshAfterTime': (_google_protobuf_Timestamp__Output | null);
}

// Original file: proto/sessionauthority/v1/session_service.proto

import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';

// Original file: proto/sessionauthority/v1/session_service.proto

export const _sessionauthority_v1_Opened_Start = {
  START_UNSPECIFIED: 'START_UNSPECIFIED',
  START_RESUMED: 'START_RESUMED',
  START_SNAPSHOT: 'START_SNAPSHOT',
} as const;

export type _sessionauthority_v1_Opened_Start =
  | 'START_UNSPECIFIED'
  | 0
  | 'START_RESUMED'
  | 1
  | 'START_SNAPSHOT'
  | 2

export type _sessionauthority_v1_Opened_Start__Output = typeof _sessionauthority_v1_Opened_Start[keyof typeof _sessionauthority_v1_Opened_Start]

export interface Opened {
  'start'?: (_sessionauthority_v1_Opened_Start);
  'heartbeat'?: (_google_protobuf_Duration | null);
  'maxAccessTokenTtl'?: (_google_protobuf_Duration | null);
  'tenantIds'?: (string)[];
}

export interface Opened__Output {
  'start': (_sessionauthority_v1_Opened_Start__Output);
  'heartbeat': (_google_protobuf_Duration__Output | null);
  'maxAccessTokenTtl': (_google_protobuf_Duration__Output | null);
  'tenantIds': (string)[];
}

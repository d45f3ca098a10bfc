// Original file: proto/sessionauthority/v1/session_service.proto


// Original file: proto/sessionauthority/v1/session_service.proto

export const _sessionauthority_v1_Reset_Cause = {
  CAUSE_UNSPECIFIED: 'CAUSE_UNSPECIFIED',
  CAUSE_COMPACTED: 'CAUSE_COMPACTED',
  CAUSE_TRUNCATED: 'CAUSE_TRUNCATED',
  CAUSE_FOREIGN: 'CAUSE_FOREIGN',
  CAUSE_LAGGED: 'CAUSE_LAGGED',
} as const;

export type _sessionauthority_v1_Reset_Cause =
  | 'CAUSE_UNSPECIFIED'
  | 0
  | 'CAUSE_COMPACTED'
  | 1
  | 'CAUSE_TRUNCATED'
  | 2
  | 'CAUSE_FOREIGN'
  | 3
  | 'CAUSE_LAGGED'
  | 4

export type _sessionauthority_v1_Reset_Cause__Output = typeof _sessionauthority_v1_Reset_Cause[keyof typeof _sessionauthority_v1_Reset_Cause]

export interface Reset {
  'cause'?: (_sessionauthority_v1_Reset_Cause);
}

export interface Reset__Output {
  'cause': (_sessionauthority_v1_Reset_Cause__Output);
}

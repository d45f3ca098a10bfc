// Original file: proto/sessionauthority/v1/session_service.proto

export const Consistency = {
  CONSISTENCY_UNSPECIFIED: 'CONSISTENCY_UNSPECIFIED',
  CONSISTENCY_LOCAL: 'CONSISTENCY_LOCAL',
  CONSISTENCY_STRONG: 'CONSISTENCY_STRONG',
} as const;

export type Consistency =
  | 'CONSISTENCY_UNSPECIFIED'
  | 0
  | 'CONSISTENCY_LOCAL'
  | 1
  | 'CONSISTENCY_STRONG'
  | 2

export type Consistency__Output = typeof Consistency[keyof typeof Consistency]

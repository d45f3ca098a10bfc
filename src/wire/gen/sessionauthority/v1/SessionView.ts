// Original file: proto/sessionauthority/v1/session_service.proto

export const SessionView = {
  SESSION_VIEW_UNSPECIFIED: 'SESSION_VIEW_UNSPECIFIED',
  SESSION_VIEW_BASIC: 'SESSION_VIEW_BASIC',
  SESSION_VIEW_FULL: 'SESSION_VIEW_FULL',
} as const;

export type SessionView =
  | 'SESSION_VIEW_UNSPECIFIED'
  | 0
  | 'SESSION_VIEW_BASIC'
  | 1
  | 'SESSION_VIEW_FULL'
  | 2

export type SessionView__Output = typeof SessionView[keyof typeof SessionView]

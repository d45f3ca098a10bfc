// Original file: proto/sessionauthority/v1/session_service.proto

export const SessionState = {
  SESSION_STATE_UNSPECIFIED: 'SESSION_STATE_UNSPECIFIED',
  SESSION_STATE_ACTIVE: 'SESSION_STATE_ACTIVE',
  SESSION_STATE_EXPIRED: 'SESSION_STATE_EXPIRED',
  SESSION_STATE_REVOKED: 'SESSION_STATE_REVOKED',
} as const;

export type SessionState =
  | 'SESSION_STATE_UNSPECIFIED'
  | 0
  | 'SESSION_STATE_ACTIVE'
  | 1
  | 'SESSION_STATE_EXPIRED'
  | 2
  | 'SESSION_STATE_REVOKED'
  | 3

export type SessionState__Output = typeof SessionState[keyof typeof SessionState]

// Original file: proto/sessionauthority/v1/session_service.proto

export const TokenMode = {
  TOKEN_MODE_UNSPECIFIED: 'TOKEN_MODE_UNSPECIFIED',
  TOKEN_MODE_PAIR: 'TOKEN_MODE_PAIR',
  TOKEN_MODE_OPAQUE: 'TOKEN_MODE_OPAQUE',
} as const;

export type TokenMode =
  | 'TOKEN_MODE_UNSPECIFIED'
  | 0
  | 'TOKEN_MODE_PAIR'
  | 1
  | 'TOKEN_MODE_OPAQUE'
  | 2

export type TokenMode__Output = typeof TokenMode[keyof typeof TokenMode]

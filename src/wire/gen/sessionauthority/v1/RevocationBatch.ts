// Original file: proto/sessionauthority/v1/session_service.proto

import type { Revocation as _sessionauthority_v1_Revocation, Revocation__Output as _sessionauthority_v1_Revocation__Output } from '../../sessionauthority/v1/Revocation.ts';

export interface RevocationBatch {
  'revocations'?: (_sessionauthority_v1_Revocation)[];
  'cursor'?: (Buffer | Uint8Array | string);
}

export interface RevocationBatch__Output {
  'revocations': (_sessionauthority_v1_Revocation__Output)[];
  'cursor': (Buffer);
}

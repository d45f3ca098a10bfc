// Original file: proto/sessionauthority/v1/session_service.proto

import type { Opened as _sessionauthority_v1_Opened, Opened__Output as _sessionauthority_v1_Opened__Output } from '../../sessionauthority/v1/Opened.ts';
import type { Reset as _sessionauthority_v1_Reset, Reset__Output as _sessionauthority_v1_Reset__Output } from '../../sessionauthority/v1/Reset.ts';
import type { SnapshotChunk as _sessionauthority_v1_SnapshotChunk, SnapshotChunk__Output as _sessionauthority_v1_SnapshotChunk__Output } from '../../sessionauthority/v1/SnapshotChunk.ts';
import type { RevocationBatch as _sessionauthority_v1_RevocationBatch, RevocationBatch__Output as _sessionauthority_v1_RevocationBatch__Output } from '../../sessionauthority/v1/RevocationBatch.ts';
import type { Checkpoint as _sessionauthority_v1_Checkpoint, Checkpoint__Output as _sessionauthority_v1_Checkpoint__Output } from '../../sessionauthority/v1/Checkpoint.ts';
import type { Closing as _sessionauthority_v1_Closing, Closing__Output as _sessionauthority_v1_Closing__Output } from '../../sessionauthority/v1/Closing.ts';

export interface WatchRevocationsResponse {
  'opened'?: (_sessionauthority_v1_Opened | null);
  'reset'?: (_sessionauthority_v1_Reset | null);
  'snapshotChunk'?: (_sessionauthority_v1_SnapshotChunk | null);
  'batch'?: (_sessionauthority_v1_RevocationBatch | null);
  'checkpoint'?: (_sessionauthority_v1_Checkpoint | null);
  'closing'?: (_sessionauthority_v1_Closing | null);
  'frame'?: "opened"|"reset"|"snapshotChunk"|"batch"|"checkpoint"|"closing";
}

export interface WatchRevocationsResponse__Output {
  'opened'?: (_sessionauthority_v1_Opened__Output | null);
  'reset'?: (_sessionauthority_v1_Reset__Output | null);
  'snapshotChunk'?: (_sessionauthority_v1_SnapshotChunk__Output | null);
  'batch'?: (_sessionauthority_v1_RevocationBatch__Output | null);
  'checkpoint'?: (_sessionauthority_v1_Checkpoint__Output | null);
  'closing'?: (_sessionauthority_v1_Closing__Output | null);
  'frame'?: "opened"|"reset"|"snapshotChunk"|"batch"|"checkpoint"|"closing";
}

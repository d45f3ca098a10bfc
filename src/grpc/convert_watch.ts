import { LIMITS, MAX_ACCESS_TOKEN_TTL_MS } from '../domain/limits.ts';
import type { WatchFrame, WatchRequest } from '../domain/watch_frames.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { Revocation as WireRevocation } from '../wire/gen/sessionauthority/v1/Revocation.ts';
import type { WatchRevocationsRequest__Output } from '../wire/gen/sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse } from '../wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { msToDuration, msToTimestamp } from '../wire/time.ts';
import { REASONS } from './convert_response.ts';
import { Fields } from './fields.ts';

const HEARTBEAT_MS = { min: 250, max: 10_000, default: 1_000 };

const STARTS = { resumed: 'START_RESUMED', snapshot: 'START_SNAPSHOT' } as const;

const CAUSES = {
  compacted: 'CAUSE_COMPACTED',
  truncated: 'CAUSE_TRUNCATED',
  foreign: 'CAUSE_FOREIGN',
  lagged: 'CAUSE_LAGGED',
} as const;

export function toWatchRequest(
  wire: WatchRevocationsRequest__Output,
): WatchRequest & { readonly subscriberId: string } {
  const fields = new Fields();
  if (wire.cursor.length > LIMITS.watchCursor) fields.fault('cursor', `longer than ${LIMITS.watchCursor} bytes`);
  const tenantIds = wire.tenantIds.slice(0, LIMITS.watchTenants);
  if (tenantIds.length < wire.tenantIds.length) {
    fields.fault('tenant_ids', `more than ${LIMITS.watchTenants} items; leave it empty for all`);
  }
  const heartbeatMs = fields.durationMs('heartbeat', wire.heartbeat) ?? HEARTBEAT_MS.default;
  if (heartbeatMs < HEARTBEAT_MS.min || heartbeatMs > HEARTBEAT_MS.max) {
    fields.fault('heartbeat', 'not from 250 ms to 10 s');
  }
  const request = {
    cursor: wire.cursor,
    tenantIds: tenantIds.map((tenantId, index) => fields.text(`tenant_ids[${index}]`, tenantId, LIMITS.tenantId)),
    heartbeatMs,
    subscriberId: fields.text('subscriber_id', wire.subscriberId, LIMITS.subscriberId),
  };
  fields.check();
  return request;
}

export function fromWatchFrame(frame: WatchFrame): WatchRevocationsResponse {
  switch (frame.kind) {
    case 'opened':
      return {
        opened: {
          start: STARTS[frame.start],
          heartbeat: msToDuration(frame.heartbeatMs),
          // What this instance issues is shorter, but another may be configured otherwise, now or later.
          maxAccessTokenTtl: msToDuration(MAX_ACCESS_TOKEN_TTL_MS),
          tenantIds: [...frame.tenantIds],
        },
      };
    case 'reset':
      return { reset: { cause: CAUSES[frame.cause] } };
    case 'snapshot': {
      const { cursor } = frame;
      const revocations = frame.revocations.map(fromRevocation);
      return { snapshotChunk: { revocations, ...(cursor !== null && { complete: true, cursor }) } };
    }
    case 'batch':
      return { batch: { revocations: frame.revocations.map(fromRevocation), cursor: frame.cursor } };
    case 'checkpoint':
      return {
        checkpoint: {
          cursor: frame.cursor,
          staleness: msToDuration(frame.stalenessMs),
          asOfTime: msToTimestamp(frame.asOfMs),
        },
      };
    case 'closing':
      return { closing: { retryAfter: msToDuration(frame.retryAfterMs) } };
  }
}

function fromRevocation(revocation: Revocation): WireRevocation {
  const { discardTimeMs } = revocation;
  return {
    ...fromScope(revocation),
    ...(discardTimeMs !== null && discardTimeMs !== Infinity && { discardAfterTime: msToTimestamp(discardTimeMs) }),
    reason: REASONS[revocation.reason],
    revokeTime: msToTimestamp(revocation.revokeTimeMs),
  };
}

function fromScope({ scope }: Revocation): WireRevocation {
  switch (scope.kind) {
    case 'session':
      return { session: scope };
    case 'user':
      return { user: scope };
    case 'client':
      return { client: scope };
    case 'tenant':
      return { tenant: scope };
    case 'key':
      return { key: scope };
    case 'global':
      return { global: scope };
  }
}

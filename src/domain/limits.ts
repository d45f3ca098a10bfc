import { MAX_STRUCT_DEPTH } from '../wire/struct.ts';

/** The largest difference between the clocks of the service, its store and its verifiers. */
export const CLOCK_SKEW_MS = 30_000;

/** The longest that a step of the store may take, from call to answer. */
export const STORE_DEADLINE_MS = 5_000;

/** How long what was done under a request id is kept. */
export const REQUEST_RETENTION_MS = 24 * 3_600_000;

/** Lifetimes are announced to the store this long beyond their need, so that most steps need not write one. */
export const ANNOUNCE_AHEAD_MS = 3_600_000;

/** How often a session that lives on is looked at by the sweeper: an epoch may have ended it unnoticed. */
export const LOOK_AGAIN_MS = 24 * 3_600_000;

/** The longest lifetime that ACCESS_TOKEN_TTL may give; a verifier refuses tokens above it. */
export const MAX_ACCESS_TOKEN_TTL_MS = 24 * 3_600_000;

/** How long a consistency token is waited for where the call has no earlier deadline. */
export const CONSISTENCY_WAIT_MS = 2_000;

/** How stale a LOCAL answer may be where the request does not say. */
export const DEFAULT_MAX_STALENESS_MS = 60_000;

/** The latest times of how many spent generations a session remembers. */
export const REMEMBERED_GENERATIONS = 8;

/** Where a request leaves client_id empty. */
export const DEFAULT_CLIENT_ID = 'default';

/** Messages in either direction, in bytes. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** What a field of a request may hold: strings in bytes of UTF-8, lists in items. */
export const LIMITS = {
  tenantId: 128,
  userId: 256,
  clientId: 128,
  deviceId: 128,
  deviceName: 128,
  userAgent: 512,
  ipAddress: 64,
  acr: 128,
  amrItems: 16,
  amrItem: 64,
  actorReason: 256,
  audienceItems: 10,
  audience: 128,
  /** As JSON. */
  claims: 4096,
  /** As JSON. */
  data: 16_384,
  /** Objects and lists within each other, in claims and data. */
  structDepth: MAX_STRUCT_DEPTH,
  batchItems: 256,
  /** In a list's filter. */
  states: 16,
  pageSize: 200,
  defaultPageSize: 50,
  pageToken: 1024,
  etag: 64,
  consistencyToken: 256,
  /** Of one caller at once, at one instance. */
  consistencyWaits: 1000,
  /** With the most partitions that a store may have. */
  watchCursor: 20_480,
  watchTenants: 256,
  subscriberId: 128,
} as const;

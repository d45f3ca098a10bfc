import type { Session, SessionStatus } from '../../domain/session.ts';
import type { NewSession, SessionRecord } from '../../domain/store.ts';
import type { LogEntry } from '../../revocation/log.ts';
import { unpack } from './msgpack.ts';
import type { Revocation, RevocationReason, RevocationScope } from '../../revocation/revocation.ts';

/** What Redis answers a script's table with. */
export type Reply = number | string | Buffer | null | readonly Reply[];

/** The fields of a packed session, in their order; scripts know them as ROW_NAME. */
export const ROW_FIELDS = [
  'session_id',
  'tenant_id',
  'user_id',
  'client_id',
  'token_mode',
  'create_time_ms',
  'last_active_time_ms',
  'idle_timeout_ms',
  'absolute_timeout_ms',
  'absolute_expire_time_ms',
  'auth_time_ms',
  'acr',
  'amr',
  'device_id',
  'device_name',
  'user_agent',
  'ip_address',
  'actor',
  'audiences',
  'claims',
  'data',
  'version',
  'min_version',
  'user_generation',
  'client_generation',
  'tenant_generation',
  'global_generation',
  'nonce',
  'generation',
  'key_id',
  'spent_times_ms',
  'request_id',
  'request_hash',
  /** 0 = not revoked one by one. */
  'revoke_time_ms',
  'reason',
  /** The row is kept until then for a request's sake; 0 = for its retention alone. */
  'keep_until_ms',
] as const;

/** The fields of a packed epoch; scripts know them as EPOCH_NAME. */
export const EPOCH_FIELDS = [
  /** False where the record only refuses creates. */
  'minimum',
  'raise_time_ms',
  'reason',
  /** False where none is refused. */
  'deny_until_ms',
  'keep_until_ms',
  /** That of the log entry: tells a raise that is repeated from another one. */
  'tag',
] as const;

/** The fields of a packed request; scripts know them as REQUEST_NAME. */
export const REQUEST_FIELDS = [
  'hash',
  /** Empty where the request made no session. */
  'session_id',
  'generation',
  'ended',
  'revoked',
  /** False where nothing was counted. */
  'count',
  /** -1 = the record's own. */
  'head_partition',
  /** 0 = there was no entry. */
  'head_seq',
  'head_tag',
  'expire_time_ms',
  /** Of a login whose session begins in another partition: false, or what is needed to finish it. */
  'login',
] as const;

type Row = readonly Reply[];

const at = Object.fromEntries(ROW_FIELDS.map((field, index) => [field, index])) as Record<
  (typeof ROW_FIELDS)[number],
  number
>;

export function text(reply: Reply | undefined): string {
  if (typeof reply === 'string') return reply;
  if (reply instanceof Buffer) return reply.toString();
  throw new TypeError('the script gave something else than text');
}

export function number(reply: Reply | undefined): number {
  if (typeof reply === 'number') return reply;
  throw new TypeError('the script gave something else than a number');
}

export function list(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply as readonly Reply[];
  throw new TypeError('the script gave something else than a list');
}

/** Scripts know states by their number, as STATE_NAME. */
export const STATE_NUMBERS = { active: 1, expired: 2, revoked: 3 } as const;

/** [state, time, reason, packed row] */
export function toRecord(reply: Reply | undefined): SessionRecord {
  const [state, time, reason, row] = list(reply);
  if (!(row instanceof Buffer)) throw new TypeError('the script gave no packed session');
  return { session: toSession(list(unpack(row))), status: toStatus(number(state), number(time), text(reason)) };
}

function toStatus(state: number, timeMs: number, reason: string): SessionStatus {
  switch (state) {
    case STATE_NUMBERS.active:
      return { state: 'active' };
    case STATE_NUMBERS.expired:
      return { state: 'expired', timeMs };
    case STATE_NUMBERS.revoked:
      return { state: 'revoked', timeMs, reason: reason as RevocationReason };
    default:
      throw new TypeError('the script gave an unknown state');
  }
}

export function toSession(row: Row): Session {
  const int = (field: keyof typeof at) => number(row[at[field]]);
  const string = (field: keyof typeof at) => text(row[at[field]]);
  const revokeTimeMs = int('revoke_time_ms');
  return {
    sessionId: string('session_id'),
    tenantId: string('tenant_id'),
    userId: string('user_id'),
    clientId: string('client_id'),
    tokenMode: string('token_mode') as Session['tokenMode'],
    createTimeMs: int('create_time_ms'),
    lastActiveTimeMs: int('last_active_time_ms'),
    idleTimeoutMs: int('idle_timeout_ms'),
    absoluteTimeoutMs: int('absolute_timeout_ms'),
    absoluteExpireTimeMs: int('absolute_expire_time_ms'),
    authTimeMs: int('auth_time_ms'),
    acr: string('acr'),
    amr: list(row[at.amr]).map(text),
    device: {
      deviceId: string('device_id'),
      name: string('device_name'),
      userAgent: string('user_agent'),
      ipAddress: string('ip_address'),
    },
    actor: toActor(row[at.actor]),
    audiences: list(row[at.audiences]).map(text),
    claims: string('claims'),
    data: string('data'),
    version: int('version'),
    minVersion: int('min_version'),
    generations: [int('user_generation'), int('client_generation'), int('tenant_generation'), int('global_generation')],
    credential: {
      nonce: string('nonce'),
      generation: int('generation'),
      keyId: int('key_id'),
      spentTimesMs: list(row[at.spent_times_ms]).map(number),
      requestId: string('request_id'),
      requestHash: string('request_hash'),
    },
    revocation: revokeTimeMs === 0 ? null : { timeMs: revokeTimeMs, reason: string('reason') as RevocationReason },
  };
}

function toActor(reply: Reply | undefined): Session['actor'] {
  if (!Array.isArray(reply)) return null;
  return { userId: text(reply[0]), tenantId: text(reply[1]), reason: text(reply[2]) };
}

/** The row of a session that has not begun: what the step decides is 0 in it. false stands for null in scripts. */
export function draftRow(draft: NewSession): readonly unknown[] {
  const { device, actor } = draft;
  const fields: Record<keyof typeof at, unknown> = {
    session_id: draft.sessionId,
    tenant_id: draft.tenantId,
    user_id: draft.userId,
    client_id: draft.clientId,
    token_mode: draft.tokenMode,
    create_time_ms: 0,
    last_active_time_ms: 0,
    idle_timeout_ms: draft.idleTimeoutMs,
    absolute_timeout_ms: draft.absoluteTimeoutMs,
    absolute_expire_time_ms: 0,
    auth_time_ms: draft.authTimeMs ?? false,
    acr: draft.acr,
    amr: draft.amr,
    device_id: device.deviceId,
    device_name: device.name,
    user_agent: device.userAgent,
    ip_address: device.ipAddress,
    actor: actor === null ? false : [actor.userId, actor.tenantId, actor.reason],
    audiences: draft.audiences,
    claims: draft.claims,
    data: draft.data,
    version: 1,
    min_version: 0,
    user_generation: 0,
    client_generation: 0,
    tenant_generation: 0,
    global_generation: 0,
    nonce: draft.nonce,
    generation: 1,
    key_id: draft.keyId,
    spent_times_ms: [],
    request_id: '',
    request_hash: '',
    revoke_time_ms: 0,
    reason: '',
    keep_until_ms: 0,
  };
  return ROW_FIELDS.map((field) => fields[field]);
}

/** The order is that of lua/log.lua. */
type StoredEntry = readonly [
  tag: string,
  previousTag: string,
  revokeTimeMs: number,
  discardTimeMs: number,
  reason: RevocationReason,
  kind: 'session' | 'user' | 'client' | 'tenant' | 'global',
  tenantId: string,
  subject: string,
  minimum: number,
  exceptSessionId: string,
];

/** @param pairs position and JSON in turn, as the scripts give them */
export function toEntries(partition: number, pairs: readonly Reply[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let index = 0; index < pairs.length; index += 2) {
    entries.push(toEntry(partition, number(pairs[index]), text(pairs[index + 1])));
  }
  return entries;
}

function toEntry(partition: number, position: number, json: string): LogEntry {
  const [tag, previousTag, revokeTimeMs, discardTimeMs, reason, ...scope] = JSON.parse(json) as StoredEntry;
  return {
    partition,
    position,
    tag,
    previousTag,
    revocation: { scope: toScope(...scope), reason, revokeTimeMs, discardTimeMs },
  };
}

function toScope(
  kind: StoredEntry[5],
  tenantId: string,
  subject: string,
  minimum: number,
  exceptSessionId: string,
): RevocationScope {
  switch (kind) {
    case 'session':
      return { kind, tenantId, sessionId: subject, minVersion: minimum };
    case 'user':
      return { kind, tenantId, userId: subject, minGeneration: minimum, exceptSessionId };
    case 'client':
      return { kind, tenantId, clientId: subject, minGeneration: minimum };
    case 'tenant':
      return { kind, tenantId, minGeneration: minimum };
    case 'global':
      return { kind, minGeneration: minimum };
  }
}

/** What heal.lua appends again. */
export function toHealed({ scope, reason, revokeTimeMs }: Revocation): Readonly<Record<string, unknown>> {
  const entry = { timeMs: revokeTimeMs, reason, kind: scope.kind, tenantId: '', subject: '', exceptSessionId: '' };
  switch (scope.kind) {
    case 'session':
      return { ...entry, tenantId: scope.tenantId, subject: scope.sessionId, minimum: scope.minVersion };
    case 'user': {
      const { tenantId, userId, minGeneration, exceptSessionId } = scope;
      return { ...entry, tenantId, subject: userId, minimum: minGeneration, exceptSessionId };
    }
    case 'client':
      return { ...entry, tenantId: scope.tenantId, subject: scope.clientId, minimum: scope.minGeneration };
    case 'tenant':
      return { ...entry, tenantId: scope.tenantId, minimum: scope.minGeneration };
    case 'global':
      return { ...entry, minimum: scope.minGeneration };
    case 'key':
      throw new TypeError('this store logs no withdrawn keys');
  }
}

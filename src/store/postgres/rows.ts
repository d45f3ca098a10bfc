import {
  ANNOUNCE_AHEAD_MS,
  CLOCK_SKEW_MS,
  LIMITS,
  LOOK_AGAIN_MS,
  REMEMBERED_GENERATIONS,
  REQUEST_RETENTION_MS,
  STORE_DEADLINE_MS,
} from '../../domain/limits.ts';
import type { Device, SessionStatus } from '../../domain/session.ts';
import type { CreateOutcome, ReadOutcome, RefreshOutcome, RotateOutcome, SessionRecord } from '../../domain/store.ts';
import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import type { LogEntry, LogPosition } from '../../revocation/log.ts';
import type { RevocationReason } from '../../revocation/revocation.ts';
import { type Cell, type Row, toLogEntry, toSession } from '../rows.ts';

/** A nest_auth_outcome as JSON; null where a step has no such part. */
export interface OutcomeRow {
  readonly kind: string;
  readonly at_time: string;
  readonly session: SessionRow;
  readonly status: StatusRow;
  readonly previous_device: unknown;
  readonly result: unknown;
  readonly entries: readonly Row[] | null;
}

/** A row of nest_auth_sessions as JSON, whose times are texts (ISO 8601). */
export interface SessionRow {
  readonly refresh_spent_times: readonly number[];
  readonly [column: string]: string | number | null | readonly number[];
}

/** A nest_auth_status as JSON. */
export interface StatusRow {
  readonly state: SessionStatus['state'];
  readonly end_time: string;
  readonly end_reason: RevocationReason;
}

/** Gives `rulesText`, made anew where a test has moved the clock. */
export function rulesTextOf(rules: StoreRules, clock: ClockOffset, birthTimeMs: number): () => string {
  let made: { readonly offsetMs: number; readonly text: string } | null = null;
  return () => {
    const offsetMs = clock.ms;
    if (made?.offsetMs !== offsetMs) made = { offsetMs, text: rulesText(rules, offsetMs, birthTimeMs) };
    return made.text;
  };
}

/** The rules as a value of the type nest_auth_rules, whose fields have this order. */
export function rulesText(rules: StoreRules, clockOffsetMs: number, birthTimeMs: number): string {
  const fields = [
    ms(clockOffsetMs),
    birthTimeMs,
    ms(rules.accessTokenTtlMs),
    ms(rules.maxAbsoluteTimeoutMs),
    ms(rules.refreshGraceMs),
    ms(rules.touchIntervalMs),
    ms(rules.endedSessionRetentionMs),
    rules.limit.max,
    rules.limit.policy,
    ms(CLOCK_SKEW_MS),
    ms(2 * CLOCK_SKEW_MS + STORE_DEADLINE_MS),
    ms(ANNOUNCE_AHEAD_MS),
    ms(REQUEST_RETENTION_MS),
    ms(LOOK_AGAIN_MS),
    REMEMBERED_GENERATIONS,
    LIMITS.claims,
    LIMITS.data,
  ];
  return `(${fields.join(',')})`;
}

function ms(value: number): string {
  return `${value} ms`;
}

export function toRecord({ session, status }: { session: SessionRow; status: StatusRow }): SessionRecord {
  return { session: toSession(plainRow(session)), status: toStatus(status) };
}

function plainRow(row: SessionRow): Row {
  const plain = { ...row, refresh_spent_times: JSON.stringify(row.refresh_spent_times) } as Record<string, Cell>;
  for (const column of TIME_COLUMNS) plain[column] = plain[column] == null ? null : Date.parse(plain[column] as string);
  return plain;
}

const TIME_COLUMNS = ['create_time', 'last_active_time', 'absolute_expire_time', 'auth_time', 'revoke_time'];

function toStatus({ state, end_time: endTime, end_reason: reason }: StatusRow): SessionStatus {
  switch (state) {
    case 'active':
      return { state };
    case 'expired':
      return { state, timeMs: Date.parse(endTime) };
    case 'revoked':
      return { state, timeMs: Date.parse(endTime), reason };
  }
}

export function toEntries(rows: readonly Row[] | null): readonly LogEntry[] {
  return rows?.map(toLogEntry) ?? [];
}

/** `O` has each of the kinds that the step answers with. */
export function toBegun<O extends CreateOutcome | RotateOutcome>(row: OutcomeRow): O {
  const { kind } = row;
  if (!['created', 'rotated', 'repeated'].includes(kind)) return { kind } as O;
  const { endedSessionIds, head } = row.result as { endedSessionIds: readonly string[]; head: LogPosition | null };
  return { kind, record: toRecord(row), endedSessionIds, head, nowMs: Date.parse(row.at_time) } as O;
}

export function toRefreshed(row: OutcomeRow): RefreshOutcome {
  const kind = row.kind as RefreshOutcome['kind'];
  switch (kind) {
    case 'rotated':
    case 'replayed':
      return {
        kind,
        record: toRecord(row),
        previousDevice: row.previous_device as Device,
        nowMs: Date.parse(row.at_time),
      };
    case 'reused':
      return { kind, tenantId: toRecord(row).session.tenantId };
    case 'request_reused':
    case 'expired':
    case 'revoked':
    case 'unknown':
      return { kind };
  }
}

export function toRead(row: OutcomeRow): ReadOutcome {
  if (row.kind !== 'found') return { kind: 'unknown' };
  return { kind: 'found', record: toRecord(row), nowMs: Date.parse(row.at_time) };
}

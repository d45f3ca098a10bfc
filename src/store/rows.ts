import type { Actor, Session, TokenMode } from '../domain/session.ts';
import type { LogEntry } from '../revocation/log.ts';
import type { RevocationReason, RevocationScope } from '../revocation/revocation.ts';
import type { StoredKey } from '../token/keys.ts';

/** What a column holds, as every SQL engine is asked for it: times are ms since the epoch, lists are JSON texts. */
export type Cell = string | number | null | Uint8Array;
/** A row by column names, which are those of the migrations. */
export type Row = Readonly<Record<string, Cell>>;

export function toSession(row: Row): Session {
  const revokeTimeMs = row['revoke_time'] ?? null;
  return {
    sessionId: text(row, 'session_id'),
    tenantId: text(row, 'tenant_id'),
    userId: text(row, 'user_id'),
    clientId: text(row, 'client_id'),
    tokenMode: text(row, 'token_mode') as TokenMode,
    createTimeMs: number(row, 'create_time'),
    lastActiveTimeMs: number(row, 'last_active_time'),
    idleTimeoutMs: number(row, 'idle_timeout_ms'),
    absoluteTimeoutMs: number(row, 'absolute_timeout_ms'),
    absoluteExpireTimeMs: number(row, 'absolute_expire_time'),
    authTimeMs: number(row, 'auth_time'),
    acr: text(row, 'acr'),
    amr: json<string[]>(row, 'amr'),
    device: {
      deviceId: text(row, 'device_id'),
      name: text(row, 'device_name'),
      userAgent: text(row, 'user_agent'),
      ipAddress: text(row, 'ip_address'),
    },
    actor: row['actor'] === null ? null : json<Actor>(row, 'actor'),
    audiences: json<string[]>(row, 'audiences'),
    claims: text(row, 'claims'),
    data: text(row, 'data'),
    version: number(row, 'version'),
    minVersion: number(row, 'min_version'),
    generations: [
      number(row, 'user_generation'),
      number(row, 'client_generation'),
      number(row, 'tenant_generation'),
      number(row, 'global_generation'),
    ],
    credential: {
      nonce: text(row, 'refresh_nonce'),
      generation: number(row, 'refresh_generation'),
      keyId: number(row, 'refresh_key_id'),
      spentTimesMs: json<number[]>(row, 'refresh_spent_times'),
      requestId: text(row, 'refresh_request_id'),
      requestHash: text(row, 'refresh_request_hash'),
    },
    revocation:
      revokeTimeMs === null
        ? null
        : { timeMs: number(row, 'revoke_time'), reason: text(row, 'revocation_reason') as RevocationReason },
  };
}

export function toLogEntry(row: Row): LogEntry {
  return {
    partition: 0,
    position: number(row, 'position'),
    tag: text(row, 'tag'),
    previousTag: text(row, 'previous_tag'),
    revocation: {
      scope: toScope(row),
      discardTimeMs: row['discard_time'] === null ? null : number(row, 'discard_time'),
      reason: text(row, 'reason') as RevocationReason,
      revokeTimeMs: number(row, 'revoke_time'),
    },
  };
}

function toScope(row: Row): RevocationScope {
  const kind = text(row, 'scope') as RevocationScope['kind'];
  const tenantId = text(row, 'tenant_id');
  const subject = text(row, 'subject');
  const minimum = number(row, 'minimum');
  switch (kind) {
    case 'session':
      return { kind, tenantId, sessionId: subject, minVersion: minimum };
    case 'user':
      return {
        kind,
        tenantId,
        userId: subject,
        minGeneration: minimum,
        exceptSessionId: text(row, 'except_session_id'),
      };
    case 'client':
      return { kind, tenantId, clientId: subject, minGeneration: minimum };
    case 'tenant':
      return { kind, tenantId, minGeneration: minimum };
    case 'key':
      return { kind, kid: subject };
    case 'global':
      return { kind, minGeneration: minimum };
  }
}

/** What a log entry's scope is kept as: whom it names, and the minimum that it sets. */
export function scopeCells(scope: RevocationScope): {
  tenantId: string;
  subject: string;
  minimum: number;
  except: string;
} {
  switch (scope.kind) {
    case 'session':
      return { tenantId: scope.tenantId, subject: scope.sessionId, minimum: scope.minVersion, except: '' };
    case 'user':
      return {
        tenantId: scope.tenantId,
        subject: scope.userId,
        minimum: scope.minGeneration,
        except: scope.exceptSessionId,
      };
    case 'client':
      return { tenantId: scope.tenantId, subject: scope.clientId, minimum: scope.minGeneration, except: '' };
    case 'tenant':
      return { tenantId: scope.tenantId, subject: '', minimum: scope.minGeneration, except: '' };
    case 'key':
      return { tenantId: '', subject: scope.kid, minimum: 0, except: '' };
    case 'global':
      return { tenantId: '', subject: '', minimum: scope.minGeneration, except: '' };
  }
}

export function toStoredKey(row: Row): StoredKey {
  return {
    use: text(row, 'key_use') as StoredKey['use'],
    sequence: number(row, 'sequence'),
    keyId: text(row, 'key_id'),
    algorithm: text(row, 'algorithm'),
    publicJwk: text(row, 'public_jwk'),
    sealed: row['sealed'] as Uint8Array,
    activeTimeMs: number(row, 'active_time'),
  };
}

export function text(row: Row, column: string): string {
  return row[column] as string;
}

export function number(row: Row, column: string): number {
  return row[column] as number;
}

export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column)) as T;
}

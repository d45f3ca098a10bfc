import type { RevocationStreamEvent } from '../client/watch_events.ts';

type Revocation = Extract<RevocationStreamEvent, { kind: 'revocations' }>['revocations'][number];

/** Of the tenants of a stream, so many are named in a line for people. */
const NAMED_TENANTS = 10;

/** One line of `watch`. Times in ms. */
export type WatchReport =
  | Exclude<RevocationStreamEvent, { kind: 'revocations' | 'snapshot_complete' }>
  | { readonly kind: 'revocation'; readonly revocation: Revocation; readonly isSnapshot: boolean }
  | { readonly kind: 'snapshot_complete'; readonly count: number }
  | { readonly kind: 'stale' | 'fresh'; readonly ageMs: number };

/** A line for people, without its time; empty where there is nothing that they need to know. */
export function textOf(report: WatchReport): string {
  switch (report.kind) {
    case 'opened':
      return report.start === 'resumed' ? 'resumed' : toldOf(report.tenantIds);
    case 'reset':
      return `the service sends all revocations again: ${report.cause}`;
    case 'revocation':
      return `${endedBy(report.revocation)}: ${report.revocation.reason}`;
    case 'snapshot_complete':
      return `snapshot: ${report.count} revocations in force`;
    case 'unknown_scope':
      return 'a revocation of a kind that this version does not know: a later version shows it';
    case 'checkpoint':
      return '';
    case 'stale':
      return `stale: revocations of the last ${secondsOf(report.ageMs)} may be missing`;
    case 'fresh':
      return 'fresh again';
    case 'disconnected':
      return `disconnected: ${report.text}; next attempt in ${secondsOf(report.retryMs)}`;
    case 'refused':
      // The error that ends the program says it.
      return '';
  }
}

/** The same as an object for programs; its names are documented and stay. */
export function fieldsOf(report: WatchReport): Readonly<Record<string, unknown>> {
  switch (report.kind) {
    case 'opened':
      return {
        start: report.start,
        heartbeat_ms: report.heartbeatMs,
        max_access_token_ttl_ms: report.maxAccessTokenTtlMs,
        tenant_ids: report.tenantIds,
      };
    case 'reset':
      return { cause: report.cause };
    case 'revocation':
      return { snapshot: report.isSnapshot, ...revocationFields(report.revocation) };
    case 'snapshot_complete':
      return { count: report.count };
    case 'unknown_scope':
      return {};
    case 'checkpoint':
      return {
        staleness_ms: report.stalenessMs,
        age_ms: Math.round(report.ageMs),
        as_of_time: report.asOfMs === null ? null : isoTime(report.asOfMs),
      };
    case 'stale':
    case 'fresh':
      return { age_ms: Math.round(report.ageMs) };
    case 'disconnected':
      return { reason: report.reason, text: report.text, retry_ms: report.retryMs };
    case 'refused':
      return { reason: report.refusal.reason, text: report.refusal.text };
  }
}

/** RFC 3339, in UTC with ms. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function revocationFields({ scope, reason, revokeTimeMs, discardTimeMs }: Revocation): object {
  const { kind, ...named } = scope;
  return {
    scope: kind,
    ...Object.fromEntries(Object.entries(named).map(([name, value]) => [snakeCase(name), value])),
    reason,
    revoke_time: isoTime(revokeTimeMs),
    discard_after_time: discardTimeMs === null ? null : isoTime(discardTimeMs),
  };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function endedBy({ scope }: Revocation): string {
  switch (scope.kind) {
    case 'session': {
      const session = `session ${shown(scope.sessionId)}${ofTenant(scope.tenantId)}`;
      return scope.minVersion === 0 ? session : `access tokens below version ${scope.minVersion} of ${session}`;
    }
    case 'user': {
      const except = scope.exceptSessionId === '' ? '' : ` except session ${shown(scope.exceptSessionId)}`;
      return `user ${shown(scope.userId)}${ofTenant(scope.tenantId)}${except}`;
    }
    case 'client':
      return `client ${shown(scope.clientId)}${ofTenant(scope.tenantId)}`;
    case 'tenant':
      return scope.tenantId === '' ? 'every session without a tenant' : `tenant ${shown(scope.tenantId)}`;
    case 'key':
      return `signing key ${shown(scope.kid)}`;
    case 'global':
      return 'every session';
  }
}

function ofTenant(tenantId: string): string {
  return tenantId === '' ? '' : ` of tenant ${shown(tenantId)}`;
}

/** Empty for every tenant. */
function toldOf(tenantIds: readonly string[]): string {
  if (tenantIds.length === 0) return '';
  const named = tenantIds.slice(0, NAMED_TENANTS).map(shown).join(', ');
  const others = tenantIds.length - NAMED_TENANTS;
  return `revocations of these tenants alone: ${named}${others > 0 ? ` and ${others} more` : ''}`;
}

/** In quotes where the id could be read as a part of the sentence. */
function shown(id: string): string {
  return /^[\p{L}\p{N}._@+\-/|]+$/u.test(id) ? id : JSON.stringify(id);
}

function secondsOf(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : 'unknown time';
}

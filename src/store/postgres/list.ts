import knexModule from 'knex';
import type { ListQuery } from '../../domain/store.ts';
import { NIL_UUID, timeText, uuidOf } from './rows.ts';

/** Builds statements; it has no connection of its own. */
const knex = knexModule.knex({ client: 'pg' });

/** One page of a user's sessions, newest first, each with what it is at the store's time. */
export function listStatement(query: ListQuery, rulesText: string): { text: string; values: readonly unknown[] } {
  const { tenantId, userId, clientId, deviceId, states, limit, after } = query;
  const builder = knex
    .select(knex.raw('row_to_json(s) AS session, row_to_json(st) AS status'))
    .from(
      knex.raw(
        `(SELECT r, nest_auth_now(r) AS at_time FROM (SELECT ?::nest_auth_rules AS r) rules OFFSET 0) clock
        CROSS JOIN nest_auth_sessions s CROSS JOIN LATERAL nest_auth_status_of(s, clock.at_time) st`,
        [rulesText],
      ),
    )
    .where('s.tenant_id', tenantId)
    .where('s.user_id', userId)
    .whereIn('st.state', states)
    .whereRaw('NOT nest_auth_is_purged(clock.r, st, clock.at_time)')
    .orderBy([
      { column: 's.create_time', order: 'desc' },
      { column: 's.session_id', order: 'desc' },
    ])
    .limit(limit);
  if (clientId !== '') void builder.where('s.client_id', clientId);
  if (deviceId !== '') void builder.where('s.device_id', deviceId);
  if (after !== null) {
    const position = [timeText(after.createTimeMs), uuidOf(after.sessionId) ?? NIL_UUID];
    void builder.whereRaw('(s.create_time, s.session_id) < (?::timestamptz, ?::uuid)', position);
  }
  // Ended sessions may be many: where they are not asked for, an index passes over them.
  if (states.every((state) => state === 'active')) {
    void builder.whereNull('s.revoke_time').whereRaw(
      `s.user_generation >= coalesce((SELECT e.min_generation FROM nest_auth_epochs e
        WHERE e.scope = 'user' AND e.tenant_id = ? AND e.subject = ?), 0)`,
      [tenantId, userId],
    );
  }
  const { sql, bindings } = builder.toSQL().toNative();
  return { text: sql, values: bindings };
}

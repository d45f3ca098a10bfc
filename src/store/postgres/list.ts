import knexModule from 'knex';
import type { ListQuery } from '../../domain/store.ts';
import { NIL_UUID, timeText, uuidOf } from './commands.ts';

/** Builds statements; it has no connection of its own. */
const knex = knexModule.knex({ client: 'pg' });

/** One page of a user's sessions, newest first, each with what it is at the store's time. */
export function listStatement(query: ListQuery, rulesText: string): { text: string; values: readonly unknown[] } {
  const { tenantId, userId, clientId, deviceId, states, limit, after } = query;
  const clock = knex.raw('SELECT r, nest_auth_primary_now(r) AS at_time FROM (SELECT ?::nest_auth_rules AS r) rules', [
    rulesText,
  ]);
  // Ended sessions may be many: where they are not asked for, an index passes over them.
  const sessions = states.every((state) => state === 'active')
    ? 'nest_auth_live_of_user(?, ?, clock.at_time) s'
    : '(SELECT * FROM nest_auth_sessions WHERE tenant_id = ? AND user_id = ?) s';
  const builder = knex
    .withMaterialized('clock', clock)
    .select(knex.raw('nest_auth_json(s) AS session, nest_auth_json(st) AS status'))
    .from(
      knex.raw(`clock CROSS JOIN LATERAL ${sessions} CROSS JOIN LATERAL nest_auth_status_of(s, clock.at_time) st`, [
        tenantId,
        userId,
      ]),
    )
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
  const { sql, bindings } = builder.toSQL().toNative();
  return { text: sql, values: bindings };
}

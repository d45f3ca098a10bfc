import type { Statement } from './pool.ts';

/**
 * Calls a function that gives a nest_auth_outcome. As one value of JSON: reading a row of 40 columns, each with its description,
 * took the driver half as long again.
 */
function step(name: string, types: readonly string[]): Statement {
  return {
    name,
    text: `SELECT nest_auth_json(o) AS outcome FROM ${name}(${parameters(['nest_auth_rules', ...types])}) AS o`,
  };
}

/** Calls a function that does many commands, and gives an array of nest_auth_outcome. */
function stepEach(name: string): Statement {
  return { name, text: `SELECT nest_auth_json(o) AS outcomes FROM ${name}($1::nest_auth_rules, $2::jsonb) AS o` };
}

function parameters(types: readonly string[]): string {
  return types.map((type, index) => `$${index + 1}::${type}`).join(', ');
}

const REF = ['uuid', 'text[]', 'text', 'bigint', 'bigint', 'text'];
const REQUEST = ['text', 'text'];
const DEVICE = ['text', 'text', 'text', 'text'];
const REFRESH = ['uuid', 'text[]', 'text', 'text', 'bigint', 'bigint', ...REQUEST, ...DEVICE, 'text'];

/** The steps, each a function of the database, and what else is asked of it. */
export const STATEMENTS = {
  create: step('nest_auth_create', ['jsonb', 'boolean', ...REQUEST]),
  createEach: stepEach('nest_auth_create_each'),
  refresh: step('nest_auth_refresh', REFRESH),
  refreshEach: stepEach('nest_auth_refresh_each'),
  read: step('nest_auth_read', [...REF, 'boolean']),
  readEach: stepEach('nest_auth_read_each'),
  update: step('nest_auth_update', [...REF, 'text', 'text', 'text', 'text', 'text', 'bigint', 'boolean']),
  rotate: step('nest_auth_rotate', [...REF, 'jsonb', ...REQUEST]),
  revoke: step('nest_auth_revoke', ['jsonb']),
  raise: step('nest_auth_raise', [
    'text',
    'text',
    'text',
    'text',
    'uuid',
    'timestamptz',
    'text',
    'timestamptz',
    ...REQUEST,
  ]),
  sweep: {
    name: 'nest_auth_sweep',
    text: 'SELECT sessions, requests, epochs, log_entries, more FROM nest_auth_sweep($1::nest_auth_rules, $2::integer)',
  },
  exceptFault: {
    name: 'nest_auth_except_fault',
    text: `SELECT nest_auth_except_fault(r, $2::text, $3::text, $4::text, $5::uuid, nest_auth_primary_now(r)) AS fault
      FROM (SELECT $1::nest_auth_rules AS r) rules`,
  },
  countSelected: {
    name: 'nest_auth_count_selected',
    text: `SELECT count(*)::integer AS live FROM (SELECT $1::nest_auth_rules AS r) rules,
      nest_auth_selected($2::text, $3::text, $4::text, $5::uuid, $6::text, $7::timestamptz, nest_auth_now(r))`,
  },
  /** Of a tenant, of one of its clients, or of everything: null does not select. */
  countLive: {
    name: 'nest_auth_count_live',
    text: `SELECT count(*)::integer AS live
      FROM (SELECT nest_auth_primary_now($1::nest_auth_rules) AS at_time OFFSET 0) clock
      CROSS JOIN nest_auth_sessions s
      LEFT JOIN nest_auth_epochs u ON u.scope = 'user' AND u.tenant_id = s.tenant_id
        AND u.subject = nest_auth_subject(s.user_id, s.session_id)
      LEFT JOIN nest_auth_epochs c ON c.scope = 'client' AND c.tenant_id = s.tenant_id AND c.subject = s.client_id
      LEFT JOIN nest_auth_epochs t ON t.scope = 'tenant' AND t.tenant_id = s.tenant_id AND t.subject = ''
      LEFT JOIN nest_auth_epochs g ON g.scope = 'global' AND g.tenant_id = '' AND g.subject = ''
      WHERE ($2::text IS NULL OR s.tenant_id = $2) AND ($3::text IS NULL OR s.client_id = $3) AND s.revoke_time IS NULL
        AND nest_auth_expire_time(s) > clock.at_time
        AND s.user_generation >= coalesce(u.min_generation, 0) AND s.client_generation >= coalesce(c.min_generation, 0)
        AND s.tenant_generation >= coalesce(t.min_generation, 0) AND s.global_generation >= coalesce(g.min_generation, 0)`,
  },
  holdLease: {
    name: 'nest_auth_hold_lease',
    text: `INSERT INTO nest_auth_leases AS l (name, holder, expire_time)
      SELECT $2::text, $3::text, at_time + $4::double precision * interval '1 millisecond'
      FROM (SELECT nest_auth_now($1::nest_auth_rules) AS at_time) clock
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expire_time = excluded.expire_time
      WHERE l.holder = excluded.holder OR l.expire_time <= nest_auth_now($1::nest_auth_rules)
      RETURNING l.holder`,
  },
  keys: {
    name: 'nest_auth_all_keys',
    text: `SELECT key_use, sequence, key_id, algorithm, public_jwk, sealed, to_json(nest_auth_ms(active_time)) AS active_time
      FROM nest_auth_keys ORDER BY key_use, sequence`,
  },
  insertKey: {
    name: 'nest_auth_insert_key',
    text: `INSERT INTO nest_auth_keys (key_use, sequence, key_id, algorithm, public_jwk, sealed, active_time)
      VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::double precision / 1000)) ON CONFLICT DO NOTHING`,
  },
  /** Announces the instance's lifetime, and fails where the role has not the rights that every step needs. */
  usable: {
    name: 'nest_auth_usable',
    text: `SELECT nest_auth_announce(r, 'access_token', (r).access_token_ttl, nest_auth_now(r)), (
        SELECT count(*) FROM nest_auth_sessions s WHERE s.session_id = '00000000-0000-0000-0000-000000000000'
      ) FROM (SELECT $1::nest_auth_rules AS r) rules`,
  },
  meta: {
    name: 'nest_auth_read_meta',
    text: 'SELECT name, value FROM nest_auth_meta',
  },
  headTag: {
    name: 'nest_auth_head_tag',
    text: 'SELECT tag FROM nest_auth_revocations ORDER BY position DESC LIMIT 1',
  },
  /** In a transaction of its own: one that had written would hold a lock of the whole server while it commits. */
  notify: {
    name: 'nest_auth_notify',
    text: 'SELECT pg_notify($1, $2)',
  },
  /** Gives nothing. */
  heal: {
    name: 'nest_auth_heal',
    text: 'SELECT nest_auth_heal($1::nest_auth_rules, $2::jsonb)',
  },
  /** A write, so that a server which lost its place as primary, or its standby, does not answer. */
  beat: {
    name: 'nest_auth_beat',
    text: `WITH beat AS (
        INSERT INTO nest_auth_leases AS l (name, holder, expire_time) VALUES ('beat', $1::text, now())
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expire_time = excluded.expire_time
        RETURNING 1
      )
      SELECT json_build_object('position', h.head_position, 'tag', h.head_tag) AS head FROM beat, nest_auth_head() h`,
  },
  /** From a position on, that one included, so that its tag can be compared. */
  logFrom: {
    name: 'nest_auth_log_from',
    text: `SELECT nest_auth_entry(r) AS entry FROM nest_auth_revocations r
      WHERE r.position >= $1::bigint ORDER BY r.position LIMIT $2::integer`,
  },
} as const satisfies Readonly<Record<string, Statement>>;

-- What every step is made of.
--
-- A step takes its locks in one order, so that no two steps wait for each other: request ids, scopes (user, client,
-- tenant, global), session rows by id, announced lifetimes, and the log last. Whatever a step decides by, it reads in a statement after the
-- lock that guards it: each statement of a volatile function sees what was committed before that statement.
--
-- A step that vouches for a session shares the locks of its four scopes until it commits; a raise takes its scope's lock for
-- itself. So no token is issued below a minimum whose raise is already numbered, however long its commit may take. The locks
-- are advisory: measured beside FOR SHARE on the rows of nest_auth_epochs (16 connections, pgbench) a step was a third faster,
-- and a user who never raised anything needs no row.

-- What a step obeys: the rules of the instance that asks, and the constants of the program.
CREATE TYPE nest_auth_rules AS (
  clock_offset interval,
  birth_ms bigint,
  access_token_ttl interval,
  max_absolute_timeout interval,
  refresh_grace interval,
  touch_interval interval,
  ended_session_retention interval,
  max_sessions integer,
  limit_policy text,
  clock_skew interval,
  discard_margin interval,
  announce_ahead interval,
  request_retention interval,
  look_again interval,
  remembered_generations integer,
  max_claims_bytes integer,
  max_data_bytes integer
);

-- What a session is at a moment: active, expired or revoked; since when, and why it was revoked.
CREATE TYPE nest_auth_status AS (state text, end_time timestamptz, end_reason text);

-- What a step ends, as the log says it.
CREATE TYPE nest_auth_ending AS (
  scope text,
  tenant_id text,
  subject text,
  minimum bigint,
  except_session_id text,
  reason text
);

-- What a step answers. `entries` are what it appended to the log, oldest first; `result` is what a request id keeps.
CREATE TYPE nest_auth_outcome AS (
  kind text,
  at_time timestamptz,
  session nest_auth_sessions,
  status nest_auth_status,
  previous_device json,
  result json,
  entries json
);

-- The store's clock, in whole ms.
CREATE FUNCTION nest_auth_now(p_rules nest_auth_rules) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT date_trunc('milliseconds', clock_timestamp() + (p_rules).clock_offset)
$$;

-- Ms since the epoch.
CREATE FUNCTION nest_auth_ms(p_time timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (extract(epoch FROM p_time) * 1000)::bigint
$$;

-- A value as instances read it, whatever the settings of the role: its times are in UTC.
CREATE FUNCTION nest_auth_json(p_value anyelement) RETURNS json LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
BEGIN
  RETURN to_json(p_value);
END
$$;

-- The same clock for what only reads, and is to be true: a standby may be behind.
CREATE FUNCTION nest_auth_primary_now(p_rules nest_auth_rules) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_read_only') = 'on' THEN
    RAISE EXCEPTION 'the server takes no writes' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN nest_auth_now(p_rules);
END
$$;

-- An id holds no control character, so that no two names make one text.
CREATE FUNCTION nest_auth_lock_key(p_kind text, p_tenant_id text, p_subject text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(p_kind || E'\x01' || p_tenant_id || E'\x01' || p_subject, 7235961870)
$$;

-- Whose epoch binds a session: its user, or itself where it is anonymous.
CREATE FUNCTION nest_auth_subject(p_user_id text, p_session_id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_user_id WHEN '' THEN p_session_id::text ELSE p_user_id END
$$;

CREATE FUNCTION nest_auth_share_scopes(p_session_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM
    pg_advisory_xact_lock_shared(nest_auth_lock_key('user', s.tenant_id, nest_auth_subject(s.user_id, s.session_id))),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('client', s.tenant_id, s.client_id)),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('tenant', s.tenant_id, '')),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('global', '', ''))
  FROM nest_auth_sessions s
  WHERE s.session_id = p_session_id;
END
$$;

-- For a step that begins a session of the user: one at a time, since each counts what the others began.
CREATE FUNCTION nest_auth_lock_user(p_tenant_id text, p_subject text, p_client_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM
    pg_advisory_xact_lock(nest_auth_lock_key('user', p_tenant_id, p_subject)),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('client', p_tenant_id, p_client_id)),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('tenant', p_tenant_id, '')),
    pg_advisory_xact_lock_shared(nest_auth_lock_key('global', '', ''));
END
$$;

CREATE FUNCTION nest_auth_lock_request(p_request_key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key('request', '', p_request_key));
END
$$;

CREATE FUNCTION nest_auth_lock_sessions(p_session_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(p_session_ids) > 0 THEN
    PERFORM FROM nest_auth_sessions s WHERE s.session_id = ANY (p_session_ids) ORDER BY s.session_id FOR UPDATE;
  END IF;
END
$$;
<<<<<<< HEAD

-- The earlier of the idle and the absolute limit.
CREATE FUNCTION nest_auth_expire_time(s nest_auth_sessions) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT least(
    CASE WHEN (s).idle_timeout_ms > 0 THEN (s).last_active_time + (s).idle_timeout_ms * interval '1 millisecond' END,
    (s).absolute_expire_time
  )
$$;

-- Whichever came first decides: the session's own revocation, an epoch of one of its scopes, or a limit.
CREATE FUNCTION nest_auth_status_of(s nest_auth_sessions, p_now timestamptz) RETURNS nest_auth_status
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_status nest_auth_status;
  v_expire_time timestamptz := nest_auth_expire_time(s);
  v_raise_time timestamptz;
  v_reason text;
BEGIN
  v_status.end_time := s.revoke_time;
  v_status.end_reason := s.revocation_reason;
  SELECT e.raise_time, e.reason INTO v_raise_time, v_reason
  FROM (
    SELECT 1 AS rank, raise_time, reason FROM nest_auth_epochs
    WHERE scope = 'user' AND tenant_id = s.tenant_id AND subject = nest_auth_subject(s.user_id, s.session_id)
      AND min_generation > s.user_generation
    UNION ALL
    SELECT 2, raise_time, reason FROM nest_auth_epochs
    WHERE scope = 'client' AND tenant_id = s.tenant_id AND subject = s.client_id
      AND min_generation > s.client_generation
    UNION ALL
    SELECT 3, raise_time, reason FROM nest_auth_epochs
    WHERE scope = 'tenant' AND tenant_id = s.tenant_id AND subject = '' AND min_generation > s.tenant_generation
    UNION ALL
    SELECT 4, raise_time, reason FROM nest_auth_epochs
    WHERE scope = 'global' AND tenant_id = '' AND subject = '' AND min_generation > s.global_generation
  ) e
  ORDER BY e.raise_time, e.rank
  LIMIT 1;
  IF v_raise_time < coalesce(v_status.end_time, 'infinity') THEN
    v_status.end_time := v_raise_time;
    v_status.end_reason := v_reason;
  END IF;
  IF v_expire_time <= least(v_status.end_time, p_now) THEN
    v_status := ROW('expired', v_expire_time, NULL);
  ELSIF v_status.end_time IS NULL THEN
    v_status.state := 'active';
  ELSE
    v_status.state := 'revoked';
  END IF;
  RETURN v_status;
END
$$;

-- An ended session is unknown once its retention has passed, swept or not.
CREATE FUNCTION nest_auth_is_purged(p_rules nest_auth_rules, p_status nest_auth_status, p_now timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT (p_status).state <> 'active' AND (p_status).end_time + (p_rules).ended_session_retention <= p_now
$$;

-- When the sweeper looks at a session: once it can be purged, or else now and then.
CREATE FUNCTION nest_auth_purge_time(
  p_rules nest_auth_rules, s nest_auth_sessions, p_status nest_auth_status, p_now timestamptz
) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT least(
    CASE (p_status).state WHEN 'active' THEN nest_auth_expire_time(s) ELSE (p_status).end_time END
      + (p_rules).ended_session_retention,
    p_now + (p_rules).look_again
  )
$$;

-- Whether a reference of these parts names the session; null parts are not asked for.
CREATE FUNCTION nest_auth_is_named(
  s nest_auth_sessions, p_tenant_id text, p_nonce text, p_generation bigint, p_version bigint, p_audience text
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT (s).session_id IS NOT NULL
    AND (p_tenant_id IS NULL OR (s).tenant_id = p_tenant_id)
    AND (p_nonce IS NULL OR (s).refresh_nonce = p_nonce)
    AND (p_generation IS NULL OR (s).refresh_generation <= p_generation)
    AND (p_version IS NULL OR (s).min_version <= p_version)
    AND (p_audience IS NULL OR jsonb_exists((s).audiences::jsonb, p_audience))
$$;

-- Before a token or session of this lifetime begins, the store knows that the lifetime is in force. Announced beyond the need,
-- so that most steps need not write it.
CREATE FUNCTION nest_auth_announce(p_rules nest_auth_rules, p_kind text, p_lifetime interval, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_lifetime_ms bigint := extract(epoch FROM p_lifetime) * 1000;
  v_needed timestamptz := p_now + p_lifetime + p_rules.clock_skew;
BEGIN
  PERFORM FROM nest_auth_lifetimes l
  WHERE l.kind = p_kind AND l.lifetime_ms = v_lifetime_ms AND l.in_force_until >= v_needed;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO nest_auth_lifetimes AS l (kind, lifetime_ms, in_force_until)
  VALUES (p_kind, v_lifetime_ms, v_needed + p_rules.announce_ahead)
  ON CONFLICT (kind, lifetime_ms) DO UPDATE SET in_force_until = greatest(l.in_force_until, excluded.in_force_until);
END
$$;

-- The longest lifetime of the kind that is in force; null where none is.
CREATE FUNCTION nest_auth_longest_lifetime(p_kind text, p_now timestamptz) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT max(l.lifetime_ms) * interval '1 millisecond' FROM nest_auth_lifetimes l
    WHERE l.kind = p_kind AND l.in_force_until > p_now
  );
END
$$;

-- After this time nothing is accepted that a revocation numbered now ends.
CREATE FUNCTION nest_auth_discard_time(p_rules nest_auth_rules, p_now timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  RETURN p_now + greatest(p_rules.access_token_ttl, nest_auth_longest_lifetime('access_token', p_now)) + p_rules.discard_margin;
END
$$;

-- Appends to the log and gives the entries as JSON. The lock is held until the commit, so that positions are dense in
-- the order in which they become visible.
CREATE FUNCTION nest_auth_append(p_rules nest_auth_rules, p_revoke_time timestamptz, p_endings nest_auth_ending[]) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  v_position bigint := 0;
  v_tag text := '0000000000000000';
  v_discard_time timestamptz;
  v_entries json;
BEGIN
  IF coalesce(cardinality(p_endings), 0) = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key('log', '', ''));
  v_discard_time := nest_auth_discard_time(p_rules, nest_auth_now(p_rules));
  SELECT head_position, head_tag INTO v_position, v_tag FROM nest_auth_head();
  WITH numbered AS MATERIALIZED (
    SELECT e.*, gen_random_uuid()::text AS id FROM unnest(p_endings) WITH ORDINALITY e
  ), tagged AS (
    -- 8 random bytes as hex: those of a random UUID that hold no constant bits.
    SELECT n.*, left(n.id, 8) || right(n.id, 8) AS tag,
      lag(left(n.id, 8) || right(n.id, 8), 1, v_tag) OVER (ORDER BY n.ordinality) AS previous_tag
    FROM numbered n
  ), appended AS (
    INSERT INTO nest_auth_revocations
      (position, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id, discard_time, reason, revoke_time)
    SELECT v_position + ordinality, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id,
      v_discard_time, reason, p_revoke_time
    FROM tagged
    RETURNING *
  )
  SELECT json_agg(nest_auth_entry(a) ORDER BY a.position) INTO v_entries FROM appended a;
  RETURN v_entries;
END
$$;

-- The last entry; position 0 before there is one.
CREATE FUNCTION nest_auth_head(OUT head_position bigint, OUT head_tag text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.position, r.tag INTO head_position, head_tag FROM nest_auth_revocations r ORDER BY r.position DESC LIMIT 1;
  IF NOT FOUND THEN
    head_position := 0;
    head_tag := '0000000000000000';
  END IF;
END
$$;

-- An entry as instances read it; times in ms.
CREATE FUNCTION nest_auth_entry(r nest_auth_revocations) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'position', (r).position, 'tag', (r).tag, 'previous_tag', (r).previous_tag, 'scope', (r).scope,
    'tenant_id', (r).tenant_id, 'subject', (r).subject, 'minimum', (r).minimum,
    'except_session_id', (r).except_session_id, 'discard_time', nest_auth_ms((r).discard_time),
    'reason', (r).reason, 'revoke_time', nest_auth_ms((r).revoke_time)
  )
$$;

-- The position that the last of these entries gave the log; null where there is none.
CREATE FUNCTION nest_auth_head_of(p_entries json) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_entries IS NOT NULL
    THEN json_build_object('partition', 0, 'position', p_entries -> -1 -> 'position', 'tag', p_entries -> -1 -> 'tag')
  END
$$;

-- Ends these very sessions, whose rows are locked; gives what the log is to say, in the order of the ids given.
CREATE FUNCTION nest_auth_end(p_rules nest_auth_rules, p_session_ids uuid[], p_reason text, p_now timestamptz)
RETURNS nest_auth_ending[] LANGUAGE plpgsql AS $$
DECLARE
  v_endings nest_auth_ending[];
BEGIN
  IF cardinality(p_session_ids) = 0 THEN
    RETURN '{}';
  END IF;
  WITH ended AS (
    UPDATE nest_auth_sessions s
    SET revoke_time = p_now, revocation_reason = p_reason, purge_time = p_now + p_rules.ended_session_retention
    WHERE s.session_id = ANY (p_session_ids) AND s.revoke_time IS NULL
    RETURNING s.session_id, s.tenant_id
  )
  SELECT array_agg(
    ROW('session', e.tenant_id, e.session_id::text, 0, '', p_reason)::nest_auth_ending
    ORDER BY array_position(p_session_ids, e.session_id)
  )
  INTO v_endings FROM ended e;
  RETURN coalesce(v_endings, '{}');
END
$$;

-- Keeps the row of a session that has just ended: a repeat of the request that ended it finds its record through it.
CREATE FUNCTION nest_auth_keep_for_request(p_rules nest_auth_rules, p_session_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE nest_auth_sessions s
  SET purge_time = p_now + greatest(p_rules.ended_session_retention, p_rules.request_retention)
  WHERE s.session_id = p_session_id;
END
$$;

-- Records what was done under a request id, not the answer: no token is at rest.
CREATE FUNCTION nest_auth_remember(
  p_rules nest_auth_rules, p_request_key text, p_request_hash text, s nest_auth_sessions, p_result json, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_request_key IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO nest_auth_requests (request_key, request_hash, session_id, refresh_generation, result, expire_time)
  VALUES (
    p_request_key, p_request_hash, coalesce(s.session_id::text, ''), coalesce(s.refresh_generation, 0), p_result::text,
    p_now + p_rules.request_retention
  )
  ON CONFLICT (request_key) DO UPDATE SET
    request_hash = excluded.request_hash,
    session_id = excluded.session_id,
    refresh_generation = excluded.refresh_generation,
    result = excluded.result,
    expire_time = excluded.expire_time;
END
$$;

-- The user's live sessions. Their user, tenant and global minima are one each, looked up once.
CREATE FUNCTION nest_auth_live_of_user(p_tenant_id text, p_user_id text, p_now timestamptz) RETURNS SETOF nest_auth_sessions
LANGUAGE sql STABLE AS $$
  SELECT s.* FROM nest_auth_sessions s
  WHERE p_user_id <> '' AND s.tenant_id = p_tenant_id AND s.user_id = p_user_id AND s.revoke_time IS NULL
    AND s.user_generation >= coalesce((
      SELECT e.min_generation FROM nest_auth_epochs e
      WHERE e.scope = 'user' AND e.tenant_id = p_tenant_id AND e.subject = p_user_id
    ), 0)
    AND s.tenant_generation >= coalesce((
      SELECT e.min_generation FROM nest_auth_epochs e
      WHERE e.scope = 'tenant' AND e.tenant_id = p_tenant_id AND e.subject = ''
    ), 0)
    AND s.global_generation >= coalesce((
      SELECT e.min_generation FROM nest_auth_epochs e WHERE e.scope = 'global' AND e.tenant_id = '' AND e.subject = ''
    ), 0)
    AND s.client_generation >= coalesce((
      SELECT e.min_generation FROM nest_auth_epochs e
      WHERE e.scope = 'client' AND e.tenant_id = p_tenant_id AND e.subject = s.client_id
    ), 0)
    AND nest_auth_expire_time(s) > p_now
$$;

-- Which sessions make room for one more, in the order of the policy; null where it refuses one more. `p_leaving` end anyway.
CREATE FUNCTION nest_auth_to_evict(
  p_rules nest_auth_rules, p_tenant_id text, p_user_id text, p_leaving uuid[], p_now timestamptz
) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
  v_surplus bigint;
BEGIN
  IF p_rules.max_sessions = 0 OR p_user_id = '' THEN
    RETURN '{}';
  END IF;
  SELECT count(*) + 1 - p_rules.max_sessions INTO v_surplus
  FROM nest_auth_live_of_user(p_tenant_id, p_user_id, p_now) l
  WHERE l.actor IS NULL AND l.session_id <> ALL (p_leaving);
  IF v_surplus <= 0 THEN
    RETURN '{}';
  ELSIF p_rules.limit_policy = 'reject' THEN
    RETURN NULL;
  END IF;
  RETURN ARRAY(
    SELECT l.session_id FROM nest_auth_live_of_user(p_tenant_id, p_user_id, p_now) l
    WHERE l.actor IS NULL AND l.session_id <> ALL (p_leaving)
    ORDER BY CASE p_rules.limit_policy WHEN 'evict-oldest' THEN l.create_time ELSE l.last_active_time END, l.session_id
    LIMIT v_surplus
  );
END
$$;

-- A session that begins now, under the minima in force; null generations where an epoch refuses the user's creates.
-- The caller holds the locks of its scopes.
CREATE FUNCTION nest_auth_under_minima(p_rules nest_auth_rules, s nest_auth_sessions, p_now timestamptz) RETURNS nest_auth_sessions
LANGUAGE plpgsql AS $$
DECLARE
  v_deny_until timestamptz;
BEGIN
  SELECT
    coalesce(max(e.min_generation) FILTER (WHERE e.scope = 'user'), p_rules.birth_ms),
    coalesce(max(e.min_generation) FILTER (WHERE e.scope = 'client'), p_rules.birth_ms),
    coalesce(max(e.min_generation) FILTER (WHERE e.scope = 'tenant'), p_rules.birth_ms),
    coalesce(max(e.min_generation) FILTER (WHERE e.scope = 'global'), p_rules.birth_ms),
    max(e.deny_create_until) FILTER (WHERE e.scope = 'user')
  INTO s.user_generation, s.client_generation, s.tenant_generation, s.global_generation, v_deny_until
  FROM nest_auth_epochs e
  WHERE (e.scope = 'user' AND e.tenant_id = s.tenant_id AND e.subject = nest_auth_subject(s.user_id, s.session_id))
    OR (e.scope = 'client' AND e.tenant_id = s.tenant_id AND e.subject = s.client_id)
    OR (e.scope = 'tenant' AND e.tenant_id = s.tenant_id AND e.subject = '')
    OR (e.scope = 'global' AND e.tenant_id = '' AND e.subject = '');
  IF s.user_id <> '' AND v_deny_until > p_now THEN
    s.user_generation := NULL;
  END IF;
  RETURN s;
END
$$;

-- Inserts the row of a session that begins now; what the draft leaves open is that of the step.
CREATE FUNCTION nest_auth_begin(
  p_rules nest_auth_rules, s nest_auth_sessions, p_create_time timestamptz, p_now timestamptz
) RETURNS nest_auth_sessions LANGUAGE plpgsql AS $$
BEGIN
  s.create_time := p_create_time;
  s.last_active_time := p_now;
  s.absolute_expire_time := p_create_time + s.absolute_timeout_ms * interval '1 millisecond';
  s.auth_time := coalesce(s.auth_time, p_now);
  s.version := 1;
  s.min_version := 0;
  s.refresh_generation := 1;
  s.refresh_spent_times := '{}';
  s.refresh_request_id := '';
  s.refresh_request_hash := '';
  s.revoke_time := NULL;
  s.revocation_reason := NULL;
  s.purge_time := nest_auth_purge_time(p_rules, s, ROW('active', NULL, NULL)::nest_auth_status, p_now);
  PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, p_now);
  PERFORM nest_auth_announce(p_rules, 'session', p_rules.max_absolute_timeout, p_now);
  INSERT INTO nest_auth_sessions SELECT s.*;
  RETURN s;
END
$$;

-- What a repeat of a create or rotation finds: kind is null where the request is new. Takes the request's lock.
CREATE FUNCTION nest_auth_repeat(p_rules nest_auth_rules, p_request_key text, p_request_hash text) RETURNS nest_auth_outcome
LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_request nest_auth_requests;
  v_session nest_auth_sessions;
BEGIN
  IF p_request_key IS NULL THEN
    RETURN o;
  END IF;
  PERFORM nest_auth_lock_request(p_request_key);
  SELECT * INTO v_request FROM nest_auth_requests r
  WHERE r.request_key = p_request_key AND r.expire_time > nest_auth_now(p_rules);
  IF NOT FOUND THEN
    RETURN o;
  ELSIF v_request.request_hash <> p_request_hash THEN
    o.kind := 'request_reused';
    RETURN o;
  END IF;
  PERFORM nest_auth_share_scopes(v_request.session_id::uuid);
  SELECT * INTO v_session FROM nest_auth_sessions s WHERE s.session_id = v_request.session_id::uuid FOR SHARE;
  o.kind := 'superseded';
  IF NOT FOUND OR v_session.refresh_generation <> v_request.refresh_generation THEN
    RETURN o;
  END IF;
  o.at_time := nest_auth_now(p_rules);
  o.status := nest_auth_status_of(v_session, o.at_time);
  IF (o.status).state = 'active' THEN
    PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, o.at_time);
    o.kind := 'repeated';
    o.session := v_session;
    o.result := v_request.result::json;
  END IF;
  RETURN o;
END
$$;
=======
>>>>>>> main

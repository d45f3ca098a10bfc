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

-- How sessions begin and end within a step.

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
    ROW('session', e.tenant_id, e.session_id::text, 0, '', p_reason)::nest_auth_ending ORDER BY given.ordinality
  )
  INTO v_endings FROM ended e JOIN unnest(p_session_ids) WITH ORDINALITY given (session_id, ordinality) USING (session_id);
  RETURN coalesce(v_endings, '{}');
END
$$;

-- Whom these endings end.
CREATE FUNCTION nest_auth_subjects(p_endings nest_auth_ending[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT e.subject FROM unnest(p_endings) WITH ORDINALITY e ORDER BY e.ordinality);
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

-- Inserts the row of a session that begins now; what the draft leaves open is that of the step. A column
-- that a later migration adds needs a value here: no default comes into play.
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

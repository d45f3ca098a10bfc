-- What a session is at a moment, and whether it is the one that is meant.

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

-- Ends what a scope names: by a raised minimum, or a user's matching sessions one by one where a device or a time is given.
CREATE FUNCTION nest_auth_raise(
  p_rules nest_auth_rules, p_scope text, p_tenant_id text, p_subject text, p_reason text, p_except_session_id uuid,
  p_deny_create_until timestamptz, p_device_id text, p_create_time_before timestamptz, p_request_key text, p_request_hash text
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_request nest_auth_requests;
  v_request_key text := p_request_key || ':' || p_subject;
  v_one_by_one boolean := p_device_id <> '' OR p_create_time_before IS NOT NULL;
  v_selected uuid[];
  v_minimum bigint;
  v_count integer;
  v_head jsonb;
BEGIN
  IF p_request_key IS NOT NULL THEN
    PERFORM nest_auth_lock_request(v_request_key);
    SELECT * INTO v_request FROM nest_auth_requests r
    WHERE r.request_key = v_request_key AND r.expire_time > nest_auth_now(p_rules);
    IF FOUND THEN
      o.kind := CASE WHEN v_request.request_hash = p_request_hash THEN 'repeated' ELSE 'request_reused' END;
      o.result := v_request.result::json;
      RETURN o;
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key(p_scope, p_tenant_id, p_subject));
  o.at_time := nest_auth_now(p_rules);
  IF v_one_by_one THEN
    v_selected := ARRAY(SELECT nest_auth_selected(
      p_scope, p_tenant_id, p_subject, p_except_session_id, p_device_id, p_create_time_before, o.at_time
    ));
  END IF;
  PERFORM nest_auth_lock_sessions(v_selected || p_except_session_id);
  o.kind := nest_auth_except_fault(p_rules, p_scope, p_tenant_id, p_subject, p_except_session_id, o.at_time);
  IF o.kind IS NOT NULL THEN
    RETURN o;
  END IF;

  IF v_one_by_one THEN
    IF p_deny_create_until IS NOT NULL THEN
      PERFORM nest_auth_put_epoch(p_rules, p_scope, p_tenant_id, p_subject, NULL, NULL, p_deny_create_until, o.at_time);
    END IF;
    o.entries := nest_auth_append(p_rules, o.at_time, nest_auth_end(p_rules, v_selected, p_reason, o.at_time));
    v_count := coalesce(json_array_length(o.entries), 0);
  ELSE
    v_minimum := nest_auth_put_epoch(
      p_rules, p_scope, p_tenant_id, p_subject, nest_auth_ms(o.at_time), p_reason, p_deny_create_until, o.at_time
    );
    UPDATE nest_auth_sessions s SET user_generation = v_minimum WHERE s.session_id = p_except_session_id;
    o.entries := nest_auth_append(p_rules, o.at_time, ARRAY[
      ROW(p_scope, p_tenant_id, p_subject, v_minimum, coalesce(p_except_session_id::text, ''), p_reason)::nest_auth_ending
    ]);
  END IF;
  SELECT coalesce(nest_auth_head_of(o.entries)::jsonb, jsonb_build_object('partition', 0, 'position', h.head_position, 'tag', h.head_tag))
  INTO v_head FROM nest_auth_head() h;
  o.kind := 'done';
  o.result := json_build_object('count', v_count, 'head', v_head);
  PERFORM nest_auth_remember(p_rules, v_request_key, p_request_hash, NULL, o.result, o.at_time);
  RETURN o;
END
$$;

-- The user's live sessions that a raise ends one by one, in the order of their ids.
CREATE FUNCTION nest_auth_selected(
  p_scope text, p_tenant_id text, p_subject text, p_except_session_id uuid, p_device_id text, p_create_time_before timestamptz,
  p_now timestamptz
) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT l.session_id
  FROM nest_auth_live_of_user(p_tenant_id, CASE p_scope WHEN 'user' THEN p_subject ELSE '' END, p_now) l
  WHERE l.session_id IS DISTINCT FROM p_except_session_id
    AND (p_device_id = '' OR l.device_id = p_device_id)
    AND (p_create_time_before IS NULL OR l.create_time < p_create_time_before)
  ORDER BY l.session_id
$$;

-- Why the session that is to be spared can't be; null where it can, or none was named. STABLE: row and epochs are of one moment.
CREATE FUNCTION nest_auth_except_fault(
  p_rules nest_auth_rules, p_scope text, p_tenant_id text, p_subject text, p_session_id uuid, p_now timestamptz
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_session nest_auth_sessions;
  v_status nest_auth_status;
BEGIN
  IF p_session_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT * INTO v_session FROM nest_auth_sessions s
  WHERE s.session_id = p_session_id AND p_scope = 'user' AND s.tenant_id = p_tenant_id AND s.user_id = p_subject;
  IF NOT FOUND THEN
    RETURN 'except_unknown';
  END IF;
  v_status := nest_auth_status_of(v_session, p_now);
  RETURN CASE
    WHEN nest_auth_is_purged(p_rules, v_status, p_now) THEN 'except_unknown'
    WHEN v_status.state <> 'active' THEN 'except_ended'
  END;
END
$$;

-- Raises the scope's minimum beyond the present one, to `p_minimum` at least, and gives it; where that is null it stays. Null for
-- `p_deny_create_until` leaves what is recorded. Kept until no session that it ended can be live.
CREATE FUNCTION nest_auth_put_epoch(
  p_rules nest_auth_rules, p_scope text, p_tenant_id text, p_subject text, p_minimum bigint, p_reason text,
  p_deny_create_until timestamptz, p_now timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_minimum bigint;
  v_keep_until timestamptz := greatest(
    p_now + greatest(p_rules.max_absolute_timeout, nest_auth_longest_lifetime('session', p_now)),
    nest_auth_discard_time(p_rules, p_now),
    p_deny_create_until
  );
BEGIN
  INSERT INTO nest_auth_epochs AS e
    (scope, tenant_id, subject, min_generation, deny_create_until, raise_time, reason, keep_until)
  VALUES (
    p_scope, p_tenant_id, p_subject, CASE WHEN p_minimum IS NOT NULL THEN greatest(p_minimum, p_rules.birth_ms + 1) END,
    p_deny_create_until, CASE WHEN p_minimum IS NOT NULL THEN p_now END, p_reason, v_keep_until
  )
  ON CONFLICT (scope, tenant_id, subject) DO UPDATE SET
    min_generation = CASE
      WHEN p_minimum IS NULL THEN e.min_generation
      ELSE greatest(p_minimum, coalesce(e.min_generation, p_rules.birth_ms) + 1)
    END,
    raise_time = coalesce(excluded.raise_time, e.raise_time),
    reason = coalesce(excluded.reason, e.reason),
    deny_create_until = coalesce(excluded.deny_create_until, e.deny_create_until),
    keep_until = greatest(e.keep_until, excluded.keep_until)
  RETURNING e.min_generation INTO v_minimum;
  RETURN v_minimum;
END
$$;

-- Ends a session and begins its successor. `p_change` holds columns of nest_auth_sessions by name; absent ones are carried over.
CREATE FUNCTION nest_auth_rotate(
  p_rules nest_auth_rules, p_session_id uuid, p_tenant_ids text[], p_nonce text, p_generation bigint, p_version bigint,
  p_audience text, p_change jsonb, p_request_key text, p_request_hash text
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_old nest_auth_sessions;
  v_new nest_auth_sessions;
  v_request_key text;
  v_evicted uuid[] := '{}';
  v_endings nest_auth_ending[];
  v_starts_anew boolean;
  v_create_time timestamptz;
BEGIN
  -- A repeat comes with a credential that the first call spent: only the tenants and nonce bind it.
  SELECT * INTO v_old FROM nest_auth_sessions s WHERE s.session_id = p_session_id;
  IF NOT nest_auth_is_named(v_old, p_tenant_ids, p_nonce, NULL, NULL, NULL) THEN
    o.kind := 'unknown';
    RETURN o;
  END IF;
  v_request_key := p_request_key || ':' || nest_auth_subject(v_old.user_id, v_old.session_id);
  o := nest_auth_repeat(p_rules, v_request_key, p_request_hash);
  IF o.kind IS NOT NULL THEN
    RETURN o;
  END IF;

  -- Who a session is of never changes: the successor's user can be locked before the rows are.
  v_new := jsonb_populate_record(v_old, p_change);
  PERFORM pg_advisory_xact_lock_shared(nest_auth_lock_key('user', v_old.tenant_id, p_session_id::text))
  WHERE v_old.user_id <> v_new.user_id;
  PERFORM nest_auth_lock_user(v_new.tenant_id, nest_auth_subject(v_new.user_id, v_new.session_id), v_new.client_id);
  IF v_old.user_id <> v_new.user_id AND v_old.actor IS NULL THEN
    v_evicted := nest_auth_to_evict(p_rules, v_new.tenant_id, v_new.user_id, ARRAY[p_session_id], nest_auth_now(p_rules));
  END IF;
  PERFORM nest_auth_lock_sessions(v_evicted || p_session_id);

  SELECT * INTO v_old FROM nest_auth_sessions s WHERE s.session_id = p_session_id;
  o := nest_auth_found(p_rules, v_old, p_tenant_ids, p_nonce, p_generation, p_version, p_audience);
  IF o.kind = 'unknown' THEN
    RETURN o;
  ELSIF (o.status).state <> 'active' THEN
    o.kind := 'ended';
    RETURN o;
  ELSIF v_old.user_id NOT IN ('', v_new.user_id) THEN
    o.kind := 'other_user';
    RETURN o;
  END IF;

  v_new := nest_auth_successor(p_rules, v_old, p_change, o.at_time);
  v_new := nest_auth_under_minima(p_rules, v_new, o.at_time);
  v_starts_anew := v_new.auth_time > v_old.auth_time;
  v_create_time := CASE WHEN v_starts_anew THEN o.at_time ELSE v_old.create_time END;
  o.kind := CASE
    WHEN v_new.user_generation IS NULL THEN 'blocked'
    WHEN v_evicted IS NULL THEN 'limit'
    WHEN v_create_time + v_new.absolute_timeout_ms * interval '1 millisecond' <= o.at_time THEN 'timeout_passed'
    ELSE 'rotated'
  END;
  IF o.kind <> 'rotated' THEN
    RETURN o;
  END IF;

  v_new := nest_auth_begin(p_rules, v_new, v_create_time, o.at_time);
  v_endings := nest_auth_end(p_rules, ARRAY[p_session_id], 'rotated', o.at_time)
    || nest_auth_end(p_rules, v_evicted, 'session_limit', o.at_time);
  o.entries := nest_auth_append(p_rules, o.at_time, v_endings);
  o.session := v_new;
  o.status := nest_auth_status_of(v_new, o.at_time);
  o.result := json_build_object('endedSessionIds', nest_auth_subjects(v_endings), 'head', nest_auth_head_of(o.entries));
  IF p_request_key IS NOT NULL THEN
    PERFORM nest_auth_remember(p_rules, v_request_key, p_request_hash, v_new, o.result, o.at_time);
    PERFORM nest_auth_keep_for_request(p_rules, p_session_id, o.at_time);
  END IF;
  RETURN o;
END
$$;

-- The same step in two parts: one takes the locks of its request and its scopes, the other goes by them. `p_session` holds columns of
-- nest_auth_sessions by name; absent ones are decided here.
CREATE OR REPLACE FUNCTION nest_auth_create(
  p_rules nest_auth_rules, p_session jsonb, p_replace_device_sessions boolean, p_request_key text, p_request_hash text
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_new nest_auth_sessions := jsonb_populate_record(NULL::nest_auth_sessions, p_session);
  v_request_key text := p_request_key || ':' || v_new.user_id;
BEGIN
  o := nest_auth_repeat(p_rules, v_request_key, p_request_hash);
  IF o.kind IS NOT NULL THEN
    RETURN o;
  END IF;
  PERFORM nest_auth_lock_user(v_new.tenant_id, nest_auth_subject(v_new.user_id, v_new.session_id), v_new.client_id);
  RETURN nest_auth_create_locked(p_rules, v_new, p_replace_device_sessions, v_request_key, p_request_hash, true);
END
$$;

-- Begins a session. Null where others would have to end, and it may not wait for their rows.
CREATE FUNCTION nest_auth_create_locked(
  p_rules nest_auth_rules, p_new nest_auth_sessions, p_replace_device_sessions boolean, p_request_key text,
  p_request_hash text, p_may_wait boolean
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_new nest_auth_sessions := p_new;
  v_replaced uuid[] := '{}';
  v_evicted uuid[] := '{}';
  v_endings nest_auth_ending[];
BEGIN
  o.at_time := nest_auth_now(p_rules);
  v_new := nest_auth_under_minima(p_rules, v_new, o.at_time);
  IF v_new.user_generation IS NULL THEN
    o.kind := 'blocked';
    RETURN o;
  END IF;

  IF p_replace_device_sessions THEN
    v_replaced := ARRAY(
      SELECT l.session_id FROM nest_auth_live_of_user(v_new.tenant_id, v_new.user_id, o.at_time) l
      WHERE l.device_id = v_new.device_id ORDER BY l.create_time, l.session_id
    );
  END IF;
  IF v_new.actor IS NULL THEN
    v_evicted := nest_auth_to_evict(p_rules, v_new.tenant_id, v_new.user_id, v_replaced, o.at_time);
  END IF;
  IF v_evicted IS NULL THEN
    o.kind := 'limit';
    RETURN o;
  END IF;

  IF NOT p_may_wait AND cardinality(v_replaced || v_evicted) > 0 THEN
    RETURN NULL;
  END IF;
  PERFORM nest_auth_lock_sessions(v_replaced || v_evicted);
  v_new := nest_auth_begin(p_rules, v_new, o.at_time, o.at_time);
  v_endings := nest_auth_end(p_rules, v_replaced, 'device_replaced', o.at_time)
    || nest_auth_end(p_rules, v_evicted, 'session_limit', o.at_time);
  o.entries := nest_auth_append(p_rules, o.at_time, v_endings);
  o.kind := 'created';
  o.session := v_new;
  o.status := ROW('active', NULL, NULL);
  o.result := json_build_object('endedSessionIds', nest_auth_subjects(v_endings), 'head', nest_auth_head_of(o.entries));
  PERFORM nest_auth_remember(p_rules, p_request_key, p_request_hash, v_new, o.result, o.at_time);
  RETURN o;
END
$$;

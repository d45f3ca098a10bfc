-- Request ids, by which a repeat is known.

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

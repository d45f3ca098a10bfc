-- Changes claims, data (each 'replace' or 'merge', null = leave) and the device's name.
CREATE FUNCTION nest_auth_update(
  p_rules nest_auth_rules, p_session_id uuid, p_tenant_ids text[], p_nonce text, p_generation bigint, p_token_version bigint,
  p_audience text, p_claims_change text, p_claims text, p_data_change text, p_data text, p_device_name text, p_version bigint,
  p_supersede boolean
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_session nest_auth_sessions;
BEGIN
  PERFORM nest_auth_share_scopes(p_session_id);
  SELECT * INTO v_session FROM nest_auth_sessions s WHERE s.session_id = p_session_id FOR UPDATE;
  o := nest_auth_found(p_rules, v_session, p_tenant_ids, p_nonce, p_generation, p_token_version, p_audience);
  IF o.kind = 'unknown' THEN
    RETURN o;
  ELSIF (o.status).state <> 'active' THEN
    o.kind := 'ended';
    RETURN o;
  ELSIF p_version <> v_session.version THEN
    o.kind := 'etag_mismatch';
    RETURN o;
  END IF;

  v_session.claims := nest_auth_changed(v_session.claims, p_claims_change, p_claims);
  v_session.data := nest_auth_changed(v_session.data, p_data_change, p_data);
  IF octet_length(v_session.claims) > p_rules.max_claims_bytes OR octet_length(v_session.data) > p_rules.max_data_bytes THEN
    o.kind := 'too_large';
    o.result := json_build_object(
      'field', CASE WHEN octet_length(v_session.claims) > p_rules.max_claims_bytes THEN 'claims' ELSE 'data' END
    );
    RETURN o;
  END IF;

  UPDATE nest_auth_sessions s SET
    claims = v_session.claims,
    data = v_session.data,
    device_name = coalesce(p_device_name, s.device_name),
    version = s.version + 1,
    min_version = CASE WHEN p_supersede THEN s.version + 1 ELSE s.min_version END
  WHERE s.session_id = p_session_id
  RETURNING * INTO v_session;
  IF p_supersede THEN
    o.entries := nest_auth_append(p_rules, o.at_time, ARRAY[
      ROW('session', v_session.tenant_id, p_session_id::text, v_session.version, '', 'security')::nest_auth_ending
    ]);
  END IF;
  o.kind := 'updated';
  o.session := v_session;
  o.result := json_build_object('head', nest_auth_head_of(o.entries));
  RETURN o;
END
$$;

-- Reads a session; where `p_touch` is set, slides the idle timeout of a live one whose last touch is long enough ago.
CREATE FUNCTION nest_auth_read(
  p_rules nest_auth_rules, p_session_id uuid, p_tenant_ids text[], p_nonce text, p_generation bigint, p_version bigint,
  p_audience text, p_touch boolean
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_session nest_auth_sessions;
BEGIN
  PERFORM nest_auth_primary_now(p_rules);
  -- The row and its epochs in one statement: a raise that spares the session changes both.
  SELECT f.* INTO o
  FROM nest_auth_sessions s,
    nest_auth_found(p_rules, s, p_tenant_ids, p_nonce, p_generation, p_version, p_audience) f
  WHERE s.session_id = p_session_id;
  o.kind := coalesce(o.kind, 'unknown');
  IF p_touch AND nest_auth_touch_is_due(p_rules, o) THEN
    -- Decided anew under the row's lock: another step may have come in between.
    SELECT * INTO v_session FROM nest_auth_sessions s WHERE s.session_id = p_session_id FOR UPDATE;
    o := nest_auth_found(p_rules, v_session, p_tenant_ids, p_nonce, p_generation, p_version, p_audience);
    IF nest_auth_touch_is_due(p_rules, o) THEN
      UPDATE nest_auth_sessions s SET last_active_time = o.at_time WHERE s.session_id = p_session_id
      RETURNING * INTO v_session;
      o.session := v_session;
    END IF;
  END IF;
  -- The answer for an opaque token may be reused for as long as an access token lives.
  IF o.kind = 'found' AND (o.session).token_mode = 'opaque' AND (o.status).state = 'active' THEN
    PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, o.at_time);
  END IF;
  RETURN o;
END
$$;

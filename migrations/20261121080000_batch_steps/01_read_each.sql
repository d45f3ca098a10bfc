-- Reads sessions, each by a command of its own: the outcomes in the order of the commands. It writes nothing and waits for no lock:
-- null stands for a session whose touch is due, or whose answer needs a lifetime announced first. That takes a step of its own.
CREATE FUNCTION nest_auth_read_each(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  v_lifetime_ms bigint := extract(epoch FROM p_rules.access_token_ttl) * 1000;
  v_in_force_until timestamptz;
BEGIN
  PERFORM nest_auth_primary_now(p_rules);
  SELECT l.in_force_until INTO v_in_force_until FROM nest_auth_lifetimes l
  WHERE l.kind = 'access_token' AND l.lifetime_ms = v_lifetime_ms;
  -- The rows and their epochs in one statement: a raise that spares a session changes both.
  RETURN ARRAY(
    SELECT CASE WHEN NOT (r.touch AND nest_auth_touch_is_due(p_rules, f))
      -- The answer for an opaque token may be reused for as long as an access token lives.
      AND NOT (f.kind = 'found' AND (f.session).token_mode = 'opaque' AND (f.status).state = 'active'
        AND coalesce(v_in_force_until < f.at_time + p_rules.access_token_ttl + p_rules.clock_skew, true))
      THEN f END
    FROM ROWS FROM (jsonb_to_recordset(p_commands) AS (
      session_id uuid, tenant_ids text[], nonce text, generation bigint, version bigint, audience text, touch boolean
    )) WITH ORDINALITY AS r
    LEFT JOIN nest_auth_sessions s USING (session_id),
      nest_auth_found(p_rules, s, r.tenant_ids, r.nonce, r.generation, r.version, r.audience) f
    ORDER BY r.ordinality
  );
END
$$;

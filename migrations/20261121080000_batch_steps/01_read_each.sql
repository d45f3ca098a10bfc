-- Reads sessions, each by a command of its own: the outcomes in the order of the commands. Null stands for a session whose touch
-- is due: that takes a lock, and a step of its own.
CREATE FUNCTION nest_auth_read_each(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  v_outcomes nest_auth_outcome[];
BEGIN
  PERFORM nest_auth_primary_now(p_rules);
  -- The rows and their epochs in one statement: a raise that spares a session changes both.
  v_outcomes := ARRAY(
    SELECT CASE WHEN NOT (r.touch AND nest_auth_touch_is_due(p_rules, f)) THEN f END
    FROM ROWS FROM (jsonb_to_recordset(p_commands) AS (
      session_id uuid, tenant_ids text[], nonce text, generation bigint, version bigint, audience text, touch boolean
    )) WITH ORDINALITY AS r
    LEFT JOIN nest_auth_sessions s USING (session_id),
      nest_auth_found(p_rules, s, r.tenant_ids, r.nonce, r.generation, r.version, r.audience) f
    ORDER BY r.ordinality
  );
  -- The answer for an opaque token may be reused for as long as an access token lives.
  PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, nest_auth_now(p_rules))
  WHERE EXISTS (
    SELECT FROM unnest(v_outcomes) o WHERE (o.session).token_mode = 'opaque' AND (o.status).state = 'active'
  );
  RETURN v_outcomes;
END
$$;

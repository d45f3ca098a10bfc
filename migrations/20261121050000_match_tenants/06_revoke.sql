-- Ends sessions one by one, each by a command of its own; no two commands name one session or one request. `result` holds their
-- outcomes in the order of the commands: kind, revoked, repeated, head.
CREATE FUNCTION nest_auth_revoke(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_command record;
  v_session nest_auth_sessions;
  v_request nest_auth_requests;
  v_request_key text;
  v_live boolean;
  v_endings nest_auth_ending[] := '{}';
  v_outcome jsonb;
  v_outcomes jsonb[] := '{}';
BEGIN
  PERFORM nest_auth_lock_request(k.request_key)
  FROM (
    SELECT r.request_key || ':' || nest_auth_subject(s.user_id, s.session_id) AS request_key
    FROM jsonb_to_recordset(p_commands) AS r (session_id uuid, request_key text)
    JOIN nest_auth_sessions s USING (session_id)
    WHERE r.request_key IS NOT NULL
    ORDER BY 1
    OFFSET 0
  ) k;
  PERFORM nest_auth_lock_sessions(ARRAY(SELECT r.session_id FROM jsonb_to_recordset(p_commands) AS r (session_id uuid)));
  o.at_time := nest_auth_now(p_rules);

  FOR v_command IN
    SELECT * FROM jsonb_to_recordset(p_commands) AS r (
      session_id uuid, tenant_ids text[], nonce text, generation bigint, version bigint, audience text,
      request_key text, request_hash text, reason text
    )
  LOOP
    SELECT * INTO v_session FROM nest_auth_sessions s WHERE s.session_id = v_command.session_id;
    v_outcome := jsonb_build_object('kind', 'done', 'revoked', false, 'repeated', false, 'head', NULL);
    IF nest_auth_is_named(v_session, v_command.tenant_ids, v_command.nonce,
      v_command.generation, v_command.version, v_command.audience) THEN
      v_request_key := v_command.request_key || ':' || nest_auth_subject(v_session.user_id, v_session.session_id);
      SELECT * INTO v_request FROM nest_auth_requests r WHERE r.request_key = v_request_key AND r.expire_time > o.at_time;
      IF NOT FOUND THEN
        v_live := (nest_auth_status_of(v_session, o.at_time)).state = 'active';
        v_outcome := v_outcome || jsonb_build_object('revoked', v_live, 'request_key', v_request_key,
          'request_hash', v_command.request_hash, 'ending', NULL);
        IF v_live THEN
          v_endings := v_endings || nest_auth_end(p_rules, ARRAY[v_command.session_id], v_command.reason, o.at_time);
          v_outcome := v_outcome || jsonb_build_object('ending', cardinality(v_endings) - 1);
        END IF;
        IF v_live AND v_command.request_key IS NOT NULL THEN
          PERFORM nest_auth_keep_for_request(p_rules, v_command.session_id, o.at_time);
        END IF;
      ELSIF v_request.request_hash <> v_command.request_hash THEN
        v_outcome := jsonb_build_object('kind', 'request_reused');
      ELSE
        v_outcome := v_outcome || v_request.result::jsonb || jsonb_build_object('repeated', true);
      END IF;
    END IF;
    v_outcomes := v_outcomes || v_outcome;
  END LOOP;

  o.entries := nest_auth_append(p_rules, o.at_time, v_endings);
  o.kind := 'done';
  o.result := nest_auth_revoked(p_rules, v_outcomes, o.entries, o.at_time);
  RETURN o;
END
$$;

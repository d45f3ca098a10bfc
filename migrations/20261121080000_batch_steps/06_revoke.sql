-- What a command to revoke comes to: `ends` where it ends the session now, `head` where the request was done before. The
-- key and hash are null where nothing is to be remembered.
CREATE TYPE nest_auth_verdict AS (
  ordinality bigint,
  kind text,
  session_id uuid,
  tenant_id text,
  is_named boolean,
  ends boolean,
  reason text,
  request_key text,
  request_hash text,
  repeated json
);

DROP FUNCTION nest_auth_revoked;

-- Ends sessions, each by a command of its own; no two commands name one session or one request. `result` holds their outcomes in the
-- order of the commands: kind, revoked, repeated, head. Each statement does its part for all of them: measured with
-- 64 calls in flight, one by one took the server about four times the time.
CREATE OR REPLACE FUNCTION nest_auth_revoke(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_verdicts nest_auth_verdict[];
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
  v_verdicts := nest_auth_verdicts(p_commands, o.at_time);

  UPDATE nest_auth_sessions s
  SET revoke_time = o.at_time, revocation_reason = v.reason,
    -- A repeat of the request finds its record through the row.
    purge_time = o.at_time + CASE WHEN v.request_key IS NULL THEN p_rules.ended_session_retention
      ELSE greatest(p_rules.ended_session_retention, p_rules.request_retention) END
  FROM unnest(v_verdicts) v
  WHERE v.ends AND s.session_id = v.session_id;
  o.entries := nest_auth_append(p_rules, o.at_time, ARRAY(
    SELECT ROW('session', v.tenant_id, v.session_id::text, 0, '', v.reason)::nest_auth_ending
    FROM unnest(v_verdicts) v WHERE v.ends ORDER BY v.ordinality
  ));
  o.kind := 'done';
  o.result := nest_auth_revoked(p_rules, v_verdicts, o.entries, o.at_time);
  RETURN o;
END
$$;

-- The caller holds the rows and the requests.
CREATE FUNCTION nest_auth_verdicts(p_commands jsonb, p_now timestamptz) RETURNS nest_auth_verdict[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(
    SELECT ROW(
      r.ordinality,
      CASE WHEN named.it AND q.request_hash <> r.request_hash THEN 'request_reused' ELSE 'done' END,
      r.session_id,
      s.tenant_id,
      named.it,
      named.it AND q.request_key IS NULL AND (nest_auth_status_of(s, p_now)).state = 'active',
      r.reason,
      CASE WHEN named.it AND q.request_key IS NULL THEN named.request_key END,
      r.request_hash,
      CASE WHEN named.it THEN q.result::json END
    )::nest_auth_verdict
    FROM ROWS FROM (jsonb_to_recordset(p_commands) AS (
      session_id uuid, tenant_ids text[], nonce text, generation bigint, version bigint, audience text,
      request_key text, request_hash text, reason text
    )) WITH ORDINALITY AS r
    LEFT JOIN nest_auth_sessions s USING (session_id)
    CROSS JOIN LATERAL (
      SELECT nest_auth_is_named(s, r.tenant_ids, r.nonce, r.generation, r.version, r.audience) AS it,
        r.request_key || ':' || nest_auth_subject(s.user_id, s.session_id) AS request_key
    ) named
    LEFT JOIN nest_auth_requests q ON q.request_key = named.request_key AND q.expire_time > p_now
    ORDER BY r.ordinality
  );
END
$$;

-- The outcomes with the positions that the log gave, remembered under their requests.
CREATE FUNCTION nest_auth_revoked(p_rules nest_auth_rules, p_verdicts nest_auth_verdict[], p_entries json, p_now timestamptz)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_outcomes json[];
  v_heads json[] := ARRAY(
    SELECT json_build_object('partition', 0, 'position', e.value -> 'position', 'tag', e.value -> 'tag')
    FROM json_array_elements(p_entries) WITH ORDINALITY e ORDER BY e.ordinality
  );
  -- Read after the sessions were: what had ended already, ended at or before it.
  v_head json := (SELECT json_build_object('partition', 0, 'position', h.head_position, 'tag', h.head_tag) FROM nest_auth_head() h);
BEGIN
  v_outcomes := ARRAY(
    SELECT CASE
      WHEN d.kind = 'request_reused' THEN json_build_object('kind', d.kind)
      WHEN d.repeated IS NOT NULL THEN json_build_object(
        'kind', d.kind, 'revoked', d.repeated -> 'revoked', 'repeated', true, 'head', d.repeated -> 'head'
      )
      ELSE json_build_object('kind', d.kind, 'revoked', d.ends, 'repeated', false, 'head', CASE
        WHEN d.ends THEN v_heads[d.ended]
        WHEN d.is_named THEN v_head
      END)
    END
    FROM (
      SELECT v.*, count(*) FILTER (WHERE v.ends) OVER (ORDER BY v.ordinality) AS ended FROM unnest(p_verdicts) v
    ) d
    ORDER BY d.ordinality
  );
  PERFORM nest_auth_remember(
    p_rules, v.request_key, v.request_hash, NULL, json_build_object(
      'revoked', v_outcomes[v.ordinality] -> 'revoked', 'head', v_outcomes[v.ordinality] -> 'head'
    ), p_now
  )
  FROM unnest(p_verdicts) v WHERE v.request_key IS NOT NULL;
  RETURN array_to_json(v_outcomes);
END
$$;

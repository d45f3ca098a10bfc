-- Shares the scopes' locks of a session as nest_auth_share_scopes does, where it need not wait for one. False where it must, or there
-- is no such session.
CREATE FUNCTION nest_auth_try_share_scopes(p_session_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN coalesce((
    SELECT pg_try_advisory_xact_lock_shared(nest_auth_lock_key('user', s.tenant_id, nest_auth_subject(s.user_id, s.session_id)))
      AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('client', s.tenant_id, s.client_id))
      AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('tenant', s.tenant_id, ''))
      AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('global', '', ''))
    FROM nest_auth_sessions s
    WHERE s.session_id = p_session_id
  ), false);
END
$$;

-- Rotates refresh tokens, each by a command of its own, in the order of the commands. Null stands for one that was left for a step of
-- its own: it waits for a lock, or would end its session. So nothing that is locked here waits for another lock.
CREATE FUNCTION nest_auth_refresh_each(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  c record;
  o nest_auth_outcome;
  v_session nest_auth_sessions;
  v_outcomes nest_auth_outcome[] := '{}';
BEGIN
  FOR c IN
    SELECT * FROM jsonb_to_recordset(p_commands) AS r (
      session_id uuid, tenant_ids text[], client_id text, nonce text, generation bigint, key_id bigint,
      request_id text, request_hash text, device_id text, device_name text, user_agent text, ip_address text, claims text
    )
  LOOP
    o := NULL;
    IF nest_auth_try_share_scopes(c.session_id) THEN
      SELECT * INTO v_session FROM nest_auth_sessions s
      WHERE s.session_id = c.session_id AND s.refresh_generation <= c.generation
      FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        o := nest_auth_refresh_locked(
          p_rules, v_session, c.tenant_ids, c.client_id, c.nonce, c.generation, c.key_id, c.request_id, c.request_hash,
          c.device_id, c.device_name, c.user_agent, c.ip_address, c.claims
        );
      END IF;
    END IF;
    v_outcomes := array_append(v_outcomes, o);
  END LOOP;
  RETURN v_outcomes;
END
$$;

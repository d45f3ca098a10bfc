-- Takes the locks of a create where it need not wait for one; false where it must, or the request is one that was done.
CREATE FUNCTION nest_auth_try_lock_create(p_rules nest_auth_rules, s nest_auth_sessions, p_request_key text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF p_request_key IS NOT NULL THEN
    IF NOT pg_try_advisory_xact_lock(nest_auth_lock_key('request', '', p_request_key)) THEN
      RETURN false;
    END IF;
    PERFORM FROM nest_auth_requests r WHERE r.request_key = p_request_key AND r.expire_time > nest_auth_now(p_rules);
    IF FOUND THEN
      RETURN false;
    END IF;
  END IF;
  RETURN pg_try_advisory_xact_lock(nest_auth_lock_key('user', s.tenant_id, nest_auth_subject(s.user_id, s.session_id)))
    AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('client', s.tenant_id, s.client_id))
    AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('tenant', s.tenant_id, ''))
    AND pg_try_advisory_xact_lock_shared(nest_auth_lock_key('global', '', ''));
END
$$;

-- Begins sessions, each by a command of its own, in the order of the commands; no two are of one user or one request. Null stands for one
-- that was left for a step of its own: it waits for a lock, repeats a request, or ends other sessions. So nothing
-- that is locked here waits for another lock.
CREATE FUNCTION nest_auth_create_each(p_rules nest_auth_rules, p_commands jsonb) RETURNS nest_auth_outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  c record;
  o nest_auth_outcome;
  v_new nest_auth_sessions;
  v_request_key text;
  v_outcomes nest_auth_outcome[] := '{}';
BEGIN
  FOR c IN
    SELECT * FROM jsonb_to_recordset(p_commands) AS r (
      session jsonb, replace_device_sessions boolean, request_key text, request_hash text
    )
  LOOP
    o := NULL;
    v_new := jsonb_populate_record(NULL::nest_auth_sessions, c.session);
    v_request_key := c.request_key || ':' || v_new.user_id;
    IF nest_auth_try_lock_create(p_rules, v_new, v_request_key) THEN
      o := nest_auth_create_locked(p_rules, v_new, c.replace_device_sessions, v_request_key, c.request_hash, false);
    END IF;
    v_outcomes := array_append(v_outcomes, o);
  END LOOP;
  RETURN v_outcomes;
END
$$;

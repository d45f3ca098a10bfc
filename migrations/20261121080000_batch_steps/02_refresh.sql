-- The same step in two parts: one takes its locks, the other goes by the row. Empty device parts leave what is there.
CREATE OR REPLACE FUNCTION nest_auth_refresh(
  p_rules nest_auth_rules, p_session_id uuid, p_tenant_ids text[], p_client_id text, p_nonce text, p_generation bigint,
  p_key_id bigint, p_request_id text, p_request_hash text,
  p_device_id text, p_device_name text, p_user_agent text, p_ip_address text, p_claims text
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  v_session nest_auth_sessions;
BEGIN
  PERFORM nest_auth_share_scopes(p_session_id);
  SELECT * INTO v_session FROM nest_auth_sessions s WHERE s.session_id = p_session_id FOR UPDATE;
  RETURN nest_auth_refresh_locked(
    p_rules, v_session, p_tenant_ids, p_client_id, p_nonce, p_generation, p_key_id, p_request_id, p_request_hash,
    p_device_id, p_device_name, p_user_agent, p_ip_address, p_claims
  );
END
$$;

-- Rotates a refresh token: a compare-and-set on nonce and generation. The caller holds the row and its scopes.
CREATE FUNCTION nest_auth_refresh_locked(
  p_rules nest_auth_rules, p_session nest_auth_sessions, p_tenant_ids text[], p_client_id text, p_nonce text,
  p_generation bigint, p_key_id bigint, p_request_id text, p_request_hash text,
  p_device_id text, p_device_name text, p_user_agent text, p_ip_address text, p_claims text
) RETURNS nest_auth_outcome LANGUAGE plpgsql AS $$
DECLARE
  o nest_auth_outcome;
  v_session nest_auth_sessions := p_session;
  v_repeats boolean;
  v_spent_time bigint;
  v_spent_times bigint[];
BEGIN
  o.at_time := nest_auth_now(p_rules);
  o.kind := 'unknown';
  IF NOT nest_auth_is_named(v_session, p_tenant_ids, p_nonce, NULL, NULL, NULL)
    OR v_session.token_mode <> 'pair' OR v_session.client_id <> p_client_id THEN
    RETURN o;
  END IF;
  o.status := nest_auth_status_of(v_session, o.at_time);
  IF nest_auth_is_purged(p_rules, o.status, o.at_time) THEN
    RETURN o;
  ELSIF (o.status).state <> 'active' THEN
    o.kind := (o.status).state;
    RETURN o;
  END IF;

  o.session := v_session;
  o.previous_device := json_build_object(
    'deviceId', v_session.device_id, 'name', v_session.device_name,
    'userAgent', v_session.user_agent, 'ipAddress', v_session.ip_address
  );
  v_repeats := p_request_id <> '' AND p_request_id = v_session.refresh_request_id;
  IF v_repeats AND p_request_hash <> v_session.refresh_request_hash THEN
    o.kind := 'request_reused';
    RETURN o;
  END IF;
  -- A generation ahead of the row is genuine too: the row's own step was lost in a failover.
  IF p_generation < v_session.refresh_generation THEN
    v_spent_time := v_session.refresh_spent_times[
      cardinality(v_session.refresh_spent_times) + 1 - (v_session.refresh_generation - p_generation)::integer];
    IF (v_repeats AND p_generation = v_session.refresh_generation - 1)
      OR nest_auth_ms(o.at_time) - v_spent_time < extract(epoch FROM p_rules.refresh_grace) * 1000 THEN
      PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, o.at_time);
      o.kind := 'replayed';
    ELSE
      o.entries := nest_auth_append(
        p_rules, o.at_time, nest_auth_end(p_rules, ARRAY[p_session.session_id], 'refresh_token_reuse', o.at_time)
      );
      o.kind := 'reused';
    END IF;
    RETURN o;
  END IF;

  PERFORM nest_auth_announce(p_rules, 'access_token', p_rules.access_token_ttl, o.at_time);
  -- Generations that a failover lost count as spent now, together with the one presented.
  v_spent_times := v_session.refresh_spent_times || array_fill(
    nest_auth_ms(o.at_time),
    ARRAY[least(p_generation - v_session.refresh_generation + 1, p_rules.remembered_generations)::integer]
  );
  UPDATE nest_auth_sessions s SET
    last_active_time = o.at_time,
    device_id = coalesce(nullif(p_device_id, ''), s.device_id),
    device_name = coalesce(nullif(p_device_name, ''), s.device_name),
    user_agent = coalesce(nullif(p_user_agent, ''), s.user_agent),
    ip_address = coalesce(nullif(p_ip_address, ''), s.ip_address),
    claims = coalesce(p_claims, s.claims),
    version = s.version + CASE
      WHEN coalesce(nullif(p_device_id, ''), s.device_id) <> s.device_id
        OR coalesce(nullif(p_device_name, ''), s.device_name) <> s.device_name
        OR coalesce(nullif(p_user_agent, ''), s.user_agent) <> s.user_agent
        OR coalesce(nullif(p_ip_address, ''), s.ip_address) <> s.ip_address
        OR coalesce(p_claims, s.claims) <> s.claims
      THEN 1 ELSE 0 END,
    refresh_generation = p_generation + 1,
    refresh_key_id = p_key_id,
    refresh_spent_times = v_spent_times[greatest(1, cardinality(v_spent_times) - p_rules.remembered_generations + 1):],
    refresh_request_id = p_request_id,
    refresh_request_hash = p_request_hash
  WHERE s.session_id = p_session.session_id
  RETURNING * INTO v_session;
  o.kind := 'rotated';
  o.session := v_session;
  RETURN o;
END
$$;

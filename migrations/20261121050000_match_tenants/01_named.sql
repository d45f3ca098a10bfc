-- A reference names a list of tenants, of one of which the session must be, where it named one tenant.
DROP FUNCTION
  nest_auth_is_named, nest_auth_found, nest_auth_read, nest_auth_refresh, nest_auth_update, nest_auth_rotate, nest_auth_revoke;

-- Whether a reference of these parts names the session; null parts are not asked for, and an empty list
-- of tenants admits none.
CREATE FUNCTION nest_auth_is_named(
  s nest_auth_sessions, p_tenant_ids text[], p_nonce text, p_generation bigint, p_version bigint, p_audience text
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT (s).session_id IS NOT NULL
    AND (p_tenant_ids IS NULL OR (s).tenant_id = ANY (p_tenant_ids))
    AND (p_nonce IS NULL OR (s).refresh_nonce = p_nonce)
    AND (p_generation IS NULL OR (s).refresh_generation <= p_generation)
    AND (p_version IS NULL OR (s).min_version <= p_version)
    AND (p_audience IS NULL OR jsonb_exists((s).audiences::jsonb, p_audience))
$$;

-- What a row is to whoever names it so. STABLE: where a statement calls it, it sees what that statement sees.
CREATE FUNCTION nest_auth_found(
  p_rules nest_auth_rules, s nest_auth_sessions, p_tenant_ids text[], p_nonce text, p_generation bigint, p_version bigint,
  p_audience text
) RETURNS nest_auth_outcome LANGUAGE plpgsql STABLE AS $$
DECLARE
  o nest_auth_outcome;
BEGIN
  o.kind := 'unknown';
  IF nest_auth_is_named(s, p_tenant_ids, p_nonce, p_generation, p_version, p_audience) THEN
    o.at_time := nest_auth_now(p_rules);
    o.status := nest_auth_status_of(s, o.at_time);
    IF NOT nest_auth_is_purged(p_rules, o.status, o.at_time) THEN
      o.kind := 'found';
      o.session := s;
    END IF;
  END IF;
  RETURN o;
END
$$;

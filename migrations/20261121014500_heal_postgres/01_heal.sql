-- Puts back what a promoted standby had not received of the log, and does again what it says; each entry once by its tag,
-- whoever comes with it. `p_lost` holds rows of nest_auth_revocations by column name. Who heals goes one at a time, and takes the
-- locks of all steps in their order: scopes, session rows by id, the log last.
CREATE FUNCTION nest_auth_heal(p_rules nest_auth_rules, p_lost jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_held text[];
  v_lost nest_auth_revocations[];
  v_entry nest_auth_revocations;
  v_now timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key('heal', '', ''));
  -- All other steps append under tags of their own: what the log does not hold now, it won't until this step commits.
  v_held := ARRAY(
    SELECT r.tag FROM nest_auth_revocations r JOIN jsonb_populate_recordset(NULL::nest_auth_revocations, p_lost) l USING (tag)
  );
  v_lost := ARRAY(
    SELECT l FROM jsonb_populate_recordset(NULL::nest_auth_revocations, p_lost) l WHERE l.tag <> ALL (v_held)
    ORDER BY l.position
  );
  PERFORM pg_advisory_xact_lock(k.key)
  FROM (
    SELECT nest_auth_lock_key(l.scope, l.tenant_id, l.subject) AS key
    FROM unnest(v_lost) l
    WHERE l.scope IN ('user', 'client', 'tenant', 'global')
    ORDER BY array_position(ARRAY['user', 'client', 'tenant', 'global'], l.scope), key
    OFFSET 0
  ) k;
  PERFORM nest_auth_lock_sessions(ARRAY(
    SELECT l.subject::uuid FROM unnest(v_lost) l WHERE l.scope = 'session'
    UNION ALL
    SELECT l.except_session_id::uuid FROM unnest(v_lost) l WHERE l.except_session_id <> ''
  ));
  v_now := nest_auth_now(p_rules);
  FOREACH v_entry IN ARRAY v_lost LOOP
    IF v_entry.scope = 'session' THEN
      PERFORM nest_auth_heal_session(p_rules, v_entry);
    ELSIF v_entry.scope <> 'key' THEN
      PERFORM nest_auth_heal_epoch(p_rules, v_entry, v_now);
    END IF;
  END LOOP;
  PERFORM nest_auth_append_again(p_rules, v_lost);
END
$$;

-- Ends the session, or its tokens below a version, if the row is there.
CREATE FUNCTION nest_auth_heal_session(p_rules nest_auth_rules, p_entry nest_auth_revocations) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_entry.minimum > 0 THEN
    -- The update that raised the version was lost too.
    UPDATE nest_auth_sessions s
    SET version = greatest(s.version, p_entry.minimum), min_version = greatest(s.min_version, p_entry.minimum)
    WHERE s.session_id = p_entry.subject::uuid;
  ELSE
    UPDATE nest_auth_sessions s
    SET revoke_time = p_entry.revoke_time, revocation_reason = p_entry.reason,
      purge_time = p_entry.revoke_time + p_rules.ended_session_retention
    WHERE s.session_id = p_entry.subject::uuid AND s.revoke_time IS NULL;
  END IF;
END
$$;

-- Raises the scope's minimum to that of the entry at least, and brings the session that it spares forward.
CREATE FUNCTION nest_auth_heal_epoch(p_rules nest_auth_rules, p_entry nest_auth_revocations, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- Where it is live still: another raise may have ended it since.
  UPDATE nest_auth_sessions s SET user_generation = p_entry.minimum
  WHERE s.session_id = nullif(p_entry.except_session_id, '')::uuid AND s.user_generation < p_entry.minimum
    AND (nest_auth_status_of(s, p_now)).state = 'active';
  PERFORM FROM nest_auth_epochs e
  WHERE e.scope = p_entry.scope AND e.tenant_id = p_entry.tenant_id AND e.subject = p_entry.subject
    AND e.min_generation >= p_entry.minimum;
  IF FOUND THEN
    RETURN;
  END IF;
  PERFORM nest_auth_put_epoch(
    p_rules, p_entry.scope, p_entry.tenant_id, p_entry.subject, p_entry.minimum, p_entry.reason, NULL, p_now
  );
  UPDATE nest_auth_epochs e SET raise_time = p_entry.revoke_time
  WHERE e.scope = p_entry.scope AND e.tenant_id = p_entry.tenant_id AND e.subject = p_entry.subject;
END
$$;

-- Appends entries under the tags and times that they had. What began since then is bound by them too: they matter as long as if
-- they were made now.
CREATE FUNCTION nest_auth_append_again(p_rules nest_auth_rules, p_entries nest_auth_revocations[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_position bigint;
  v_tag text;
  v_discard_time timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key('log', '', ''));
  v_discard_time := nest_auth_discard_time(p_rules, nest_auth_now(p_rules));
  SELECT head_position, head_tag INTO v_position, v_tag FROM nest_auth_head();
  INSERT INTO nest_auth_revocations
    (position, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id, discard_time, reason, revoke_time)
  SELECT v_position + e.ordinality, e.tag, lag(e.tag, 1, v_tag) OVER (ORDER BY e.ordinality), e.scope, e.tenant_id, e.subject,
    e.minimum, e.except_session_id, CASE WHEN e.scope <> 'key' THEN v_discard_time END, e.reason, e.revoke_time
  FROM unnest(p_entries) WITH ORDINALITY e;
END
$$;

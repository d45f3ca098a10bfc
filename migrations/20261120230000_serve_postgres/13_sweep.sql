-- Removes at most `p_batch` of each kind of what is past its time, passing over rows that another step holds.
CREATE FUNCTION nest_auth_sweep(
  p_rules nest_auth_rules, p_batch integer,
  OUT sessions integer, OUT requests integer, OUT epochs integer, OUT log_entries integer, OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := nest_auth_now(p_rules);
  v_looked_at integer;
BEGIN
  SELECT looked_at, removed INTO v_looked_at, sessions FROM nest_auth_sweep_sessions(p_rules, p_batch, v_now);
  -- In arrays, each made once: a subquery may be run again for every row, and find others.
  DELETE FROM nest_auth_requests WHERE ctid = ANY (ARRAY(
    SELECT r.ctid FROM nest_auth_requests r WHERE r.expire_time <= v_now LIMIT p_batch FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS requests = ROW_COUNT;
  DELETE FROM nest_auth_epochs WHERE ctid = ANY (ARRAY(
    SELECT e.ctid FROM nest_auth_epochs e WHERE e.keep_until <= v_now LIMIT p_batch FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS epochs = ROW_COUNT;
  log_entries := nest_auth_trim_log(p_batch, v_now);
  more := p_batch IN (v_looked_at, requests, epochs, log_entries);
END
$$;

-- Removes ended sessions; one that is still in use is looked at again later.
CREATE FUNCTION nest_auth_sweep_sessions(
  p_rules nest_auth_rules, p_batch integer, p_now timestamptz, OUT looked_at integer, OUT removed integer
) LANGUAGE plpgsql AS $$
DECLARE
  v_session nest_auth_sessions;
  v_status nest_auth_status;
BEGIN
  looked_at := 0;
  removed := 0;
  FOR v_session IN
    SELECT * FROM nest_auth_sessions s WHERE s.purge_time <= p_now
    ORDER BY s.purge_time LIMIT p_batch FOR UPDATE SKIP LOCKED
  LOOP
    looked_at := looked_at + 1;
    v_status := nest_auth_status_of(v_session, p_now);
    IF nest_auth_is_purged(p_rules, v_status, p_now) THEN
      DELETE FROM nest_auth_sessions s WHERE s.session_id = v_session.session_id;
      removed := removed + 1;
    ELSE
      UPDATE nest_auth_sessions s SET purge_time = nest_auth_purge_time(p_rules, v_session, v_status, p_now)
      WHERE s.session_id = v_session.session_id;
    END IF;
  END LOOP;
END
$$;

-- Removes what is past its discard time from the log's low end; the head entry stays. One at a time, since what is left must
-- have no gap.
CREATE FUNCTION nest_auth_trim_log(p_batch integer, p_now timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_kept bigint;
  v_head bigint := (SELECT h.head_position FROM nest_auth_head() h);
  v_trimmed integer;
BEGIN
  IF NOT pg_try_advisory_xact_lock(nest_auth_lock_key('trim', '', '')) THEN
    RETURN 0;
  END IF;
  SELECT low.position INTO v_kept
  FROM (SELECT r.position, r.discard_time FROM nest_auth_revocations r ORDER BY r.position LIMIT p_batch) low
  WHERE low.discard_time IS NULL OR low.discard_time >= p_now
  ORDER BY low.position LIMIT 1;
  DELETE FROM nest_auth_revocations WHERE position = ANY (ARRAY(
    SELECT r.position FROM nest_auth_revocations r
    WHERE r.position < coalesce(v_kept, 9223372036854775807) AND r.position < v_head
    ORDER BY r.position LIMIT p_batch
  ));
  GET DIAGNOSTICS v_trimmed = ROW_COUNT;
  RETURN v_trimmed;
END
$$;

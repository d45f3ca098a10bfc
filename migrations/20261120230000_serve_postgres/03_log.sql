-- The log of revocations, and how long what it says matters.

-- Before a token or session of this lifetime begins, the store knows that the lifetime is in force. Announced beyond the need,
-- so that most steps need not write it.
CREATE FUNCTION nest_auth_announce(p_rules nest_auth_rules, p_kind text, p_lifetime interval, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_lifetime_ms bigint := extract(epoch FROM p_lifetime) * 1000;
  v_needed timestamptz := p_now + p_lifetime + p_rules.clock_skew;
BEGIN
  PERFORM FROM nest_auth_lifetimes l
  WHERE l.kind = p_kind AND l.lifetime_ms = v_lifetime_ms AND l.in_force_until >= v_needed;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO nest_auth_lifetimes AS l (kind, lifetime_ms, in_force_until)
  VALUES (p_kind, v_lifetime_ms, v_needed + p_rules.announce_ahead)
  ON CONFLICT (kind, lifetime_ms) DO UPDATE SET in_force_until = greatest(l.in_force_until, excluded.in_force_until);
END
$$;

-- The longest lifetime of the kind that is in force; null where none is.
CREATE FUNCTION nest_auth_longest_lifetime(p_kind text, p_now timestamptz) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT max(l.lifetime_ms) * interval '1 millisecond' FROM nest_auth_lifetimes l
    WHERE l.kind = p_kind AND l.in_force_until > p_now
  );
END
$$;

-- After this time nothing is accepted that a revocation numbered now ends.
CREATE FUNCTION nest_auth_discard_time(p_rules nest_auth_rules, p_now timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  RETURN p_now + greatest(p_rules.access_token_ttl, nest_auth_longest_lifetime('access_token', p_now)) + p_rules.discard_margin;
END
$$;

-- Appends to the log and gives the entries as JSON. The lock is held until the commit, so that positions are dense in
-- the order in which they become visible.
CREATE FUNCTION nest_auth_append(p_rules nest_auth_rules, p_revoke_time timestamptz, p_endings nest_auth_ending[]) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  v_position bigint := 0;
  v_tag text := '0000000000000000';
  v_discard_time timestamptz;
  v_entries json;
BEGIN
  IF coalesce(cardinality(p_endings), 0) = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(nest_auth_lock_key('log', '', ''));
  v_discard_time := nest_auth_discard_time(p_rules, nest_auth_now(p_rules));
  SELECT head_position, head_tag INTO v_position, v_tag FROM nest_auth_head();
  WITH numbered AS MATERIALIZED (
    SELECT e.*, gen_random_uuid()::text AS id FROM unnest(p_endings) WITH ORDINALITY e
  ), tagged AS (
    -- 8 random bytes as hex: those of a random UUID that hold no constant bits.
    SELECT n.*, left(n.id, 8) || right(n.id, 8) AS tag,
      lag(left(n.id, 8) || right(n.id, 8), 1, v_tag) OVER (ORDER BY n.ordinality) AS previous_tag
    FROM numbered n
  ), appended AS (
    INSERT INTO nest_auth_revocations
      (position, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id, discard_time, reason, revoke_time)
    SELECT v_position + ordinality, tag, previous_tag, scope, tenant_id, subject, minimum, except_session_id,
      v_discard_time, reason, p_revoke_time
    FROM tagged
    RETURNING *
  )
  SELECT json_agg(nest_auth_entry(a) ORDER BY a.position) INTO v_entries FROM appended a;
  RETURN v_entries;
END
$$;

-- The last entry; position 0 before there is one.
CREATE FUNCTION nest_auth_head(OUT head_position bigint, OUT head_tag text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.position, r.tag INTO head_position, head_tag FROM nest_auth_revocations r ORDER BY r.position DESC LIMIT 1;
  IF NOT FOUND THEN
    head_position := 0;
    head_tag := '0000000000000000';
  END IF;
END
$$;

-- An entry as instances read it; times in ms.
CREATE FUNCTION nest_auth_entry(r nest_auth_revocations) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'position', (r).position, 'tag', (r).tag, 'previous_tag', (r).previous_tag, 'scope', (r).scope,
    'tenant_id', (r).tenant_id, 'subject', (r).subject, 'minimum', (r).minimum,
    'except_session_id', (r).except_session_id, 'discard_time', nest_auth_ms((r).discard_time),
    'reason', (r).reason, 'revoke_time', nest_auth_ms((r).revoke_time)
  )
$$;

-- The position that the last of these entries gave the log; null where there is none.
CREATE FUNCTION nest_auth_head_of(p_entries json) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_entries IS NOT NULL
    THEN json_build_object('partition', 0, 'position', p_entries -> -1 -> 'position', 'tag', p_entries -> -1 -> 'tag')
  END
$$;

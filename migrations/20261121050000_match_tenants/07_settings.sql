-- As for the steps that these replace.
DO $$
DECLARE
  v_step text;
BEGIN
  FOREACH v_step IN ARRAY ARRAY['refresh', 'read', 'update', 'rotate', 'revoke'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET plan_cache_mode = force_generic_plan', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET enable_seqscan = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET jit = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET lock_timeout = %L', 'nest_auth_' || v_step, '1500ms');
  END LOOP;
END
$$;

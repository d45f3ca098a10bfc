-- As for all steps. Those that join many commands with their rows look each row up, however few there were when that was planned.
DO $$
DECLARE
  v_step text;
BEGIN
  FOREACH v_step IN ARRAY ARRAY['create', 'create_each', 'refresh', 'refresh_each', 'read_each', 'revoke'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET plan_cache_mode = force_generic_plan', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET enable_seqscan = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET jit = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET lock_timeout = %L', 'nest_auth_' || v_step, '1500ms');
  END LOOP;
  FOREACH v_step IN ARRAY ARRAY['read_each', 'revoke'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET enable_hashjoin = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET enable_mergejoin = off', 'nest_auth_' || v_step);
  END LOOP;
END
$$;

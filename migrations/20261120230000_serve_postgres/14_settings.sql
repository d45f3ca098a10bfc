-- Steps obey these whatever the role or the pooler in front says. Every statement finds its rows by a key: a plan for any value
-- serves as well as one for these values, is made once a connection, and must not read a table whole because it was small
-- then. A lock is not waited for beyond what leaves time to answer.
DO $$
DECLARE
  v_step text;
BEGIN
  FOREACH v_step IN ARRAY ARRAY['create', 'refresh', 'read', 'update', 'rotate', 'revoke', 'raise', 'sweep'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET plan_cache_mode = force_generic_plan', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET enable_seqscan = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET jit = off', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET lock_timeout = %L', 'nest_auth_' || v_step, '1500ms');
  END LOOP;
END
$$;

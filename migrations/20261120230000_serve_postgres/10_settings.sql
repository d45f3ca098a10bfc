-- Every statement finds its rows by a key. A plan for any value serves as well as one for these values and is made once a
-- connection; and one that was made while the tables were small must not read them whole when they have grown.
DO $$
DECLARE
  v_step text;
BEGIN
  FOREACH v_step IN ARRAY ARRAY['create', 'refresh', 'read', 'update', 'rotate', 'revoke', 'raise', 'sweep'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET plan_cache_mode = force_generic_plan', 'nest_auth_' || v_step);
    EXECUTE format('ALTER FUNCTION %I SET enable_seqscan = off', 'nest_auth_' || v_step);
  END LOOP;
END
$$;

-- As for the other steps. No index finds a tag: the log is read whole, but once, however many entries are looked for; a nested loop
-- would read it for each.
ALTER FUNCTION nest_auth_heal SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION nest_auth_heal SET enable_seqscan = off;
ALTER FUNCTION nest_auth_heal SET jit = off;
ALTER FUNCTION nest_auth_heal SET lock_timeout = '1500ms';
ALTER FUNCTION nest_auth_heal SET enable_nestloop = off;

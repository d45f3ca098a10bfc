-- Ends a session and begins its successor, in one partition.
-- KEYS, ARGV: as in partition.lua. Command: that of SessionStore.rotate, with limit = { max, policy }.
-- Returns: KIND_ROTATED or KIND_REPEATED with what KIND_CREATED brings (create.lua); KIND_UNKNOWN, KIND_REQUEST_REUSED,
--   KIND_SUPERSEDED, KIND_ENDED, KIND_OTHER_USER, KIND_BLOCKED, KIND_LIMIT, KIND_TIMEOUT_PASSED.
-- @include partition log session user request successor
local old, refusal = predecessor()
if not old then return refusal end
local row, create_time_ms = successor_of(old)
if is_blocked(row[ROW_TENANT_ID], row[ROW_USER_ID]) then return reply(KIND_BLOCKED) end
local newcomer = old[ROW_USER_ID] ~= row[ROW_USER_ID] and not old[ROW_ACTOR]
local evicted = {}
if newcomer then evicted = to_evict(row, { old }, command.limit) end
if not evicted then return reply(KIND_LIMIT) end
if (create_time_ms or now_ms) + row[ROW_ABSOLUTE_TIMEOUT_MS] <= now_ms then return reply(KIND_TIMEOUT_PASSED) end

local generations = current_generations(row)
local ended = { old[ROW_SESSION_ID] }
end_session(old, 'rotated', command.request)
end_all(evicted, 'session_limit', ended)
begin_session(row, generations, create_time_ms or now_ms)
local head = { head_seq, head_tag }
remember_session(command.request, subject_of(old), row, ended, head)
return begun(KIND_ROTATED, row, ended, head)

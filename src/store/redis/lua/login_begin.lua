-- Begins the session of a login whose anonymous session login_leave.lua has ended.
-- KEYS, ARGV: as in partition.lua. Command: row = the draft, createTimeMs (0 = it starts anew), generations, oldSessionId,
--   head = position, tag and partition of the entry that ended it, request, limit = { max, policy }, resumed = whether
--   another call had left the anonymous session.
-- Returns: KIND_ROTATED or KIND_REPEATED with what KIND_CREATED brings (create.lua); KIND_REQUEST_REUSED,
--   KIND_SUPERSEDED, KIND_ENDED, KIND_BLOCKED, KIND_LIMIT.
-- @include partition log session user request
local row, request, given = command.row, command.request, command.generations
local earlier, differs = earlier_request(request, command.oldSessionId)
if earlier then return differs and reply(KIND_REQUEST_REUSED) or repeated(earlier) end

-- What was raised since the anonymous session was left ended the session that goes on from it. A log-out-everywhere of
-- the user beside the login does not; one before its repeat does.
local gone = command.resumed and KIND_SUPERSEDED or KIND_ENDED
local minima = current_generations(row)
for i = command.resumed and 1 or 2, 4 do
  if minima[i] > given[i] then return reply(gone) end
end
local create_time_ms = command.createTimeMs == 0 and now_ms or command.createTimeMs
if create_time_ms + row[ROW_ABSOLUTE_TIMEOUT_MS] <= now_ms then return reply(gone) end
if is_blocked(row[ROW_TENANT_ID], row[ROW_USER_ID]) then return reply(KIND_BLOCKED) end
local evicted = {}
if not row[ROW_ACTOR] then evicted = to_evict(row, {}, command.limit) end
if not evicted then return reply(KIND_LIMIT) end

local ended = { command.oldSessionId }
end_all(evicted, 'session_limit', ended)
begin_session(row, { minima[1], given[2], given[3], given[4] }, create_time_ms)
local head = #evicted > 0 and { head_seq, head_tag } or command.head
remember_session(request, command.oldSessionId, row, ended, head)
return begun(KIND_ROTATED, row, ended, head)

-- Begins a session, or finds the one that the request began before.
-- KEYS, ARGV: as in partition.lua. Command: row = the draft, request = { key, hash }, replaceDeviceSessions,
--   limit = { max, policy }.
-- Returns: KIND_CREATED or KIND_REPEATED with record, ids of ended sessions, position and tag of the last entry
--   (0 = none) and its partition (-1 = this one); KIND_REQUEST_REUSED, KIND_SUPERSEDED, KIND_BLOCKED, KIND_LIMIT.
-- @include partition log session user request
local row, request = command.row, command.request
local tenant_id, user_id = row[ROW_TENANT_ID], row[ROW_USER_ID]

local earlier, differs = earlier_request(request, user_id)
if earlier then return differs and reply(KIND_REQUEST_REUSED) or repeated(earlier) end
if is_blocked(tenant_id, user_id) then return reply(KIND_BLOCKED) end

local replaced = {}
if command.replaceDeviceSessions then
  for _, other in ipairs(live_sessions_of(tenant_id, user_id)) do
    if other[ROW_DEVICE_ID] == row[ROW_DEVICE_ID] then replaced[#replaced + 1] = other end
  end
end
local evicted = row[ROW_ACTOR] and {} or to_evict(row, replaced, command.limit)
if not evicted then return reply(KIND_LIMIT) end

begin_session(row, current_generations(row), now_ms)
local ended = {}
end_all(replaced, 'device_replaced', ended)
end_all(evicted, 'session_limit', ended)
local head = #ended > 0 and { head_seq, head_tag } or { 0, '' }
remember_session(request, user_id, row, ended, head)
return begun(KIND_CREATED, row, ended, head)

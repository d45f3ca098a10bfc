-- Lists sessions of a user, newest first.
-- KEYS, ARGV: as in partition.lua. Command: the query of SessionStore.list, states as numbers.
-- Returns: KIND_FOUND with the records.
-- @include partition log session user
local index = prefix .. 'u:' .. named(command.tenantId, command.userId)
local wanted, after = {}, command.after
for _, state in ipairs(command.states) do wanted[state] = true end
local active_only = wanted[STATE_ACTIVE] and not wanted[STATE_EXPIRED] and not wanted[STATE_REVOKED]

-- Ended sessions have their create time negative.
local members = redis.call('ZRANGEBYSCORE', index, active_only and '(0' or '-inf', '+inf', 'WITHSCORES')
local candidates = {}
for i = 1, #members, 2 do
  local id, create_time_ms = members[i], math.abs(tonumber(members[i + 1]))
  if not after or create_time_ms < after.createTimeMs
    or (create_time_ms == after.createTimeMs and id < after.sessionId) then
    candidates[#candidates + 1] = { id, create_time_ms }
  end
end
table.sort(candidates, function(a, b)
  if a[2] ~= b[2] then return a[2] > b[2] end
  return a[1] > b[1]
end)

local function matches(row)
  if command.clientId ~= '' and row[ROW_CLIENT_ID] ~= command.clientId then return false end
  return command.deviceId == '' or row[ROW_DEVICE_ID] == command.deviceId
end

local found, first = {}, 1
while first <= #candidates and #found < command.limit do
  local ids = {}
  for i = first, math.min(first + 49, #candidates) do ids[#ids + 1] = candidates[i][1] end
  first = first + 50
  for _, row in ipairs(load_sessions(index, ids)) do
    local candidate = matches(row) and record(row)
    if candidate and #found < command.limit and wanted[candidate[1]]
      and (candidate[1] == STATE_ACTIVE or candidate[2] + retention_ms > now_ms) then
      found[#found + 1] = candidate
    end
  end
end
return reply(KIND_FOUND, found)

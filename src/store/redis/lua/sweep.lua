-- Removes what is past its time, before Redis itself forgets it: ended sessions, and entries of the log past their
-- discard time, but for its head.
-- KEYS, ARGV: as in partition.lua. Command: sessions and entries = how many of each at most.
-- Returns: KIND_DONE with how many sessions and entries were removed, and how many sessions were looked at.
-- @include partition log session
announce('access', access_token_ttl_ms)

local all = prefix .. 'a'
local due = command.sessions == 0 and {}
  or redis.call('ZRANGEBYSCORE', all, '-inf', string.format('%.0f', now_ms), 'LIMIT', 0, command.sessions)
local removed = 0
for _, id in ipairs(due) do
  local row = load_session(id)
  if row and (not is_purged(row) or row[ROW_KEEP_UNTIL_MS] > now_ms) then
    -- It is still in use, or can be asked for, or is kept for a request.
    local state, ended_ms = status_of(row)
    if state == STATE_ACTIVE then ended_ms = expire_time_ms(row) end
    local purge_ms = math.max(ended_ms + retention_ms, row[ROW_KEEP_UNTIL_MS], now_ms + 1)
    look_at(row, math.min(purge_ms, now_ms + LIMIT_LOOK_AGAIN_MS))
  else
    redis.call('ZREM', all, id)
    if row then
      redis.call('DEL', session_key(id))
      if row[ROW_USER_ID] ~= '' then redis.call('ZREM', user_key(row), id) end
      removed = removed + 1
    end
  end
end

local log, trimmed, floor, floor_tag = prefix .. 'l', 0, nil, nil
local entries = command.entries == 0 and {} or redis.call('XRANGE', log, '-', '+', 'COUNT', command.entries + 1)
for i = 1, #entries - 1 do
  local entry = cjson.decode(entries[i][2][2])
  if entry[4] >= now_ms then break end
  trimmed, floor, floor_tag = i, string.match(entries[i][1], '^%d+'), entry[1]
end
if floor then
  redis.call('XTRIM', log, 'MINID', string.format('%.0f', tonumber(floor) + 1))
  redis.call('HSET', state_key, 'floor', floor, 'floorTag', floor_tag)
end
return reply(KIND_DONE, removed, trimmed, #due)

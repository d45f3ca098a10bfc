-- Writes, so that a WAIT on the same connection waits for all that came before, and checks that the log still holds what
-- it held: a master that a failover put in place may have lost it.
-- KEYS, ARGV: as in partition.lua. Command: heads = list of position and tag.
-- Returns: KIND_DONE with 1 or 0 for each of them.
-- @include partition log
redis.call('HINCRBY', state_key, 'fence', 1)
local held = {}
for i, head in ipairs(command.heads) do
  local position, tag = head[1], head[2]
  held[i] = 0
  if position == head_seq then
    held[i] = tag == head_tag and 1 or 0
  elseif position == 0 then
    held[i] = 1
  elseif position < head_seq then
    local at = string.format('%.0f', position) .. '-0'
    local entry = redis.call('XRANGE', prefix .. 'l', at, at)[1]
    if entry then
      held[i] = cjson.decode(entry[2][2])[1] == tag and 1 or 0
    else
      local floors = redis.call('HMGET', state_key, 'floor', 'floorTag')
      -- What was trimmed is past its discard time.
      local floor = tonumber(floors[1])
      held[i] = (position < floor or position == floor and floors[2] == tag) and 1 or 0
    end
  end
end
return reply(KIND_DONE, held)

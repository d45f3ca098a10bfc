-- Reads the log behind a position that was read before.
-- KEYS, ARGV: as in partition.lua. Command: position, tag, count.
-- Returns: KIND_FOUND with positions and entries in turn; where the log does not go on from that position those from the
--   low end on, with KIND_COMPACTED where it was trimmed away, KIND_TRUNCATED where it is of a tail that a failover lost.
-- @include partition log
local log = prefix .. 'l'
local floors = redis.call('HMGET', state_key, 'floor', 'floorTag')
local floor, floor_tag = tonumber(floors[1]), floors[2]
local position, continues = command.position, false
local at = string.format('%.0f', position) .. '-0'
if position == head_seq then
  continues = command.tag == head_tag
elseif position == floor then
  continues = command.tag == floor_tag
elseif position > floor and position < head_seq then
  local entry = redis.call('XRANGE', log, at, at)[1]
  continues = entry and cjson.decode(entry[2][2])[1] == command.tag
end
local pairs_found = {}
for _, entry in ipairs(redis.call('XRANGE', log, continues and '(' .. at or '-', '+', 'COUNT', command.count)) do
  pairs_found[#pairs_found + 1] = tonumber(string.match(entry[1], '^%d+'))
  pairs_found[#pairs_found + 1] = entry[2][2]
end
return reply(continues and KIND_FOUND or position < floor and KIND_COMPACTED or KIND_TRUNCATED, pairs_found)

-- Makes the store's metadata, or finds what was made before.
-- KEYS: 1 the metadata. ARGV: 1 id and 2 birth time (ms; empty = now) to be used where there is none, 3 offset of the
--   store's clock (ms), 4 number of partitions, 5 whether all partitions were made (1).
-- Returns: id, birth time, number of partitions, whether all partitions were made (1).
local made = redis.call('HMGET', KEYS[1], 'id', 'birth', 'partitions', 'made')
if not made[1] then
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[3])
  local birth = ARGV[2] ~= '' and ARGV[2] or string.format('%.0f', now_ms)
  made = { ARGV[1], birth, ARGV[4], false }
  redis.call('HSET', KEYS[1], 'id', made[1], 'birth', made[2], 'partitions', made[3])
end
if ARGV[5] == '1' then
  redis.call('HSET', KEYS[1], 'made', 1)
  made[4] = '1'
end
return made

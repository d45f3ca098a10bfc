-- Takes or keeps some work.
-- KEYS, ARGV: as in partition.lua. Command: name, owner, forMs.
-- Returns: KIND_DONE with 1 where it is the owner's now, else 0.
-- @include partition log
local key = prefix .. 'lease:' .. command.name
local packed = redis.call('GET', key)
local lease = packed and cmsgpack.unpack(packed)
if lease and lease[1] ~= command.owner and lease[2] > now_ms then return reply(KIND_DONE, 0) end
local until_ms = now_ms + command.forMs
redis.call('SET', key, cmsgpack.pack({ command.owner, until_ms }), 'PXAT', garbage_ms(until_ms))
return reply(KIND_DONE, 1)

-- Records under a request what a raise over all partitions writes, or finds what was recorded before: whoever asks
-- again goes on with the same. Once it is done, the head that it is answered with is recorded too.
-- KEYS, ARGV: as in partition.lua. Command: key, hash, plan = what is written (JSON, empty to look only),
--   head (JSON, empty while it is not done).
-- Returns: KIND_FOUND with plan and head as they are recorded now; KIND_UNKNOWN where nothing is; KIND_REQUEST_REUSED.
-- @include partition log
local key = prefix .. 'w:' .. command.key
local packed = redis.call('GET', key)
local claim = packed and cmsgpack.unpack(packed)
if claim and claim[4] <= now_ms then claim = nil end
if claim and claim[1] ~= command.hash then return reply(KIND_REQUEST_REUSED) end
if command.plan == '' then
  if not claim then return reply(KIND_UNKNOWN) end
elseif not claim or command.head ~= '' then
  claim = { command.hash, command.plan, command.head, claim and claim[4] or now_ms + LIMIT_REQUEST_RETENTION_MS }
  redis.call('SET', key, cmsgpack.pack(claim), 'PXAT', garbage_ms(claim[4]))
end
return reply(KIND_FOUND, claim[2], claim[3])

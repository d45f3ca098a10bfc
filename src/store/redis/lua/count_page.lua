-- Counts the live sessions of a tenant or client among some of the partition's.
-- KEYS, ARGV: as in partition.lua. Command: first and last = ranks in the order of all sessions, tenantId, clientId
--   (false = any).
-- Returns: KIND_COUNTED with how many, and how many were looked at.
-- @include partition log session
local ids = redis.call('ZRANGE', prefix .. 'a', command.first, command.last)
if #ids == 0 then return reply(KIND_COUNTED, 0, 0) end
local keys = {}
for i, id in ipairs(ids) do keys[i] = session_key(id) end
local count = 0
for _, packed in ipairs(redis.call('MGET', unpack(keys))) do
  local row = packed and cmsgpack.unpack(packed)
  if row and (not command.tenantId or row[ROW_TENANT_ID] == command.tenantId)
    and (not command.clientId or row[ROW_CLIENT_ID] == command.clientId) and is_live(row) then
    count = count + 1
  end
end
return reply(KIND_COUNTED, count, #ids)

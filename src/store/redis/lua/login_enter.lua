-- The other half: may the user have one more session? In the partition of the user.
-- KEYS, ARGV: as in partition.lua. Command: tenantId, userId, hasActor,
--   limit = { max, policy }.
-- Returns: KIND_FOUND with the user's minimum generation; KIND_BLOCKED, KIND_LIMIT.
-- @include partition log session user
local tenant_id, user_id = command.tenantId, command.userId
if is_blocked(tenant_id, user_id) then return reply(KIND_BLOCKED) end
local row = {}
row[ROW_TENANT_ID], row[ROW_USER_ID] = tenant_id, user_id
if not command.hasActor and not to_evict(row, {}, command.limit) then return reply(KIND_LIMIT) end
return reply(KIND_FOUND, minimum_of(epoch_key('u', tenant_id, user_id)))

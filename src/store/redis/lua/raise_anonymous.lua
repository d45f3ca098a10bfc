-- Raises the minimum of what may be an anonymous session to its tokens: a user whose id is the session's.
-- KEYS, ARGV: as in partition.lua. Command: tenantId, userId, reason.
-- Returns: KIND_DONE with position and tag of the log's head; KIND_UNKNOWN where there is no such anonymous session.
-- @include partition log session user raise
local row = load_session(command.userId)
if not row or row[ROW_USER_ID] ~= '' or row[ROW_TENANT_ID] ~= command.tenantId then return reply(KIND_UNKNOWN) end
local key = epoch_key('u', command.tenantId, command.userId)
local minimum = math.max(minimum_of(key) + 1, now_ms)
append('user', command.reason, command.tenantId, command.userId, minimum, '')
put_epoch(key, { minimum = minimum, time_ms = now_ms, reason = command.reason, tag = head_tag }, false)
return reply(KIND_DONE, head_seq, head_tag)

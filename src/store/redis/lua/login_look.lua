-- The first half of a look before a login on an anonymous session whose user is in another partition: may it be left?
-- KEYS, ARGV: as in partition.lua. Command: that of SessionStore.rotate.
-- Returns: KIND_FOUND with whether the session has an actor (1, 0) and its tenant; KIND_LOGIN_BEGUN with what login_leave.lua left
--   behind; KIND_UNKNOWN, KIND_REQUEST_REUSED, KIND_ENDED, KIND_OTHER_USER.
-- @include partition log session user request successor
local old, refusal = predecessor()
if not old then return refusal end
return reply(KIND_FOUND, old[ROW_ACTOR] and 1 or 0, old[ROW_TENANT_ID])

-- Counts the live sessions of a user that a raise would end.
-- KEYS, ARGV: as in partition.lua. Command: that of raise_user.lua.
-- Returns: KIND_COUNTED with how many; KIND_EXCEPT_UNKNOWN, KIND_EXCEPT_ENDED.
-- @include partition log session user raise
local _, refusal = spared()
if refusal then return refusal end
return reply(KIND_COUNTED, #selected())

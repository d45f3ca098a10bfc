-- Writes a minimum that was chosen for every partition, unless this one has it already.
-- KEYS, ARGV: as in partition.lua. Command: scope (c, t or g), kind, tenantId, subject, minimum, timeMs, tag, reason,
--   denyCreateUntilMs.
-- Returns: KIND_DONE with position and tag of the log's head.
-- @include partition log session user raise
local key = epoch_key(command.scope, command.tenantId, command.subject)
local present = epoch_of(key)
if not present or present[EPOCH_TAG] ~= command.tag then
  local given = { tag = command.tag, time_ms = command.timeMs }
  append(command.kind, command.reason, command.tenantId, command.subject, command.minimum, '', given)
  local raised = { minimum = command.minimum, time_ms = command.timeMs, reason = command.reason, tag = command.tag }
  put_epoch(key, raised, command.denyCreateUntilMs)
end
return reply(KIND_DONE, head_seq, head_tag)

-- The minimum of a scope that is in every partition, as this one has it.
-- KEYS, ARGV: as in partition.lua. Command: scope (c, t or g), tenantId, subject.
-- Returns: KIND_FOUND with the minimum.
-- @include partition log session
return reply(KIND_FOUND, minimum_of(epoch_key(command.scope, command.tenantId, command.subject)))

-- Replaces claims, data or the device's name of a session.
-- KEYS, ARGV: as in partition.lua. Command: ref, claims and data as whole JSON texts, deviceName, version (the one
--   that the row must have), supersedeAccessTokens, and seenVersion: the version of the row from which claims and data
--   were computed; each is false where it does not matter.
-- Returns: KIND_UPDATED with record, position and tag of the entry (0 = none); KIND_MOVED_ON with record where the row
--   has another version than was seen; KIND_ETAG_MISMATCH, KIND_TOO_LARGE_CLAIMS, KIND_TOO_LARGE_DATA, KIND_ENDED,
--   KIND_UNKNOWN.
-- @include partition log session
local row = find(command.ref)
if not row then return reply(KIND_UNKNOWN) end
if not is_live(row) then return reply(KIND_ENDED) end
if command.version and command.version ~= row[ROW_VERSION] then return reply(KIND_ETAG_MISMATCH) end
if command.seenVersion and command.seenVersion ~= row[ROW_VERSION] then return reply(KIND_MOVED_ON, record(row)) end
local claims, data = command.claims or row[ROW_CLAIMS], command.data or row[ROW_DATA]
if #claims > LIMIT_CLAIMS then return reply(KIND_TOO_LARGE_CLAIMS) end
if #data > LIMIT_DATA then return reply(KIND_TOO_LARGE_DATA) end

row[ROW_CLAIMS], row[ROW_DATA] = claims, data
row[ROW_DEVICE_NAME] = command.deviceName or row[ROW_DEVICE_NAME]
row[ROW_VERSION] = row[ROW_VERSION] + 1
if command.supersedeAccessTokens then row[ROW_MIN_VERSION] = row[ROW_VERSION] end
save(row)
if not command.supersedeAccessTokens then return reply(KIND_UPDATED, record(row), 0, '') end
append('session', 'security', row[ROW_TENANT_ID], row[ROW_SESSION_ID], row[ROW_VERSION], '')
return reply(KIND_UPDATED, record(row), head_seq, head_tag)

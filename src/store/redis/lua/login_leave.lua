-- Ends an anonymous session whose login goes on in the partition of the user, and records under the request what is
-- needed to finish that: never are both sessions alive.
-- KEYS, ARGV: as in partition.lua. Command: that of SessionStore.rotate, with userGeneration: the user's minimum.
-- Returns: KIND_LEFT with the draft, the create time that it takes over (0 = it starts anew), the generations under
--   which it may begin, position and tag of the entry; else what login_look.lua does, and KIND_TIMEOUT_PASSED.
-- @include partition log session user request successor
local old, refusal = predecessor()
if not old then return refusal end
local row, create_time_ms = successor_of(old)
if (create_time_ms or now_ms) + row[ROW_ABSOLUTE_TIMEOUT_MS] <= now_ms then return reply(KIND_TIMEOUT_PASSED) end
local generations = current_generations(row)
generations[1] = command.userGeneration
end_session(old, 'rotated', command.request)
local login = { row, create_time_ms or 0, generations, head_seq, head_tag }
remember(command.request, subject_of(old), { session_id = command.newSessionId, generation = 1, login = login })
-- One that goes on at once was authenticated at the moment at which its session begins.
if not command.authTimeMs then row[ROW_AUTH_TIME_MS] = false end
return reply(KIND_LEFT, unpack(login))

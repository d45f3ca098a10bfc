-- Ends all sessions of a user by raising the user's minimum, or those that match one by one.
-- KEYS, ARGV: as in partition.lua. Command: tenantId, userId, request, reason, exceptSessionId, denyCreateUntilMs,
--   deviceId, createTimeBeforeMs.
-- Returns: KIND_DONE with how many ended one by one (-1 = the minimum was raised), whether that was done before (1, 0),
--   position and tag of the log's head after it; KIND_REQUEST_REUSED, KIND_EXCEPT_UNKNOWN, KIND_EXCEPT_ENDED.
-- @include partition log session user request raise
local request = command.request
local earlier, differs = earlier_request(request, command.userId)
if earlier then
  if differs then return reply(KIND_REQUEST_REUSED) end
  local count = earlier[REQUEST_COUNT] or -1
  return reply(KIND_DONE, count, 1, earlier[REQUEST_HEAD_SEQ], earlier[REQUEST_HEAD_TAG])
end
local except, refusal = spared()
if refusal then return refusal end

local key, count = epoch_key('u', command.tenantId, command.userId), -1
if command.deviceId ~= '' or command.createTimeBeforeMs then
  local ended = {}
  end_all(selected(), command.reason, ended)
  count = #ended
  if command.denyCreateUntilMs then put_epoch(key, false, command.denyCreateUntilMs) end
else
  local minimum = math.max(minimum_of(key) + 1, now_ms)
  append('user', command.reason, command.tenantId, command.userId, minimum, command.exceptSessionId)
  local raised = { minimum = minimum, time_ms = now_ms, reason = command.reason, tag = head_tag }
  put_epoch(key, raised, command.denyCreateUntilMs)
  if except then
    except[ROW_USER_GENERATION] = minimum
    save(except)
  end
end
remember(request, command.userId, { count = count >= 0 and count, head = { head_seq, head_tag } })
return reply(KIND_DONE, count, 0, head_seq, head_tag)

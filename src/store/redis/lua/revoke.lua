-- Ends one session.
-- KEYS, ARGV: as in partition.lua. Command: ref, request, reason.
-- Returns: KIND_DONE with whether it was ended (1, 0), whether that was done before (1, 0), position and tag of the log
--   by which it had ended (position -1 = there is no such session); KIND_REQUEST_REUSED.
-- @include partition log session request
local row = find_kept(command.ref)
if not row then return reply(KIND_DONE, 0, 0, -1, '') end
local request, subject = command.request, subject_of(row)
local earlier, differs = earlier_request(request, subject)
if earlier then
  if differs then return reply(KIND_REQUEST_REUSED) end
  return reply(KIND_DONE, earlier[REQUEST_REVOKED] and 1 or 0, 1, earlier[REQUEST_HEAD_SEQ], earlier[REQUEST_HEAD_TAG])
end
local live = is_live(row)
if live then end_session(row, command.reason, request) end
remember(request, subject, { revoked = live, head = { head_seq, head_tag } })
return reply(KIND_DONE, live and 1 or 0, 0, head_seq, head_tag)

-- Reads a session, and slides its idle timeout where that is asked for and due.
-- KEYS, ARGV: as in partition.lua. Command: that of SessionStore.read, with touchIntervalMs.
-- Returns: KIND_FOUND with record, or KIND_UNKNOWN.
-- @include partition log session
local row = find(command)
if not row then return reply(KIND_UNKNOWN) end
-- The answer for an opaque token may be reused for as long as an access token lives.
if row[ROW_TOKEN_MODE] == 'opaque' and is_live(row) then announce('access', access_token_ttl_ms) end
local idle_ms = row[ROW_IDLE_TIMEOUT_MS]
if command.touch and idle_ms > 0 and is_live(row)
  -- Half of a short idle timeout at the latest, else a session in steady use would expire between two touches.
  and now_ms - row[ROW_LAST_ACTIVE_TIME_MS] >= math.min(command.touchIntervalMs, idle_ms / 2) then
  row[ROW_LAST_ACTIVE_TIME_MS] = now_ms
  save(row)
end
return reply(KIND_FOUND, record(row))

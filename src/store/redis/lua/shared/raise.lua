-- Minima and what they end; after user.lua.

-- Raises the minimum of a scope, or refuses creates until then, or both; false leaves what is recorded. A record is
-- kept until no session that it ended can be live, and no entry of it is left in the log.
local function put_epoch(key, raised, deny_until_ms)
  local present = epoch_of(key) or {}
  local deny = deny_until_ms or present[EPOCH_DENY_UNTIL_MS] or false
  local epoch = {}
  local higher = raised and raised.minimum > (present[EPOCH_MINIMUM] or 0)
  epoch[EPOCH_MINIMUM] = higher and raised.minimum or present[EPOCH_MINIMUM] or false
  epoch[EPOCH_RAISE_TIME_MS] = higher and raised.time_ms or present[EPOCH_RAISE_TIME_MS] or 0
  epoch[EPOCH_REASON] = higher and raised.reason or present[EPOCH_REASON] or ''
  epoch[EPOCH_DENY_UNTIL_MS] = deny
  epoch[EPOCH_TAG] = raised and raised.tag or present[EPOCH_TAG] or ''
  local session_lifetime_ms = math.max(max_absolute_ms, longest_ms('session'))
  epoch[EPOCH_KEEP_UNTIL_MS] = math.max(
    present[EPOCH_KEEP_UNTIL_MS] or 0, now_ms + session_lifetime_ms, discard_time_ms(), deny or 0)
  redis.call('SET', key, cmsgpack.pack(epoch), 'PXAT', garbage_ms(epoch[EPOCH_KEEP_UNTIL_MS]))
  epochs[key] = epoch
end

-- The session to be spared, which must be live; nil where none was named, else the answer that says why not.
local function spared()
  if command.exceptSessionId == '' then return nil, nil end
  local row = find({ tenantIds = { command.tenantId }, sessionId = command.exceptSessionId })
  if not row or row[ROW_USER_ID] ~= command.userId then return nil, reply(KIND_EXCEPT_UNKNOWN) end
  if not is_live(row) then return nil, reply(KIND_EXCEPT_ENDED) end
  return row, nil
end

-- The user's live sessions that match the command, in the order of their ids.
local function selected()
  local rows = {}
  for _, row in ipairs(live_sessions_of(command.tenantId, command.userId)) do
    if row[ROW_SESSION_ID] ~= command.exceptSessionId
      and (command.deviceId == '' or row[ROW_DEVICE_ID] == command.deviceId)
      and (not command.createTimeBeforeMs or row[ROW_CREATE_TIME_MS] < command.createTimeBeforeMs) then
      rows[#rows + 1] = row
    end
  end
  table.sort(rows, function(a, b) return a[ROW_SESSION_ID] < b[ROW_SESSION_ID] end)
  return rows
end

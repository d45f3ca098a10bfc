-- Appends again what a failover lost from the log's tail, and re-applies it; each entry once, whoever comes with it.
-- KEYS, ARGV: as in partition.lua. Command: entries = list of { tag, timeMs, reason, kind, tenantId, subject, minimum,
--   exceptSessionId }, in the order of the log.
-- Returns: KIND_DONE with how many were appended.
-- @include partition log session user raise
local scopes = { user = 'u', client = 'c', tenant = 't', global = 'g' }

local function heal_session(entry, given)
  local row = load_session(entry.subject)
  if entry.minimum > 0 then
    if row then
      -- The update that raised the version was lost too.
      row[ROW_MIN_VERSION] = math.max(row[ROW_MIN_VERSION], entry.minimum)
      row[ROW_VERSION] = math.max(row[ROW_VERSION], entry.minimum)
      save(row)
    end
  elseif row and row[ROW_REVOKE_TIME_MS] == 0 then
    return end_session(row, entry.reason, true, given)
  end
  append('session', entry.reason, entry.tenantId, entry.subject, entry.minimum, '', given)
end

local function heal_epoch(entry, given)
  local key = epoch_key(scopes[entry.kind], entry.tenantId, entry.subject)
  local except = entry.exceptSessionId ~= '' and load_session(entry.exceptSessionId)
  if except and is_live(except) and except[ROW_USER_GENERATION] < entry.minimum then
    except[ROW_USER_GENERATION] = entry.minimum
    save(except)
  end
  append(entry.kind, entry.reason, entry.tenantId, entry.subject, entry.minimum, entry.exceptSessionId, given)
  local raised = { minimum = entry.minimum, time_ms = entry.timeMs, reason = entry.reason, tag = entry.tag }
  put_epoch(key, raised, false)
end

for _, entry in ipairs(command.entries) do
  local marker = prefix .. 'h:' .. entry.tag
  if redis.call('SET', marker, '1', 'NX', 'PXAT', garbage_ms(discard_time_ms())) then
    local given = { tag = entry.tag, time_ms = entry.timeMs }
    if entry.kind == 'session' then heal_session(entry, given) else heal_epoch(entry, given) end
  end
end
return reply(KIND_DONE, #appended / 2)

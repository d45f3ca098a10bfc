-- The sessions of one user; after session.lua.

-- Rows in the order of the ids; those that Redis has forgotten leave the index.
local function load_sessions(index, ids)
  local rows = {}
  for first = 1, #ids, 100 do
    local keys = {}
    for i = first, math.min(first + 99, #ids) do keys[#keys + 1] = session_key(ids[i]) end
    for i, packed in ipairs(redis.call('MGET', unpack(keys))) do
      if packed then
        rows[#rows + 1] = unpack_row(packed)
      else
        redis.call('ZREM', index, ids[first + i - 1])
      end
    end
  end
  return rows
end

-- What an epoch ended, or what has long been expired, is no longer counted among those that may be live: clocks of two
-- masters differ by less than the skew.
local function settle(index, row, state, time_ms)
  if state == STATE_REVOKED or (state == STATE_EXPIRED and time_ms + 2 * LIMIT_CLOCK_SKEW_MS < now_ms) then
    redis.call('ZADD', index, 'XX', string.format('%.0f', -row[ROW_CREATE_TIME_MS]), row[ROW_SESSION_ID])
  end
end

local function live_sessions_of(tenant_id, user_id)
  if user_id == '' then return {} end
  local index = prefix .. 'u:' .. named(tenant_id, user_id)
  local live = {}
  for _, row in ipairs(load_sessions(index, redis.call('ZRANGEBYSCORE', index, '(0', '+inf'))) do
    local state, time_ms = status_of(row)
    if state == STATE_ACTIVE then live[#live + 1] = row else settle(index, row, state, time_ms) end
  end
  return live
end

-- Looks at a few members, so that the index cannot outgrow the sessions that it names: every create adds one.
local function prune(index)
  for _, id in ipairs(redis.call('ZRANDMEMBER', index, 8)) do
    if redis.call('EXISTS', session_key(id)) == 0 then redis.call('ZREM', index, id) end
  end
end

-- Whether the user's creates are refused at this moment (account disabled).
local function is_blocked(tenant_id, user_id)
  if user_id == '' then return false end
  local epoch = epoch_of(epoch_key('u', tenant_id, user_id))
  return epoch and epoch[EPOCH_DENY_UNTIL_MS] and epoch[EPOCH_DENY_UNTIL_MS] > now_ms
end

-- Which sessions make room for one more, those apart that end anyway in this step; false where there is no room.
local function to_evict(row, leaving, limit)
  if limit.max == 0 or row[ROW_USER_ID] == '' then return {} end
  local index = user_key(row)
  if redis.call('ZCOUNT', index, '(0', '+inf') < limit.max then return {} end
  local gone = {}
  for _, other in ipairs(leaving) do gone[other[ROW_SESSION_ID]] = true end
  local counted = {}
  for _, other in ipairs(live_sessions_of(row[ROW_TENANT_ID], row[ROW_USER_ID])) do
    if not other[ROW_ACTOR] and not gone[other[ROW_SESSION_ID]] then counted[#counted + 1] = other end
  end
  local surplus = #counted + 1 - limit.max
  if surplus <= 0 then return {} end
  if limit.policy == 'reject' then return false end
  local field = limit.policy == 'evict-oldest' and ROW_CREATE_TIME_MS or ROW_LAST_ACTIVE_TIME_MS
  table.sort(counted, function(a, b)
    if a[field] ~= b[field] then return a[field] < b[field] end
    return a[ROW_SESSION_ID] < b[ROW_SESSION_ID]
  end)
  local evicted = {}
  for i = 1, surplus do evicted[i] = counted[i] end
  return evicted
end

-- Writes the row of a session that begins now; times and generations are those of the step.
local function begin_session(row, generations, create_time_ms)
  row[ROW_CREATE_TIME_MS] = create_time_ms
  row[ROW_LAST_ACTIVE_TIME_MS] = now_ms
  row[ROW_ABSOLUTE_EXPIRE_TIME_MS] = create_time_ms + row[ROW_ABSOLUTE_TIMEOUT_MS]
  row[ROW_AUTH_TIME_MS] = row[ROW_AUTH_TIME_MS] or now_ms
  for i = 1, 4 do row[ROW_USER_GENERATION + i - 1] = generations[i] end
  announce('access', access_token_ttl_ms)
  announce('session', max_absolute_ms)
  if row[ROW_USER_ID] ~= '' then
    local index = user_key(row)
    prune(index)
    redis.call('ZADD', index, string.format('%.0f', create_time_ms), row[ROW_SESSION_ID])
  end
  save(row, true)
  look_at(row, math.min(purge_time_ms(row), now_ms + LIMIT_LOOK_AGAIN_MS))
end

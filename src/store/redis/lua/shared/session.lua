-- Sessions and the epochs that bind them; after partition.lua and log.lua. Row = an unpacked session.

local function session_key(session_id)
  return prefix .. 's:' .. session_id
end

-- By row: as it was read or saved. No row is changed and not saved.
local packed_of = {}

local function unpack_row(packed)
  local row = cmsgpack.unpack(packed)
  packed_of[row] = packed
  return row
end

local function load_session(session_id)
  local packed = redis.call('GET', session_key(session_id))
  return packed and unpack_row(packed) or nil
end

local function user_key(row)
  return prefix .. 'u:' .. named(row[ROW_TENANT_ID], row[ROW_USER_ID])
end

-- An anonymous session is its own subject.
local function subject_of(row)
  return row[ROW_USER_ID] == '' and row[ROW_SESSION_ID] or row[ROW_USER_ID]
end

local function epoch_key(scope, tenant_id, subject)
  return prefix .. 'e:' .. scope .. ':' .. named(tenant_id, subject)
end

-- By key; false where there is none. Those of one user's sessions are the same few.
local epochs = {}

local function load_epochs(keys)
  local missing = {}
  for _, key in ipairs(keys) do
    if epochs[key] == nil then missing[#missing + 1] = key end
  end
  if #missing == 0 then return end
  local found = redis.call('MGET', unpack(missing))
  for i, key in ipairs(missing) do
    local epoch = found[i] and cmsgpack.unpack(found[i])
    epochs[key] = epoch and epoch[EPOCH_KEEP_UNTIL_MS] > now_ms and epoch
  end
end

local function epoch_of(key)
  load_epochs({ key })
  return epochs[key]
end

-- By row: what they are made of does not change. Most steps ask for a row's status several times.
local epoch_keys_of = {}

-- In the order of the row's generations; loaded.
local function epoch_keys(row)
  local keys = epoch_keys_of[row]
  if keys then return keys end
  local tenant_id = row[ROW_TENANT_ID]
  keys = {
    epoch_key('u', tenant_id, subject_of(row)),
    epoch_key('c', tenant_id, row[ROW_CLIENT_ID]),
    epoch_key('t', tenant_id, ''),
    epoch_key('g', '', ''),
  }
  load_epochs(keys)
  epoch_keys_of[row] = keys
  return keys
end

-- An absent record reads as the store's birth.
local function minimum_of(key)
  local epoch = epoch_of(key)
  return epoch and epoch[EPOCH_MINIMUM] or birth_ms
end

-- The minima under which a session that begins now is created.
local function current_generations(row)
  local keys = epoch_keys(row)
  return { minimum_of(keys[1]), minimum_of(keys[2]), minimum_of(keys[3]), minimum_of(keys[4]) }
end

-- The earlier of the idle and the absolute limit.
local function expire_time_ms(row)
  local absolute_ms = row[ROW_ABSOLUTE_EXPIRE_TIME_MS]
  if row[ROW_IDLE_TIMEOUT_MS] == 0 then return absolute_ms end
  return math.min(row[ROW_LAST_ACTIVE_TIME_MS] + row[ROW_IDLE_TIMEOUT_MS], absolute_ms)
end

-- State, the time at which the session ended (0 = it is live), and why. Whichever came first decides.
local function status_of(row)
  local ended_ms, reason = row[ROW_REVOKE_TIME_MS], row[ROW_REASON]
  if ended_ms == 0 then ended_ms = math.huge end
  for i, key in ipairs(epoch_keys(row)) do
    local epoch = epochs[key]
    if epoch and epoch[EPOCH_MINIMUM] and row[ROW_USER_GENERATION + i - 1] < epoch[EPOCH_MINIMUM]
      and epoch[EPOCH_RAISE_TIME_MS] < ended_ms then
      ended_ms, reason = epoch[EPOCH_RAISE_TIME_MS], epoch[EPOCH_REASON]
    end
  end
  local expiry_ms = expire_time_ms(row)
  if ended_ms < expiry_ms then return STATE_REVOKED, ended_ms, reason end
  if expiry_ms <= now_ms then return STATE_EXPIRED, expiry_ms, '' end
  if ended_ms == math.huge then return STATE_ACTIVE, 0, '' end
  return STATE_REVOKED, ended_ms, reason
end

local function is_live(row)
  return status_of(row) == STATE_ACTIVE
end

local function record(row)
  local state, time_ms, reason = status_of(row)
  return { state, time_ms, reason, packed_of[row] }
end

-- Whether an ended session is past its retention: it is unknown from then on, whoever still has its row.
local function is_purged(row)
  local state, time_ms = status_of(row)
  return state ~= STATE_ACTIVE and time_ms + retention_ms <= now_ms
end

local function contains(list, value)
  for _, member in ipairs(list) do
    if member == value then return true end
  end
  return false
end

-- The session that a reference names, also past its retention: requests are found through it. nil where it is
-- unknown, of none of the tenants (false = any), or not proven.
local function find_kept(ref)
  local row = load_session(ref.sessionId)
  if not row or (ref.tenantIds ~= false and not contains(ref.tenantIds, row[ROW_TENANT_ID])) then return nil end
  local proof = ref.proof or {}
  if proof.nonce and proof.nonce ~= row[ROW_NONCE] then return nil end
  if proof.generation and proof.generation < row[ROW_GENERATION] then return nil end
  if proof.version and proof.version < row[ROW_MIN_VERSION] then return nil end
  if proof.audience and not contains(row[ROW_AUDIENCES], proof.audience) then return nil end
  return row
end

local function find(ref)
  local row = find_kept(ref)
  if row and not is_purged(row) then return row end
  return nil
end

-- Until when the row as it is may be asked for.
local function purge_time_ms(row)
  local ended_ms = row[ROW_REVOKE_TIME_MS]
  if ended_ms == 0 then ended_ms = expire_time_ms(row) end
  return math.max(ended_ms + retention_ms, row[ROW_KEEP_UNTIL_MS])
end

-- The user's index lives as long as the last of its sessions; one that the session has just begun has no expiry yet.
local function save(row, is_new)
  local expiry = garbage_ms(purge_time_ms(row))
  packed_of[row] = cmsgpack.pack(row)
  redis.call('SET', session_key(row[ROW_SESSION_ID]), packed_of[row], 'PXAT', expiry)
  if row[ROW_USER_ID] == '' then return end
  local index = user_key(row)
  if redis.call('PEXPIREAT', index, expiry, 'GT') == 0 and is_new then redis.call('PEXPIREAT', index, expiry, 'NX') end
end

-- Notes when to look at the session again: once it can be swept, or else now and then, since an epoch may end it.
local function look_at(row, at_ms)
  redis.call('ZADD', prefix .. 'a', string.format('%.0f', at_ms), row[ROW_SESSION_ID])
end

-- Ends one session: the row and the log together. Where a request ended it the row is kept for as long as the request.
-- `given` as in append.
local function end_session(row, reason, for_request, given)
  row[ROW_REVOKE_TIME_MS], row[ROW_REASON] = given and given.time_ms or now_ms, reason
  if for_request then row[ROW_KEEP_UNTIL_MS] = now_ms + math.max(retention_ms, LIMIT_REQUEST_RETENTION_MS) end
  if row[ROW_USER_ID] ~= '' then
    redis.call('ZADD', user_key(row), 'XX', string.format('%.0f', -row[ROW_CREATE_TIME_MS]), row[ROW_SESSION_ID])
  end
  save(row)
  look_at(row, purge_time_ms(row))
  append('session', reason, row[ROW_TENANT_ID], row[ROW_SESSION_ID], 0, '', given)
end

-- Ends each, and notes their ids in `ended`.
local function end_all(rows, reason, ended)
  for _, row in ipairs(rows) do
    end_session(row, reason)
    ended[#ended + 1] = row[ROW_SESSION_ID]
  end
end

-- Exchanges a refresh token: one compare-and-set on nonce and generation.
-- KEYS, ARGV: as in partition.lua. Command: that of SessionStore.refresh, with graceMs.
-- Returns: KIND_ROTATED or KIND_REPLAYED with record and the device before the step (id, name, user agent, address);
--   KIND_REUSED with the tenant's id; KIND_REQUEST_REUSED, KIND_EXPIRED, KIND_REVOKED, KIND_UNKNOWN.
-- @include partition log session
local row = find({ tenantIds = command.tenantIds, sessionId = command.sessionId, proof = { nonce = command.nonce } })
if not row or row[ROW_TOKEN_MODE] ~= 'pair' then return reply(KIND_UNKNOWN) end
if command.clientId and row[ROW_CLIENT_ID] ~= command.clientId then return reply(KIND_UNKNOWN) end
local state = status_of(row)
if state ~= STATE_ACTIVE then return reply(state == STATE_EXPIRED and KIND_EXPIRED or KIND_REVOKED) end

local device = { row[ROW_DEVICE_ID], row[ROW_DEVICE_NAME], row[ROW_USER_AGENT], row[ROW_IP_ADDRESS] }
local presented, current = command.generation, row[ROW_GENERATION]
local spent = row[ROW_SPENT_TIMES_MS]

local function replayed()
  announce('access', access_token_ttl_ms)
  return reply(KIND_REPLAYED, record(row), device)
end

if command.requestId ~= '' and command.requestId == row[ROW_REQUEST_ID] then
  if command.requestHash ~= row[ROW_REQUEST_HASH] then return reply(KIND_REQUEST_REUSED) end
  if presented == current - 1 then return replayed() end
end
if presented < current then
  local spent_at = spent[#spent + 1 - (current - presented)]
  if spent_at and now_ms - spent_at < command.graceMs then return replayed() end
  end_session(row, 'refresh_token_reuse')
  return reply(KIND_REUSED, row[ROW_TENANT_ID])
end

-- A generation ahead of the row is genuine too: the row's own step was lost in a failover. What was lost with it
-- counts as spent now, together with the one presented.
for _ = 1, math.min(presented - current + 1, LIMIT_REMEMBERED_GENERATIONS) do spent[#spent + 1] = now_ms end
while #spent > LIMIT_REMEMBERED_GENERATIONS do table.remove(spent, 1) end

local changed = false
local function set(field, value)
  if value and row[field] ~= value then row[field], changed = value, true end
end
local given = command.device or { deviceId = '', name = '', userAgent = '', ipAddress = '' }
set(ROW_DEVICE_ID, given.deviceId ~= '' and given.deviceId)
set(ROW_DEVICE_NAME, given.name ~= '' and given.name)
set(ROW_USER_AGENT, given.userAgent ~= '' and given.userAgent)
set(ROW_IP_ADDRESS, given.ipAddress ~= '' and given.ipAddress)
set(ROW_CLAIMS, command.claims)
if changed then row[ROW_VERSION] = row[ROW_VERSION] + 1 end
row[ROW_LAST_ACTIVE_TIME_MS] = now_ms
row[ROW_GENERATION] = presented + 1
row[ROW_KEY_ID] = command.keyId
row[ROW_REQUEST_ID], row[ROW_REQUEST_HASH] = command.requestId, command.requestHash
announce('access', access_token_ttl_ms)
save(row)
return reply(KIND_ROTATED, record(row), device)

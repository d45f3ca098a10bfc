-- What a rotation begins; after session.lua.

-- Whether the absolute limit counts from this step on: only with a later authentication.
local function starts_anew(old, auth_time_ms)
  return auth_time_ms > old[ROW_AUTH_TIME_MS]
end

-- The draft of the new session, and the create time that it takes over; nil where it starts anew. Everything is carried
-- over unless set; a user who has just logged in was authenticated now.
local function successor_of(old)
  local row = {}
  for i, value in ipairs(old) do row[i] = value end
  local logged_in = old[ROW_USER_ID] == '' and command.userId ~= ''
  local auth_time_ms = command.authTimeMs or (logged_in and now_ms or old[ROW_AUTH_TIME_MS])
  local anew = starts_anew(old, auth_time_ms)
  local absolute_ms = command.absoluteTimeoutMs or old[ROW_ABSOLUTE_TIMEOUT_MS]
  -- The maximum may have been lowered since: epochs are kept only as long as sessions that begin now can live.
  if anew then absolute_ms = math.min(absolute_ms, max_absolute_ms) end
  row[ROW_SESSION_ID] = command.newSessionId
  if command.userId ~= '' then row[ROW_USER_ID] = command.userId end
  row[ROW_IDLE_TIMEOUT_MS] = command.idleTimeoutMs or old[ROW_IDLE_TIMEOUT_MS]
  row[ROW_ABSOLUTE_TIMEOUT_MS] = absolute_ms
  row[ROW_AUTH_TIME_MS] = auth_time_ms
  row[ROW_ACR] = command.acr or old[ROW_ACR]
  row[ROW_AMR] = command.amr or old[ROW_AMR]
  local device = command.device or {}
  for field, given in pairs({
    [ROW_DEVICE_ID] = device.deviceId or '',
    [ROW_DEVICE_NAME] = device.name or '',
    [ROW_USER_AGENT] = device.userAgent or '',
    [ROW_IP_ADDRESS] = device.ipAddress or '',
  }) do
    if given ~= '' then row[field] = given end
  end
  row[ROW_CLAIMS] = command.claims or old[ROW_CLAIMS]
  row[ROW_DATA] = command.data or old[ROW_DATA]
  row[ROW_VERSION], row[ROW_MIN_VERSION] = 1, 0
  row[ROW_NONCE], row[ROW_GENERATION], row[ROW_KEY_ID] = command.nonce, 1, command.keyId
  row[ROW_SPENT_TIMES_MS], row[ROW_REQUEST_ID], row[ROW_REQUEST_HASH] = {}, '', ''
  row[ROW_REVOKE_TIME_MS], row[ROW_REASON], row[ROW_KEEP_UNTIL_MS] = 0, '', 0
  return row, not anew and old[ROW_CREATE_TIME_MS] or nil
end

-- The session to go on from, or else the answer that says why not. A repeat comes with a credential that the first call
-- spent: only the tenants and the nonce bind it.
local function predecessor()
  local ref, request = command.ref, command.request
  local proof = ref.proof or {}
  local old = find_kept({ tenantIds = ref.tenantIds, sessionId = ref.sessionId, proof = { nonce = proof.nonce } })
  if not old then return nil, reply(KIND_UNKNOWN) end
  local earlier, differs = earlier_request(request, subject_of(old))
  if earlier then
    if differs then return nil, reply(KIND_REQUEST_REUSED) end
    local login = earlier[REQUEST_LOGIN]
    if login then return nil, reply(KIND_LOGIN_BEGUN, unpack(login)) end
    return nil, repeated(earlier)
  end
  if not find(ref) then return nil, reply(KIND_UNKNOWN) end
  if not is_live(old) then return nil, reply(KIND_ENDED) end
  if command.userId ~= '' and old[ROW_USER_ID] ~= '' and command.userId ~= old[ROW_USER_ID] then
    return nil, reply(KIND_OTHER_USER)
  end
  return old
end

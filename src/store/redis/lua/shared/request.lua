-- What was done under a request id; after session.lua. A request id belongs to its RPC and tenant (both in the stamp's
-- key) and to the session's subject.

local function request_key(request, subject)
  return prefix .. 'r:' .. request.key .. ':' .. subject
end

-- What was done before, and whether it was asked otherwise; nil where the request is new or came without an id.
local function earlier_request(request, subject)
  local packed = request and redis.call('GET', request_key(request, subject))
  local earlier = packed and cmsgpack.unpack(packed)
  if not earlier or earlier[REQUEST_EXPIRE_TIME_MS] <= now_ms then return nil, false end
  return earlier, earlier[REQUEST_HASH] ~= request.hash
end

-- Records what was done, not the answer: no token is at rest. `head` is position and tag of an entry, and its
-- partition where that is another one; nil where there is none.
local function remember(request, subject, done)
  if not request then return end
  local expire_ms = now_ms + LIMIT_REQUEST_RETENTION_MS
  local head = done.head or { 0, '' }
  local earlier = {}
  earlier[REQUEST_HASH] = request.hash
  earlier[REQUEST_SESSION_ID] = done.session_id or ''
  earlier[REQUEST_GENERATION] = done.generation or 0
  earlier[REQUEST_ENDED] = done.ended or {}
  earlier[REQUEST_REVOKED] = done.revoked or false
  earlier[REQUEST_COUNT] = done.count or false
  earlier[REQUEST_HEAD_PARTITION] = head[3] or -1
  earlier[REQUEST_HEAD_SEQ], earlier[REQUEST_HEAD_TAG] = head[1], head[2]
  earlier[REQUEST_EXPIRE_TIME_MS] = expire_ms
  earlier[REQUEST_LOGIN] = done.login or false
  redis.call('SET', request_key(request, subject), cmsgpack.pack(earlier), 'PXAT', garbage_ms(expire_ms))
end

local function remember_session(request, subject, row, ended, head)
  local done = { session_id = row[ROW_SESSION_ID], generation = row[ROW_GENERATION], ended = ended, head = head }
  remember(request, subject, done)
end

-- A session that a step began, the ids of those that it ended, and the head.
local function begun(kind, row, ended, head)
  return reply(kind, record(row), ended, head[1], head[2], head[3] or -1)
end

-- What the repeat of a create or rotation is answered with.
local function repeated(earlier)
  local row = load_session(earlier[REQUEST_SESSION_ID])
  if not row or row[ROW_GENERATION] ~= earlier[REQUEST_GENERATION] or not is_live(row) then
    return reply(KIND_SUPERSEDED)
  end
  announce('access', access_token_ttl_ms)
  return begun(KIND_REPEATED, row, earlier[REQUEST_ENDED], {
    earlier[REQUEST_HEAD_SEQ], earlier[REQUEST_HEAD_TAG], earlier[REQUEST_HEAD_PARTITION],
  })
end

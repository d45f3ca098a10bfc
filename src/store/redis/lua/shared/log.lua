-- The log of the partition; after partition.lua.

-- Position and entry in turn, as this step appended them.
local appended = {}

-- After this time nothing is accepted that a revocation numbered now ends.
local function discard_time_ms()
  return now_ms + math.max(access_token_ttl_ms, longest_ms('access')) + 2 * LIMIT_CLOCK_SKEW_MS
    + LIMIT_STORE_DEADLINE_MS
end

-- Appends within the step that changes the state. `minimum` is the minimum version of a session (0 = it has ended), or
-- the minimum generation of a scope. `given` is the tag and the time of a revocation that was made
-- before: it has a copy in every partition, or was lost.
local function append(kind, reason, tenant_id, subject, minimum, except_session_id, given)
  head_seq = head_seq + 1
  local tag = given and given.tag or string.sub(redis.sha1hex(tag_seed .. ':' .. head_seq), 1, 16)
  local entry = cjson.encode({
    tag, head_tag, given and given.time_ms or now_ms, discard_time_ms(), reason,
    kind, tenant_id, subject, minimum, except_session_id,
  })
  head_tag = tag
  local position = string.format('%.0f', head_seq)
  redis.call('XADD', prefix .. 'l', position .. '-0', 'e', entry)
  redis.call('HSET', state_key, 'seq', position, 'tag', tag)
  appended[#appended + 1] = head_seq
  appended[#appended + 1] = entry
end

-- The hint names the instance, which needs none for what it has appended itself.
-- What every step answers: the outcome's kind, the time, the log's head, what was appended, and what the kind brings.
local function reply(kind, ...)
  if #appended > 0 then redis.call('PUBLISH', prefix .. 'l', string.sub(tag_seed, 1, 32)) end
  return { kind, now_ms, head_seq, head_tag, appended, ... }
end

-- Opens a step on one partition: the first include of every script that works on sessions.
-- KEYS: 1 the partition's state, 2 its guard, which is never there. Other keys of the partition are made from the first:
--   they share its hash tag, and which they are is not known before a row was read.
-- ARGV: 1 store id, 2 birth time (ms), 3 offset of the store's clock (ms), 4 random hex for tags of log entries: 32 digits
--   that name the instance, then what no other call of it has,
--   5 lifetime of access tokens (ms), 6 longest lifetime of a session (ms), 7 retention of ended sessions (ms),
--   8 the command as JSON, in which false stands for null.
local state_key = KEYS[1]
local prefix = string.sub(state_key, 1, -2)
local birth_ms, offset_ms, tag_seed = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local access_token_ttl_ms, max_absolute_ms, retention_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local command = cjson.decode(ARGV[8])

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000) + offset_ms

local state = redis.call('HMGET', state_key, 'store', 'seq', 'tag', 'life')
if state[1] ~= ARGV[1] then
  return redis.error_reply('OTHERSTORE the partition is not of the store that was opened')
end
local head_seq, head_tag = tonumber(state[2]), state[3]
-- Kind, lifetime and end of its force, in turn.
local lifetimes = cmsgpack.unpack(state[4])

-- The time by which Redis itself may forget what matters until `until_ms`.
local function garbage_ms(until_ms)
  return string.format('%.0f', math.max(1, until_ms - offset_ms + LIMIT_GARBAGE_MS))
end

-- Unambiguous for any ids: the tenant's length comes first.
local function named(tenant_id, subject)
  return #tenant_id .. ':' .. tenant_id .. subject
end

-- The longest lifetime of the kind that is in force; 0 where none is.
local function longest_ms(kind)
  local longest = 0
  for i = 1, #lifetimes, 3 do
    if lifetimes[i] == kind and lifetimes[i + 2] > now_ms then longest = math.max(longest, lifetimes[i + 1]) end
  end
  return longest
end

-- Before a token of this lifetime is issued, the partition knows that the lifetime is in force; announced ahead of the
-- need, so that most steps write nothing.
local function announce(kind, lifetime_ms)
  local needed_ms = now_ms + lifetime_ms + LIMIT_CLOCK_SKEW_MS
  local kept = {}
  for i = 1, #lifetimes, 3 do
    if lifetimes[i] == kind and lifetimes[i + 1] == lifetime_ms then
      if lifetimes[i + 2] >= needed_ms then return end
    elseif lifetimes[i + 2] > now_ms then
      for j = i, i + 2 do kept[#kept + 1] = lifetimes[j] end
    end
  end
  kept[#kept + 1] = kind
  kept[#kept + 1] = lifetime_ms
  kept[#kept + 1] = needed_ms + LIMIT_ANNOUNCE_AHEAD_MS
  lifetimes = kept
  redis.call('HSET', state_key, 'life', cmsgpack.pack(kept))
end

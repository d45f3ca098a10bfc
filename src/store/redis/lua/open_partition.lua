-- Makes a partition's state, unless it is there.
-- KEYS: 1 the partition's state, 2 its guard. ARGV: 1 store id, 2 birth time (ms).
-- Returns: the id of the store that it is of, and that store's birth time.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'store', ARGV[1], 'birth', ARGV[2], 'seq', 0, 'tag', '0000000000000000',
    'floor', 0, 'floorTag', '0000000000000000', 'life', cmsgpack.pack({}))
end
return redis.call('HMGET', KEYS[1], 'store', 'birth')

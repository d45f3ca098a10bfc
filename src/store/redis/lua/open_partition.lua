-- Makes a partition's state, unless it is there, or was there once.
-- KEYS: 1 the partition's state, 2 its guard. ARGV: 1 store id, 2 birth time (ms), 3 whether all partitions were made (1).
-- Returns: the id of the store that it is of, and that store's birth time; neither where it was lost.
if redis.call('EXISTS', KEYS[1]) == 0 and ARGV[3] ~= '1' then
  redis.call('HSET', KEYS[1], 'store', ARGV[1], 'birth', ARGV[2], 'seq', 0, 'tag', '0000000000000000',
    'floor', 0, 'floorTag', '0000000000000000', 'life', cmsgpack.pack({}))
end
return redis.call('HMGET', KEYS[1], 'store', 'birth')

-- Replace the packed series by one that includes the oldest `count` journal entries, and drop those.
-- KEYS: state, series, journal. ARGV: owner, head expected, count, packed series, commit of the last entry included.
-- Returns 'compacted' or 'refused'.
local have = redis.call('HMGET', KEYS[1], 'owner', 'head')
if have[1] ~= ARGV[1] or (have[2] or '0') ~= ARGV[2] then return 'refused' end
redis.call('SET', KEYS[2], ARGV[4])
redis.call('LTRIM', KEYS[3], ARGV[3], -1)
redis.call('HSET', KEYS[1], 'base', ARGV[5])
redis.call('HINCRBY', KEYS[1], 'head', ARGV[3])
return 'compacted'

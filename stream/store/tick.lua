-- The owner's sign of life, and its look at whether Redis went back in time.
-- KEYS: state. ARGV: owner, lag (JSON topic -> events), oldest uncommitted record (ms, 0 = none).
-- Returns {owner in Redis, commit, position}; writes only for the owner.
local have = redis.call('HMGET', KEYS[1], 'owner', 'commit', 'position')
if have[1] == ARGV[1] then
  local now = redis.call('TIME')
  local now_ms = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))
  redis.call('HSET', KEYS[1], 'heartbeat_ms', now_ms, 'lag', ARGV[2], 'oldest_ms', ARGV[3])
end
return have

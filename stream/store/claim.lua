-- Take a shard: from now on only this owner's commits are accepted.
-- KEYS: state. ARGV: owner, position to start from if the shard has none ('' = do not start it).
-- Returns {position, last commit}, {false, false} if there is no position.
local position = redis.call('HGET', KEYS[1], 'position')
if not position then
  if ARGV[2] == '' then return {false, false} end
  position = ARGV[2]
  redis.call('HSET', KEYS[1], 'position', position)
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
return {position, redis.call('HGET', KEYS[1], 'commit')}

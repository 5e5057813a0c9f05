-- What is new of a shard, as of one instant.
-- KEYS: state, journal. ARGV: how many journal entries were read of all that were ever written.
-- Returns {the state's fields, the entries from the one that was read last on}.
local state = redis.call('HGETALL', KEYS[1])
local head = 0
for i = 1, #state, 2 do
  if state[i] == 'head' then head = tonumber(state[i + 1]) end
end
local first = tonumber(ARGV[1]) - 1 - head
if first < 0 then return {state, {}} end
return {state, redis.call('LRANGE', KEYS[2], first, -1)}

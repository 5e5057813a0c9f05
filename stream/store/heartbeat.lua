-- A worker's sign of life: one for all of its shards.
-- KEYS: heartbeats. ARGV: worker, what it says (JSON), a word of its own.
-- Returns the word that it said before, as Redis has it; false if Redis has none.
local now = redis.call('TIME')
local now_ms = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))
local before = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], now_ms .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
return before and before:match('^%d+ (%S+)')

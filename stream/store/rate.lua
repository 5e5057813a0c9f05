-- GCRA: let events in while what was let in before is paid for, at so much time an event, but for a burst.
-- A batch is let in as a whole and paid for afterwards, however large it is.
-- KEYS: when all is paid for (string, microseconds). ARGV: cost of the events, burst (microseconds).
-- Returns 0, or in how many milliseconds to ask again.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if paid - now > burst then return math.ceil((paid - now - burst) / 1000) end
paid = paid + cost
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000) + 1000)
return 0

-- Drop the messages that Kafka has acknowledged from the head of the outbox, and count them.
-- KEYS: state, outbox. ARGV: owner, messages ever sent as they were counted when these were read, how many these are.
-- Returns 'sent', 'already' (these are dropped), 'owner' or 'position' (refused, nothing dropped).
local have = redis.call('HMGET', KEYS[1], 'owner', 'c:risk_messages')
local sent, expected = tonumber(have[2] or '0'), tonumber(ARGV[2])
if have[1] ~= ARGV[1] then return 'owner' end
if sent == expected + tonumber(ARGV[3]) then return 'already' end
if sent ~= expected then return 'position' end

-- Lua does not roll back: what is no list is found out before anything is written, and Redis refuses the first write
-- where it refuses any (memory is full).
redis.call('LLEN', KEYS[2])
redis.call('HINCRBY', KEYS[1], 'c:risk_messages', ARGV[3])
redis.call('LTRIM', KEYS[2], ARGV[3], -1)
return 'sent'

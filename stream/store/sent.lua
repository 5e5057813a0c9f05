-- Drop the messages that Kafka has acknowledged from the head of the outbox.
-- KEYS: state, outbox. ARGV: owner, count.
-- Returns 1, or 0 when another owner is about to send them.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('LTRIM', KEYS[2], ARGV[2], -1)
return 1

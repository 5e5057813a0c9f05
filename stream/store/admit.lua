-- Admit values while there is room. What was not used for 35 days gives up its place when another value needs it, the
-- longest unused first. Each value costs O(log of the limit), however many there are.
-- KEYS: places (sorted set: value -> day since the epoch of its last use). ARGV: limit, today, value…
-- Returns 1 or 0 for each value.
local places, limit, today = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local UNUSED_DAYS = 35
local free = limit - redis.call('ZCARD', places)
local function room()
  if free <= 0 then
    local unused = redis.call('ZCOUNT', places, '-inf', '(' .. today - UNUSED_DAYS)
    local released = math.min(unused, 1 - free) -- more than one where the limit was lowered
    if released > 0 then
      redis.call('ZREMRANGEBYRANK', places, 0, released - 1)
      free = free + released
    end
  end
  return free > 0
end
local answers = {}
for i = 3, #ARGV do
  local used = redis.call('ZSCORE', places, ARGV[i])
  local admitted = used or room()
  if admitted and (not used or tonumber(used) < today) then redis.call('ZADD', places, today, ARGV[i]) end
  if admitted and not used then free = free - 1 end
  answers[#answers + 1] = admitted and 1 or 0
end
return answers

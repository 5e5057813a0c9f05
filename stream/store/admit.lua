-- Admit label values while there is room; what was not used for 35 days gives up its place.
-- KEYS: labels. ARGV: limit, today (day since the epoch), value…
-- Returns 1 or 0 for each value.
local limit, today = tonumber(ARGV[1]), tonumber(ARGV[2])
local UNUSED_DAYS = 35
local function release()
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]) < today - UNUSED_DAYS then redis.call('HDEL', KEYS[1], all[i]) end
  end
end
local answers = {}
for i = 3, #ARGV do
  local known = redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  if not known and redis.call('HLEN', KEYS[1]) >= limit then release() end
  if known or redis.call('HLEN', KEYS[1]) < limit then
    redis.call('HSET', KEYS[1], ARGV[i], today)
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
return answers

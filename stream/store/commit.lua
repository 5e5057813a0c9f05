-- Write one folded batch and the position that follows it: all or nothing.
-- KEYS: state, customers (what the buckets' names begin with), names, journal, outbox, at-risk, then blobs to append to
-- (event ids, timers), then blobs to delete.
-- ARGV: JSON {owner, commit, after (the commit before), expected, position, newest_ms, named, names, blobs, hours, counters, messages, at_risk,
-- fields}, journal entry, records (5 arguments: see packing.py), `names` names, what is appended to each of the `blobs`,
-- `messages` messages, then `at_risk` customers and what is known of each ('' = is at risk no more, ?x = x, if nothing
-- is known).
-- Returns 'committed', 'already' (this very commit is in), 'owner' or 'position' (refused, nothing written).
local c = cjson.decode(ARGV[1])
local state = KEYS[1]
local have = redis.call('HMGET', state, 'owner', 'commit', 'position', 'newest_ms')
if have[2] == c.commit then return 'already' end
if have[1] ~= c.owner then return 'owner' end
if (have[2] or '') ~= c.after or have[3] ~= c.expected or redis.call('LLEN', KEYS[3]) ~= c.named then return 'position' end

-- Lua does not roll back: nothing above writes, nothing below is expected to fail.
local function now_ms()
  local now = redis.call('TIME')
  return now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))
end
local buckets, key, record = KEYS[2] .. ':', 1, 1
for i = 0, #ARGV[3] / 2 - 1 do
  local bucket, key_length = struct.unpack('<I2', ARGV[3], 2 * i + 1), struct.unpack('<I2', ARGV[4], 2 * i + 1)
  local record_length = struct.unpack('<I4', ARGV[6], 4 * i + 1)
  redis.call('HSET', buckets .. bucket, ARGV[5]:sub(key, key + key_length - 1),
    ARGV[7]:sub(record, record + record_length - 1))
  key, record = key + key_length, record + record_length
end
for i = 1, c.names do
  redis.call('RPUSH', KEYS[3], ARGV[7 + i])
end
redis.call('RPUSH', KEYS[4], ARGV[2])
local next = 8 + c.names
for i = 1, c.blobs do
  redis.call('APPEND', KEYS[6 + i], ARGV[next])
  next = next + 1
end
for i = 7 + c.blobs, #KEYS do
  redis.call('DEL', KEYS[i])
end
for _ = 1, c.messages do
  redis.call('RPUSH', KEYS[5], ARGV[next])
  next = next + 1
end
for _ = 1, c.at_risk do
  if ARGV[next + 1] == '' then
    redis.call('HDEL', KEYS[6], ARGV[next])
  elseif ARGV[next + 1]:sub(1, 1) == '?' then
    redis.call('HSETNX', KEYS[6], ARGV[next], ARGV[next + 1]:sub(2))
  else
    redis.call('HSET', KEYS[6], ARGV[next], ARGV[next + 1])
  end
  next = next + 2
end
for i = 1, #c.fields, 2 do
  redis.call('HSET', state, c.fields[i], c.fields[i + 1])
end
for i = 1, #c.hours, 2 do
  local newest = tonumber(redis.call('HGET', state, c.hours[i]) or '-1')
  if tonumber(c.hours[i + 1]) > newest then redis.call('HSET', state, c.hours[i], c.hours[i + 1]) end
end
for i = 1, #c.counters, 2 do
  redis.call('HINCRBY', state, c.counters[i], c.counters[i + 1])
end
if c.newest_ms ~= '' and (not have[4] or tonumber(c.newest_ms) > tonumber(have[4])) then
  redis.call('HSET', state, 'newest_ms', c.newest_ms)
end
redis.call('HSET', state, 'commit', c.commit, 'position', c.position, 'committed_ms', now_ms())
return 'committed'

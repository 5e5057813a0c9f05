-- Read customers' records.
-- KEYS: customers (what the buckets' names begin with), names. ARGV: customers (3 arguments: see packing.py).
-- Returns how many names there are, then a record or false for each customer.
local buckets, key, found = KEYS[1] .. ':', 1, {redis.call('LLEN', KEYS[2])}
for i = 0, #ARGV[1] / 2 - 1 do
  local bucket, length = struct.unpack('<I2', ARGV[1], 2 * i + 1), struct.unpack('<I2', ARGV[2], 2 * i + 1)
  found[i + 2] = redis.call('HGET', buckets .. bucket, ARGV[3]:sub(key, key + length - 1))
  key = key + length
end
return found

-- Read customers' records.
-- KEYS: customers (what the buckets' names begin with). ARGV: customers (3 arguments: see packing.py).
-- Returns a record or false for each.
local buckets, key, found = KEYS[1] .. ':', 1, {}
for i = 0, #ARGV[1] / 2 - 1 do
  local bucket, length = struct.unpack('<I2', ARGV[1], 2 * i + 1), struct.unpack('<I2', ARGV[2], 2 * i + 1)
  found[i + 1] = redis.call('HGET', buckets .. bucket, ARGV[3]:sub(key, key + length - 1))
  key = key + length
end
return found

-- Read customers' records.
-- KEYS: state, customers (what the buckets' names begin with), names. ARGV: the customers' hashes, each bucket's
-- together (4 bytes each), and their keys, each after its length (2 bytes); all little-endian.
-- Returns how many names there are, then a record or false for each customer.
local width, split = widths(tonumber(redis.call('HGET', KEYS[1], 'buckets') or FEWEST))
local found, at = {redis.call('LLEN', KEYS[3])}, 1
for _, run in ipairs(runs_of(ARGV[1], width, split)) do
  local keys = {struct.unpack('<' .. ('I2c0'):rep(run[2]), ARGV[2], at)}
  at = table.remove(keys)
  for _, record in ipairs(redis.call('HMGET', KEYS[2] .. ':' .. run[1], unpack(keys))) do
    found[#found + 1] = record
  end
end
return found
